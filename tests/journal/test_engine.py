"""The engine: requests share transactions, and each gets its own result."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.journal.other_process import script, wait_until
from tests.journal.program import ROWS, Program, bodies, query
from tests.servers import LIMIT_S
from twiml_app.errors import JournalUnavailable
from twiml_app.journal.engine import Engine
from twiml_app.journal.locks import LockTimeout, QueueLock
from twiml_app.journal.sqlite import SqliteStore
from twiml_app.journal.stores import Execute, Row


def test_concurrent_threads_share_commits_and_each_gets_its_own_answer(program: Program) -> None:
    """A group commit must not hand one thread the result of another."""
    answers: dict[int, list[str]] = {}

    def send(number: int) -> None:
        answers[number] = bodies(program.text(f"question {number}", sid=f"SM{number:032}"))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert {number: answer[0].partition(" to ")[2] for number, answer in answers.items()} == {
        number: f"question {number}" for number in range(24)
    }


def test_failed_operation_does_not_harm_the_others_of_its_transaction(tmp_path: Path) -> None:
    """Requests share a transaction, but only the failed request may see the error."""
    engine = Program(f"sqlite:///{tmp_path}/twiml.db").engine
    engine.run(lambda execute: execute("CREATE TABLE t (n INTEGER)"))
    inside, results = threading.Barrier(4), {}

    def work(number: int) -> None:
        inside.wait(LIMIT_S)
        try:
            engine.run(lambda execute: [execute("INSERT INTO t VALUES (?)", (number,)), 1 // (number - 2)])
        except ZeroDivisionError:
            results[number] = "failed"

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert results == {2: "failed"}
    assert engine.run(lambda execute: execute("SELECT n FROM t ORDER BY n")) == [(0,), (1,), (3,)]


def test_store_that_is_down_fails_all_waiting_requests_together() -> None:
    """Twilio waits 15 seconds, so a request must not wait for the failed attempts of others too."""
    opened: list[bool] = []

    class Down(SqliteStore):
        def begin(self, *, durable: bool, limit_s: float) -> Execute:
            opened.append(durable and limit_s > 0)
            time.sleep(0.05)
            raise OSError("no route to host")

    engine, failed = Engine(lambda: Down(Path("x"), durable=True)), list[str]()

    def work() -> None:
        try:
            engine.check()
        except JournalUnavailable as error:
            failed.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert len(failed) == 8
    assert len(opened) <= 8
    assert "check TWIML_DATABASE_URL" in failed[0]


def test_forked_child_has_its_own_journal_connection(program: Program) -> None:
    """gunicorn with preload forks after the application was created and perhaps used."""
    program.text(sid="SM" + "1" * 32)
    child = os.fork()
    if child == 0:
        os._exit(0 if bodies(program.text(sid="SM" + "2" * 32)) == ["answer 2 to hello"] else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bodies(program.text(sid="SM" + "3" * 32)) == ["answer 2 to hello"]
    assert program.archive.overview().exchanges == 3


def test_failed_operation_writes_nothing(program: Program) -> None:
    """An operation must be stored completely or not at all."""

    def insert_and_fail(execute: Execute) -> None:
        execute("INSERT INTO meta VALUES ('half', 'x')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        program.engine.run(insert_and_fail)

    assert query(program.engine, "SELECT name FROM meta WHERE name = 'half'") == []


def test_outage_within_a_batch_fails_only_the_remaining_operations(tmp_path: Path) -> None:
    """After an error each operation gets its own transaction; one that was committed must not be reported as failed."""

    class Flaky(SqliteStore):
        begun = 0

        def begin(self, *, durable: bool, limit_s: float) -> Execute:
            self.begun += 1
            if self.begun == 4:  # after the blocking one, the batch, and the first of the batch
                raise OSError("no route to host")
            return super().begin(durable=durable, limit_s=limit_s)

    engine = Engine(lambda: Flaky(tmp_path / "twiml.db", durable=True))

    results = run_in_one_batch(engine, {"first": succeed, "second": fail(ValueError), "third": succeed})

    assert results == {"first": "done", "second": JournalUnavailable, "third": JournalUnavailable}


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_interruption_of_one_operation_leaves_the_others_of_its_batch_unharmed(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """An operation that never ran must not be reported as successful: its answer would be sent and not stored."""
    engine = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))
    operations = {name: insert(name) for name in ("first", "second")} | {
        "third": fail(error),
        "fourth": insert("fourth"),
    }

    results = run_in_one_batch(engine, operations)

    assert results == {"first": "done", "second": "done", "third": error, "fourth": "done"}
    assert query(engine, "SELECT name FROM meta WHERE value = 'x' ORDER BY name") == [
        ("first",),
        ("fourth",),
        ("second",),
    ]


def test_interruption_between_operations_is_that_of_the_thread_that_writes(tmp_path: Path) -> None:
    """Ctrl-C while a transaction begins ends the thread that runs the batch, and the others get their results."""

    class Interrupted(SqliteStore):
        begun = 0

        def begin(self, *, durable: bool, limit_s: float) -> Execute:
            self.begun += 1
            if self.begun == 2:  # the batch, after the blocking operation
                raise KeyboardInterrupt
            return super().begin(durable=durable, limit_s=limit_s)

    engine = Engine(lambda: Interrupted(tmp_path / "twiml.db", durable=True))

    results = run_in_one_batch(engine, dict.fromkeys(("first", "second", "third"), succeed))

    assert sorted(map(str, results.values())) == ["<class 'KeyboardInterrupt'>", "done", "done"]


def test_operation_that_never_ran_is_reported_as_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the thread that runs the batch ends at any other place, the others must not count as successful."""
    engine = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine._commits(), "_transact_one_by_one", interrupt)

    results = run_in_one_batch(engine, {"first": succeed, "second": fail(ValueError), "third": succeed})

    assert set(results.values()) == {KeyboardInterrupt, JournalUnavailable}
    assert query(engine, "SELECT 1") == [(1,)]


def test_engine_connects_when_it_is_first_used(tmp_path: Path) -> None:
    """Some processes create an application and never serve, such as those of the command line."""
    engine = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))

    engine.close()
    before = (engine.store.owner, [*tmp_path.iterdir()])
    engine.check()

    assert before == (0, [])
    assert engine.store.owner in engine.store.own_owners
    assert engine.read(lambda execute: engine.store.is_alive(execute, engine.store.owner))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_operation_leaves_no_transaction_open(tmp_path: Path, error: type[BaseException]) -> None:
    """Ctrl-C in the middle of a command must not lock the journal for everybody else."""
    engine = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))

    def interrupt(execute: Execute) -> None:
        execute("INSERT INTO meta VALUES ('half', 'x')")
        raise error

    with pytest.raises(error):
        engine.run(interrupt)
    other = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))

    assert query(other, "SELECT name FROM meta WHERE name = 'half'") == []
    assert query(engine, "SELECT 1") == [(1,)]


def test_failed_statement_does_not_break_the_connection(program: Program) -> None:
    """Whatever statement a database refuses, the next request must find a working connection."""
    with pytest.raises(JournalUnavailable, match="no_such_table"):
        query(program.engine, "SELECT 1 FROM no_such_table")

    assert query(program.engine, "SELECT 1") == [(1,)]


def succeed(execute: Execute) -> str:
    """Succeed, as an operation."""
    return "done"


def insert(name: str) -> Callable[[Execute], str]:
    """Return an operation that writes a row."""

    def operation(execute: Execute) -> str:
        execute("INSERT INTO meta VALUES (?, 'x')", (name,))
        return "done"

    return operation


def fail(error: type[BaseException]) -> Callable[[Execute], str]:
    """Return an operation that raises an error."""

    def operation(execute: Execute) -> str:
        raise error

    return operation


def run_in_one_batch(engine: Engine, operations: Mapping[str, Callable[[Execute], str]]) -> dict[str, object]:
    """Run operations that share a transaction, each in its own thread; return the value or error type of each."""
    entered, proceed, results = threading.Event(), threading.Event(), dict[str, object]()

    def block(execute: Execute) -> str:
        entered.set()
        assert proceed.wait(LIMIT_S)
        return "blocked"

    def work(name: str, operation: Callable[[Execute], str]) -> None:
        try:
            results[name] = engine.run(operation)
        except JournalUnavailable:
            results[name] = JournalUnavailable
        except BaseException as error:
            results[name] = type(error)

    threads = [threading.Thread(target=work, args=("blocking", block))]
    threads += [threading.Thread(target=work, args=each) for each in operations.items()]
    for place, thread in enumerate(threads):
        thread.start()
        assert entered.wait(LIMIT_S)
        while len(engine._commits()._waiting) < place:
            time.sleep(0.001)
    proceed.set()
    for thread in threads:
        thread.join(LIMIT_S)
    assert results.pop("blocking") == "blocked"
    return results


class Held(SqliteStore):
    """A store whose transactions cannot begin while ``free`` is not set, as if another process held the queue."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, durable=True)
        self.free = threading.Event()
        self.free.set()
        self.on_timeout: Callable[[], object] = lambda: None

    def begin(self, *, durable: bool, limit_s: float) -> Execute:
        if not self.free.wait(limit_s):
            self.on_timeout()
            raise LockTimeout("the write lock was not free")
        return super().begin(durable=durable, limit_s=limit_s)


def names(engine: Engine) -> list[str]:
    """Return the names that ``insert`` has written."""
    return [row[0] for row in query(engine, "SELECT name FROM meta WHERE value = 'x' ORDER BY name")]


def start(engine: Engine, results: dict[str, object], name: str, wait_s: float) -> threading.Thread:
    """Insert a name in a thread that has a time limit; its result is "done" or the error."""

    def work() -> None:
        try:
            results[name] = engine.run(insert(name), wait_s=wait_s)
        except JournalUnavailable as error:
            results[name] = error

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_requests_behind_a_stuck_one_are_refused_in_time_and_do_nothing_later(tmp_path: Path) -> None:
    """Twilio has got an error by then, and its retry does the same again."""
    engine, results = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True)), dict[str, object]()
    engine.check()
    held = QueueLock(tmp_path / "twiml.db-queue")
    held.acquire(LIMIT_S)

    stuck = start(engine, results, "stuck", LIMIT_S)
    wait_until(engine._commits()._leader_lock.locked)
    for each in [start(engine, results, name, 0.01) for name in ("second", "third")]:
        each.join(LIMIT_S)
    refused = dict(results)
    held.release()
    stuck.join(LIMIT_S)

    assert {name: type(error) for name, error in refused.items()} == dict.fromkeys(
        ("second", "third"), JournalUnavailable
    )
    assert results["stuck"] == "done"
    assert names(engine) == ["stuck"]
    held.close()


def test_operation_that_was_given_up_is_not_run_by_a_thread_that_has_taken_it(tmp_path: Path) -> None:
    """The thread that writes may have to wait after it has taken all that were waiting."""
    store, results = Held(tmp_path / "twiml.db"), dict[str, object]()
    engine = Engine(lambda: store)
    threads: list[threading.Thread] = []

    def hold(execute: Execute) -> str:
        threads.extend(start(engine, results, name, LIMIT_S if name == "long" else 0.5) for name in ("long", "short"))
        wait_until(lambda: len(engine._commits()._waiting) == 2)
        store.free.clear()
        return "held"

    engine.run(hold)
    wait_until(lambda: "short" in results)
    store.free.set()
    for thread in threads:
        thread.join(LIMIT_S)

    assert (results["long"], isinstance(results["short"], JournalUnavailable)) == ("done", True)
    assert names(engine) == ["long"]


@pytest.mark.parametrize("is_batch_broken", [False, True], ids=["together", "one by one"])
def test_thread_without_time_left_does_not_fail_the_others(tmp_path: Path, is_batch_broken: bool) -> None:
    """Whoever happens to write for all may have the least time, or an operation before yours may."""
    store, results = Held(tmp_path / "twiml.db"), dict[str, object]()
    store.on_timeout = store.free.set
    engine = Engine(lambda: store)
    threads: list[threading.Thread] = []

    def break_batch(execute: Execute) -> str:
        store.free.clear()
        raise ValueError

    def run_broken() -> None:
        with pytest.raises(ValueError):  # noqa: PT011
            engine.run(break_batch, wait_s=LIMIT_S)

    def hold(execute: Execute) -> str:
        if is_batch_broken:
            threads.append(threading.Thread(target=run_broken))
            threads[0].start()
            wait_until(lambda: len(engine._commits()._waiting) == 1)
        for name in ("short", "long"):
            threads.append(start(engine, results, name, LIMIT_S if name == "long" else 0.1))
            wait_until(lambda: len(engine._commits()._waiting) == len(threads))
        if not is_batch_broken:
            store.free.clear()
        return "held"

    engine.run(hold)
    wait_until(lambda: "short" in results)
    for thread in threads:
        while thread.is_alive():  # the broken operation may hold the store later than this sets it free
            store.free.set()
            thread.join(0.01)

    assert (results["long"], isinstance(results["short"], JournalUnavailable)) == ("done", True)


def test_journal_is_read_while_another_thread_writes(program: Program) -> None:
    """A command that looks at the journal must not wait for the application, nor the other way round."""
    program.journal.check()

    def look(execute: Execute) -> list[Row]:
        execute("INSERT INTO meta VALUES ('half', 'x')")
        return program.engine.read(lambda execute: execute("SELECT name FROM meta WHERE value = 'x'"), wait_s=LIMIT_S)

    assert program.engine.run(look) == []
    assert names(program.engine) == ["half"]


@pytest.mark.parametrize("database_url", ["sqlite", "sqlite with claims as rows"], indirect=True)
def test_journal_is_read_while_a_stopped_process_holds_it(program: Program, database_url: str) -> None:
    """This is when somebody looks at the journal, and the error of a write names the stopped process."""
    program.text()
    source = """
    from tests.journal.program import Program
    def stop(execute):
        execute("DELETE FROM exchanges")
        print("stopped", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    Program(sys.argv[1]).engine.run(stop)
    """
    with script(source, database_url) as stopped:
        assert stopped.read() == "stopped"

        assert program.archive.overview().exchanges == 1
        assert database_url.startswith(ROWS) or bodies(program.text()) == ["answer 1 to hello"]
        with pytest.raises(JournalUnavailable, match=f"held by pid {stopped.pid} "):
            program.engine.run(succeed, wait_s=0.01)


def test_statement_that_reads_too_long_is_an_outage(tmp_path: Path) -> None:
    """A request must not wait for a huge journal to be searched."""
    engine = Program(f"sqlite:///{tmp_path}/twiml.db").engine
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    with pytest.raises(JournalUnavailable, match="cannot be read: interrupted"):
        engine.read(lambda execute: execute(endless), wait_s=0.05)


def test_write_of_a_reader_is_refused(program: Program) -> None:
    """It would not wait for its turn."""
    program.journal.check()

    with pytest.raises(JournalUnavailable, match=r"cannot be read: .*read-?only"):
        program.engine.read(lambda execute: execute("DELETE FROM exchanges"))


@pytest.mark.parametrize("action", ["forget", "missing_indexes"])
def test_engines_leave_no_descriptor_open(tmp_path: Path, action: str) -> None:
    """A program may open many journals, for example in its tests."""
    folder, counts = Path("/proc/self/fd"), []
    for _ in range(5):
        engine = Engine(lambda: SqliteStore(tmp_path / "twiml.db", durable=True))
        engine.check()
        getattr(engine, action)()
        del engine
        gc.collect()
        counts.append(len(list(folder.iterdir())))

    assert len(set(counts)) == 1
