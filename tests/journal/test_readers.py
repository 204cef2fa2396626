"""Read-only connections: they see what is committed, and are in nobody's way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.journal.kept_journals import load_kept_journal
from tests.journal.program import Program
from tests.servers import LIMIT_S
from twiml_app.journal.readers import MAX_IDLE, SqliteReaders

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database with an empty table."""
    path = tmp_path / "a?folder#with%marks" / "twiml.db"
    path.parent.mkdir()
    make(path)
    return path


@pytest.fixture
def readers(path: Path) -> Iterator[SqliteReaders]:
    """Return the readers of the database."""
    readers = SqliteReaders(path)
    yield readers
    readers.close()


def make(path: Path) -> None:
    """Create a database in WAL mode."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (n INTEGER)")


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Return a connection that writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def read(readers: SqliteReaders, statement: str = "SELECT n FROM t") -> list[object]:
    """Return the first column of a statement's rows."""
    with readers.read(LIMIT_S) as execute:
        return [row[0] for row in execute(statement)]


def test_reader_sees_what_was_committed_when_its_statement_began(
    readers: SqliteReaders, writer: sqlite3.Connection
) -> None:
    """A command that pages through a large journal must not hold a snapshot, which would let the log grow."""
    with readers.read(LIMIT_S) as execute:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO t VALUES (1)")
        before = execute("SELECT n FROM t")
        writer.execute("COMMIT")

        assert (before, execute("SELECT n FROM t")) == ([], [(1,)])


def test_log_can_be_truncated_while_a_reader_is_between_two_statements(
    readers: SqliteReaders, writer: sqlite3.Connection, path: Path
) -> None:
    """Erased texts are in the log until then."""
    writer.execute("INSERT INTO t VALUES (1)")
    with readers.read(LIMIT_S) as execute:
        execute("SELECT n FROM t")
        busy = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    assert (busy, Path(f"{path}-wal").stat().st_size) == (0, 0)


def test_reader_of_a_replaced_file_reads_the_new_one(readers: SqliteReaders, path: Path) -> None:
    """A journal that was restored from a backup must be read, not the deleted file."""
    assert read(readers) == []
    make(path.with_name("new.db"))
    with closing(sqlite3.connect(path.with_name("new.db"))) as connection, connection:
        connection.execute("INSERT INTO t VALUES (2)")
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    path.with_name("new.db").rename(path)
    readers.close()  # as the store does when it finds that its files were replaced

    assert read(readers) == [2]


@pytest.mark.parametrize("statement", ["INSERT INTO t VALUES (1)", "CREATE TABLE u (n)", "DELETE FROM t"])
def test_reader_cannot_write(readers: SqliteReaders, statement: str) -> None:
    """A write outside of the queue could make the other writers wait."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        read(readers, statement)

    assert read(readers) == []


@pytest.mark.parametrize("is_reused", [False, True], ids=["new connection", "used connection"])
def test_statement_that_runs_too_long_is_interrupted(readers: SqliteReaders, is_reused: bool) -> None:
    """A request waits for it, and must be answered within Twilio's time; a connection's earlier limit was another."""
    if is_reused:
        read(readers)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"), readers.read(0.01) as execute:
        execute(ENDLESS)

    assert read(readers) == []


def test_connection_is_not_used_again_after_an_error(readers: SqliteReaders) -> None:
    """A connection in an unknown state could give wrong answers to the next request."""
    with pytest.raises(ZeroDivisionError), readers.read(LIMIT_S):
        raise ZeroDivisionError

    assert not readers._idle


def test_number_of_kept_connections_is_limited(readers: SqliteReaders, path: Path) -> None:
    """After a rush of requests the descriptors must be free again."""
    barrier = threading.Barrier(3 * MAX_IDLE)

    def wait_inside() -> None:
        with readers.read(LIMIT_S) as execute:
            barrier.wait(LIMIT_S)
            execute("SELECT n FROM t")

    run_together([wait_inside] * 3 * MAX_IDLE)
    kept = len(readers._idle)
    readers.close()

    assert (kept, len(readers._idle)) == (MAX_IDLE, 0)


def test_each_thread_reads_on_a_connection_of_its_own(readers: SqliteReaders, writer: sqlite3.Connection) -> None:
    """SQLite's connections mix up results if threads share one."""
    writer.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(100)])
    wrong: list[object] = []

    def read_often() -> None:
        wrong.extend(found for _ in range(50) if (found := read(readers)) != [*range(100)])

    run_together([read_often] * 8)

    assert wrong == []


def run_together(actions: list[Callable[[], None]]) -> None:
    """Run each action in a thread."""
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """A reader must not create an empty database in place of a deleted one."""
    readers = SqliteReaders(tmp_path / "twiml.db")

    with pytest.raises(sqlite3.OperationalError):
        read(readers)
    assert [*tmp_path.iterdir()] == []


def test_only_a_journal_with_the_tables_of_this_release_is_current(tmp_path: Path) -> None:
    """Otherwise a statement would fail on a missing table or column."""
    path = tmp_path / "twiml.db"
    readers, found = SqliteReaders(path), list[bool]()
    found.append(readers.is_current(LIMIT_S))
    path.touch()
    found.append(readers.is_current(LIMIT_S))
    load_kept_journal(f"sqlite:///{path}", 1)
    found.append(readers.is_current(LIMIT_S))
    Program(f"sqlite:///{path}").journal.check()
    found.append(readers.is_current(LIMIT_S))
    readers.close()

    assert found == [False, False, False, True]
