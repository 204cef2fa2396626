"""The journal in a SQLite file."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.journal.program import Program, contents, query, start_script
from tests.servers import LIMIT_S
from twiml_app.errors import JournalUnavailable
from twiml_app.journal.archive import Filter
from twiml_app.journal.engine import Engine
from twiml_app.journal.sqlite import SqliteStore


def test_locked_database_refuses_in_time_and_service_resumes(tmp_path: Path) -> None:
    """A backup or an SQL prompt may lock the file without waiting in our queue."""
    import sqlite3

    path = tmp_path / "twiml.db"
    engine = Engine(lambda: SqliteStore(path, durable=True))
    engine.run(lambda execute: execute("SELECT 1"))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(JournalUnavailable, match="locked"):
        engine.run(lambda execute: execute("SELECT 1"))
    holder.execute("ROLLBACK")
    holder.close()

    assert engine.run(lambda execute: execute("SELECT 1")) == [(1,)]


def test_file_that_was_deleted_is_created_again(tmp_path: Path) -> None:
    """A write to a deleted file would be acknowledged and lost."""
    program = Program(f"sqlite:///{tmp_path}/folder/twiml.db")
    program.text(sid="SM1")
    shutil.rmtree(tmp_path / "folder")
    program.text(sid="SM2")

    assert [each.sid for each in Program(f"sqlite:///{tmp_path}/folder/twiml.db").archive.all(Filter())] == ["SM2"]


def test_full_disk_loses_no_acknowledged_answer(tmp_path: Path) -> None:
    """When the disk is full the application refuses, and every answer from before is still there."""
    output = start_script(
        f"""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        program = Program("sqlite:///{tmp_path}/twiml.db")
        program.text(sid="SM" + "0" * 32)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        answered = []
        for number in range(100):
            if program.text("x" * 1500, sid=f"SM{{number:032}}").status == 200:
                answered.append(f"SM{{number:032}}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        answered += [sid for sid in ["SM" + "f" * 32] if program.text(sid=sid).status == 200]
        print(json.dumps(answered))
        """
    ).communicate(timeout=LIMIT_S)[0]
    answered = json.loads(output.splitlines()[-1])
    kept = {
        each.sid for each in Program(f"sqlite:///{tmp_path}/twiml.db").archive.all(Filter()) if each.state == "done"
    }

    assert 0 < len(answered) < 100
    assert answered[-1] == "SM" + "f" * 32
    assert set(answered) <= kept


@pytest.mark.parametrize(("durability", "level"), [("power", 2), ("process", 1)])
def test_commit_waits_for_the_disk_if_it_must_survive_a_power_cut(tmp_path: Path, durability: str, level: int) -> None:
    """PRAGMA synchronous is FULL (2) or NORMAL (1): the setting must reach the file."""
    engine = Program(f"sqlite:///{tmp_path}/twiml.db", TWIML_DURABILITY=durability).engine

    assert engine.run(lambda execute: execute("PRAGMA synchronous")) == [(level,)]
    assert query(engine, "PRAGMA synchronous") == [(1,)]


def test_erased_text_is_gone_from_every_file(tmp_path: Path) -> None:
    """An erased person must not be found in free pages or in the write-ahead log."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    program.text("my secret illness")
    assert b"my+secret+illness" in contents(tmp_path)

    program.archive.erase("+15005550001")

    assert b"illness" not in contents(tmp_path)


def test_only_a_running_process_holds_its_claims(tmp_path: Path) -> None:
    """The system releases the lock of a process that dies, so no cleanup is needed."""
    folder = tmp_path / "made" / "when needed"
    store, other = (SqliteStore(folder / "twiml.db", durable=True) for _ in range(2))
    for each in (store, other):
        execute = each.begin(durable=True, limit_s=LIMIT_S)
        each.commit()

    assert store.owner != other.owner
    owners = (store.owner, other.owner, store.owner ^ 1)
    assert [store.is_alive(execute, owner) for owner in owners] == [True, True, False]
    store.close()
    assert other.is_alive(execute, store.owner)
    other.close()


def test_files_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    """The database contains the texts of customers, and whoever can open the lock files can stop the application."""
    folder = tmp_path / "instance"
    before = os.umask(0o022)
    try:
        Program(f"sqlite:///{folder}/twiml.db").text()
    finally:
        os.umask(before)

    modes = {path: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    files = [f"twiml.db{end}" for end in ("", "-wal", "-shm", "-queue", "-claims")]
    workers = [*(folder / "twiml.db-workers").iterdir()]

    assert len(workers) == 1
    assert modes == dict.fromkeys([folder, folder / "twiml.db-workers"], 0o700) | dict.fromkeys(
        [*workers, *(folder / name for name in files)], 0o600
    )


def test_mode_of_an_existing_database_is_kept(tmp_path: Path) -> None:
    """An operator may have given a group access, for example for backups."""
    (tmp_path / "twiml.db").touch(mode=0o640)
    (tmp_path / "twiml.db").chmod(0o640)

    Program(f"sqlite:///{tmp_path}/twiml.db").text()

    assert {(tmp_path / f"twiml.db{end}").stat().st_mode & 0o777 for end in ("", "-wal", "-shm")} == {0o640}


def test_rollback_before_the_first_transaction_does_nothing(tmp_path: Path) -> None:
    """An exit while the file is opened must not be replaced by another error."""
    store = SqliteStore(tmp_path / "twiml.db", durable=True)
    store.roll_back()

    assert not (tmp_path / "twiml.db").exists()


def test_journal_that_was_deleted_while_it_was_closed_is_created_again(tmp_path: Path) -> None:
    """Reading comes first in a request, and must not fail for ever because there is nothing to read."""
    program = Program(f"sqlite:///{tmp_path}/folder/twiml.db")
    program.text(sid="SM1")
    program.engine.close()
    shutil.rmtree(tmp_path / "folder")

    assert program.text(sid="SM2").status == 200
    assert [each.sid for each in Program(f"sqlite:///{tmp_path}/folder/twiml.db").archive.all(Filter())] == ["SM2"]


def test_failed_opening_does_not_change_how_messages_are_claimed(tmp_path: Path) -> None:
    """If one process claimed by rows and the others by locks, a message could be answered twice."""
    engine = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))
    (tmp_path / "twiml.db-claims").mkdir()
    with pytest.raises(JournalUnavailable):
        engine.guards()
    (tmp_path / "twiml.db-claims").rmdir()

    assert engine.guards()


def test_files_that_are_being_replaced_do_not_change_how_messages_are_claimed(tmp_path: Path) -> None:
    """A thread may ask for the locks while another one opens the new files."""
    store = SqliteStore(tmp_path / "twiml.db", durable=True)
    engine = Engine(lambda: store)
    assert engine.guards()
    (tmp_path / "twiml.db-queue").unlink()
    (tmp_path / "twiml.db-workers").rename(tmp_path / "moved")
    (tmp_path / "twiml.db-workers").touch()

    with pytest.raises(JournalUnavailable):
        engine.check()

    assert store.guards
