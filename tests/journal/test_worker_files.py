"""The file of a process: proof that it lives, and the requests that it handles."""

from __future__ import annotations

import os
import resource
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.other_process import script
from tests.servers import LIMIT_S
from twiml_app.journal.worker_files import (
    MAX_RECORD_BYTES,
    SLOT_BYTES,
    WorkerFile,
    file_of,
    files_of_dead_processes,
    is_alive,
    read_records,
)

OWNER = 0x123
LIVE = """
from twiml_app.journal.worker_files import WorkerFile
file = WorkerFile(Path(sys.argv[1]), int(sys.argv[2]))
file.put(b"being handled")
print("alive", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the path of a folder for the files of processes."""
    return tmp_path / "twiml.db-workers"


def records(folder: Path, owner: int = OWNER) -> list[bytes]:
    """Return the records in the file of a process."""
    return list(read_records(file_of(folder, owner)))


def in_child_with_full_disk(limit: int, action: object) -> int:
    """Run an action in a forked child that can write files up to a size, and return its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            action()  # type: ignore[operator]
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("record", [b"x", b"\0" * 10, b"x" * MAX_RECORD_BYTES], ids=["short", "zeros", "longest"])
def test_record_is_in_the_file_until_it_is_cleared(folder: Path, record: bytes) -> None:
    """What is being handled when the process dies must be found, whatever bytes it has."""
    file = WorkerFile(folder, OWNER)
    other = file.put(b"another")
    slot = file.put(record)
    assert records(folder) == [b"another", record]

    file.clear(slot)
    assert records(folder) == [b"another"]
    file.clear(other)
    assert records(folder) == []


def test_cleared_text_is_gone_from_the_file(folder: Path) -> None:
    """Somebody's message must not stay on the disk after it was erased from the journal."""
    file = WorkerFile(folder, OWNER)
    file.clear(file.put(b"my secret illness"))

    assert set(file_of(folder, OWNER).read_bytes()) == {0}


def test_longer_record_leaves_nothing_of_itself_behind_a_shorter_one(folder: Path) -> None:
    """A slot is used for many requests."""
    file = WorkerFile(folder, OWNER)
    file.clear(file.put(b"a long record"))
    file.put(b"short")

    assert records(folder) == [b"short"]
    assert b"record" not in file_of(folder, OWNER).read_bytes()


def test_file_stays_small_however_many_requests_there_are(folder: Path) -> None:
    """A worker runs for months."""
    file, wrong = WorkerFile(folder, OWNER), list[bytes]()

    def work(number: int) -> None:
        for place in range(1250):
            record = b"%d %d " % (number, place) * 20
            slot = file.put(record)
            if place % 50 == 0 and record not in records(folder):
                wrong.append(record)
            file.clear(slot)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert (wrong, records(folder)) == ([], [])
    assert file_of(folder, OWNER).stat().st_size <= 8 * SLOT_BYTES
    assert file_of(folder, OWNER).stat().st_blocks * 512 <= 8 * 64 * 1024


@given(
    kept=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=3),
    damage=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60), st.binary(min_size=1, max_size=12)), max_size=3),
    size=st.none() | st.tuples(st.integers(0, 2), st.integers(0, 60)),
)
def test_damaged_file_never_yields_a_wrong_record(
    tmp_path_factory: pytest.TempPathFactory,
    kept: list[bytes],
    damage: list[tuple[int, int, bytes]],
    size: tuple[int, int] | None,
) -> None:
    """A kill or a power cut may interrupt any write, and half a message is not what somebody sent."""
    folder = tmp_path_factory.mktemp("workers")
    file = WorkerFile(folder, OWNER)
    for record in kept:
        file.put(record)
    path = file_of(folder, OWNER)
    with path.open("r+b") as opened:
        for slot, offset, data in damage:
            opened.seek(slot * SLOT_BYTES + offset)
            opened.write(data)
        if size is not None:
            opened.truncate(size[0] * SLOT_BYTES + size[1])

    found = list(read_records(path))

    assert len(found) <= len(kept)
    assert set(found) <= set(kept)
    assert damage or size or found == kept


def test_files_of_dead_processes_are_found_and_those_of_living_ones_are_not(folder: Path) -> None:
    """A living process answers its requests itself."""
    assert files_of_dead_processes(folder) == []
    with script(LIVE, folder, 1) as one, script(LIVE, folder, 2) as other:
        assert (one.read(), other.read()) == ("alive", "alive")
        assert files_of_dead_processes(folder) == []
        one.kill()

        assert files_of_dead_processes(folder) == [file_of(folder, 1)]
        assert records(folder, 1) == [b"being handled"]
        assert (is_alive(file_of(folder, 1)), is_alive(file_of(folder, 2))) == (False, True)
    assert not is_alive(file_of(folder, 3))


def test_file_that_another_process_looks_at_can_be_created(folder: Path) -> None:
    """Whoever looks for dead processes locks each file for a moment, also one that is just being created."""
    found, done, wrong = threading.Event(), threading.Event(), list[BaseException]()
    folder.mkdir()

    def look() -> None:
        try:
            while not done.is_set():
                files_of_dead_processes(folder)
                found.set()
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    assert found.wait(LIMIT_S)
    for _ in range(500):
        WorkerFile(folder, OWNER).close()
    done.set()
    thread.join(LIMIT_S)

    assert wrong == []


def test_dead_process_counts_as_dead_for_all_who_look_at_the_same_time(folder: Path) -> None:
    """All workers may look at once, and none must mistake another's look for a sign of life."""
    WorkerFile(folder, OWNER).close()
    barrier, alive = threading.Barrier(4), list[bool]()

    def look() -> None:
        barrier.wait(LIMIT_S)
        alive.extend(is_alive(file_of(folder, OWNER)) for _ in range(500))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert alive == [False] * 2000


def test_file_that_was_removed_meanwhile_has_no_records(folder: Path) -> None:
    """Another process may have collected it in between."""
    assert records(folder) == []


def test_full_disk_fails_the_request_and_leaves_the_slot_usable(folder: Path) -> None:
    """When there is space again, the process continues without a restart."""
    file = WorkerFile(folder, OWNER)

    def fill() -> None:
        for _ in range(3):
            with pytest.raises(OSError, match=r"full|too large"):
                file.put(b"x" * 200)
        assert records(folder) == []
        slot = file.put(b"fits")
        assert records(folder) == [b"fits"]
        file.clear(slot)
        assert file_of(folder, OWNER).stat().st_size <= 100

    assert in_child_with_full_disk(100, fill) == 0
    file.put(b"x" * 200)
    assert records(folder) == [b"x" * 200]


def test_closed_file_takes_no_record_and_its_process_counts_as_dead(folder: Path) -> None:
    """A forked child closes the file of its parent, and must write nothing into another file by mistake."""
    file = WorkerFile(folder, OWNER)
    slot = file.put(b"being handled")
    file.close()
    file.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        file.put(b"more")
    file.clear(slot)

    assert files_of_dead_processes(folder) == [file_of(folder, OWNER)]
    assert records(folder) == [b"being handled"]


def test_forked_child_leaves_the_parent_alive(folder: Path) -> None:
    """A child that ends does not release the lock of its parent."""
    file = WorkerFile(folder, OWNER)
    child = os.fork()
    if child == 0:
        file.close()
        os._exit(0)
    os.waitpid(child, 0)

    assert is_alive(file_of(folder, OWNER))


def test_file_is_closed_with_its_object(folder: Path) -> None:
    """When the files of a journal were replaced, the last request that uses the old ones closes them."""
    file = WorkerFile(folder, OWNER)
    assert is_alive(file_of(folder, OWNER))
    del file

    assert not is_alive(file_of(folder, OWNER))
