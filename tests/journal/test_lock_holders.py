"""Who holds a lock: named for whoever is on call, without the secrets of command lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journal.other_process import script
from tests.servers import LIMIT_S
from twiml_app.journal.lock_holders import holders
from twiml_app.journal.locks import QueueLock

HOLD = """
from twiml_app.journal.locks import QueueLock
lock = QueueLock(Path(sys.argv[1]), sys.argv[2])
lock.acquire(600)
print("held", flush=True)
sys.stdin.readline()
"""
POSIX_LOCK = """
import fcntl
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """Return the path of a queue's lock file."""
    path = tmp_path / "twiml.db-queue"
    path.touch()
    return path


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """Return the path of a system's list of locks where there is none."""
    return tmp_path / "no such file"


@pytest.mark.parametrize("source", [HOLD, POSIX_LOCK], ids=["flock", "POSIX lock"])
def test_holder_is_named_with_its_process_and_command(queue: Path, source: str) -> None:
    """It may be a backup, an SQL prompt, or a stopped worker: the command line shows which."""
    with script(source, queue, "erase") as holder:
        assert holder.read() == "held"

        assert holders([queue]).startswith(f"pid {holder.pid} ({sys.executable} -c import json")


def test_process_that_holds_several_files_is_named_once(queue: Path) -> None:
    """SQLite locks more than one file."""
    other = queue.with_name("twiml.db")
    other.touch()
    with script(HOLD, queue, "erase") as holder:
        assert holder.read() == "held"

        assert holders([queue, queue, other]).count("pid") == 1


def test_own_process_and_waiting_processes_are_not_holders(queue: Path) -> None:
    """Another thread of this process is said elsewhere, and who waits is a victim too."""
    lock = QueueLock(queue)
    lock.acquire(LIMIT_S)
    with script(HOLD, queue, "erase"):
        assert holders([queue]) == "another process"


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        pytest.param("+15005550001", "…", id="phone number"),
        pytest.param("whatsapp:+15005550001", "whatsapp:…", id="address"),
        pytest.param("+1 (500) 555-0001", "…", id="phone number as people write it"),
        pytest.param("postgresql://sms:secret@db/x", "postgresql://…@db/x", id="password"),
        pytest.param("postgresql://sms:sec@ret@db/x", "postgresql://…@db/x", id="password with an @"),
        pytest.param("sqlite:///twiml.db", "sqlite:///twiml.db", id="nothing secret"),
        pytest.param("a\x1b[31m\nb", "a[31mb", id="control characters"),
    ],
)
def test_secrets_of_a_command_line_are_masked(queue: Path, argument: str, shown: str) -> None:
    """The text goes into logs, which more people read than may read messages."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", argument]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        locks = queue.with_name("locks")
        locks.write_text(f"1: FLOCK  ADVISORY  WRITE {process.pid} 08:01:{queue.stat().st_ino} 0 EOF\n")

        assert holders([queue], locks=locks).endswith(f"sys.stdin.read() {shown})")
        process.kill()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("", id="empty"),
        pytest.param("1: FLOCK\n\n2:", id="short lines"),
        pytest.param("1: FLOCK ADVISORY READ {pid} 08:01:{inode} 0 EOF", id="read lock"),
        pytest.param("1: -> FLOCK ADVISORY WRITE {pid} 08:01:{inode} 0 EOF", id="waiting"),
        pytest.param("1: OFDLCK ADVISORY WRITE -1 08:01:{inode} 0 EOF", id="no process"),
        pytest.param("1: FLOCK ADVISORY WRITE {pid} 08:01:1{inode} 0 EOF", id="another file"),
    ],
)
def test_other_locks_are_not_taken_for_the_one_that_is_held(queue: Path, lines: str) -> None:
    """To name the wrong process would lead to the wrong process being killed."""
    locks = queue.with_name("locks")
    locks.write_text(lines.format(pid=os.getppid(), inode=queue.stat().st_ino))

    assert holders([queue], locks=locks) == "another process"


def test_process_that_has_ended_meanwhile_has_no_command(queue: Path) -> None:
    """The lock may be released between the two questions."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait(LIMIT_S)
    locks = queue.with_name("locks")
    locks.write_text(f"1: FLOCK  ADVISORY  WRITE {done.pid} 08:01:{queue.stat().st_ino} 0 EOF\n")

    assert holders([queue], locks=locks) == f"pid {done.pid} (unknown)"


def test_command_names_itself_where_the_system_does_not(queue: Path, silent: Path) -> None:
    """macOS has no list of locks."""
    with script(HOLD, queue, "journal erase +15005550001") as holder:
        assert holder.read() == "held"

        assert holders([queue], locks=silent) == f"pid {holder.pid} (journal erase …)"


def test_command_that_was_killed_is_not_named(queue: Path, silent: Path) -> None:
    """Its name is still in the file, and another process may hold the lock now."""
    with script(HOLD, queue, "erase") as holder:
        assert holder.read() == "held"
        holder.kill()

    assert queue.read_text() == f"{holder.pid} erase\n"
    assert holders([queue], locks=silent) == "another process"


def test_process_of_another_user_is_named(queue: Path, silent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it must not be signalled shows that it runs."""

    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    queue.write_text("4711 erase\n")

    assert holders([queue], locks=silent) == "pid 4711 (erase)"


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"erase", id="no process"),
        pytest.param(b"0 erase\n", id="process 0"),
        pytest.param(b"-1 erase\n", id="every process"),
        pytest.param(b"9" * 40 + b" erase\n", id="a number that is too large"),
        pytest.param(b"\x00\xff\xfe", id="not a text"),
        pytest.param(b"\n1 erase\n", id="in the second line"),
    ],
)
def test_damaged_lock_file_names_nobody(queue: Path, silent: Path, contents: bytes) -> None:
    """The error that is being reported must not be replaced by another one."""
    queue.write_bytes(contents)

    assert holders([queue], locks=silent) == "another process"


def test_only_the_first_line_of_a_lock_file_is_a_name(queue: Path, silent: Path) -> None:
    """A longer name that was there before may have been overwritten in part."""
    queue.write_text(f"{os.getppid()} erase\nof an earlier command\n")

    assert holders([queue], locks=silent) == f"pid {os.getppid()} (erase)"


def test_missing_and_other_files_name_nobody(tmp_path: Path, silent: Path) -> None:
    """Only a queue's lock file has a name in it: the database has the texts of customers."""
    (tmp_path / "twiml.db").write_text(f"{os.getpid()} secret\n")

    assert holders([tmp_path / "twiml.db", tmp_path / "missing-queue"], locks=silent) == "another process"
