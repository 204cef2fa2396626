"""Whether the journal can be written to: asked often, found out seldom."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.journal.other_process import script
from tests.journal.program import Program, query
from tests.servers import LIMIT_S
from twiml_app.errors import JournalUnavailable
from twiml_app.journal.engine import WAIT_S, Engine
from twiml_app.journal.locks import QueueLock
from twiml_app.journal.readiness import LIMIT_S as CHECK_S
from twiml_app.journal.readiness import VALID_S, Readiness
from twiml_app.journal.sqlite import SqliteStore


class Counting(Engine):
    """An engine that counts its checks; each waits until it may go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: SqliteStore(path, durable=True))
        self.checks = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.limits: list[float] = []

    def check(self, *, wait_s: float = WAIT_S) -> None:
        self.checks += 1
        self.limits.append(wait_s)
        assert self.may_go_on.wait(LIMIT_S)
        super().check(wait_s=wait_s)


class Monotonic:
    """Seconds that pass only when a test says so; a machine may just have started."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Counting:
    """Return an engine on an empty journal."""
    return Counting(tmp_path / "twiml.db")


def test_many_who_ask_together_share_one_check(engine: Counting) -> None:
    """A load balancer with many probes must not become a load of its own."""
    readiness, started, answers = Readiness(engine, Monotonic()), threading.Barrier(9), list[str]()
    engine.may_go_on.clear()

    def ask() -> None:
        started.wait(LIMIT_S)
        readiness.check()
        answers.append("ready")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    started.wait(LIMIT_S)
    engine.may_go_on.set()
    for thread in threads:
        thread.join(LIMIT_S)

    assert (answers, engine.checks) == (["ready"] * 8, 1)


def test_result_is_valid_for_a_second(engine: Counting) -> None:
    """Each check waits for the disk."""
    clock = Monotonic()
    readiness, counts = Readiness(engine, clock), []
    for seconds in (0.0, 0.5, VALID_S - 0.501, 0.001, VALID_S):
        clock.now += seconds
        readiness.check()
        counts.append(engine.checks)

    assert counts == [1, 1, 1, 2, 3]


def test_failure_is_valid_for_a_second_too(engine: Counting, tmp_path: Path) -> None:
    """A journal that is down must not be asked more often than one that works."""
    clock = Monotonic()
    readiness = Readiness(engine, clock)
    (tmp_path / "twiml.db").mkdir()
    for _ in range(3):
        with pytest.raises(JournalUnavailable, match="unable to open database file"):
            readiness.check()
    (tmp_path / "twiml.db").rmdir()
    clock.now += VALID_S
    readiness.check()

    assert engine.checks == 2


def test_check_leaves_nothing_behind(engine: Counting) -> None:
    """It runs every second, for years."""
    Readiness(engine).check()

    assert query(engine, "SELECT count(*) FROM probes") == [(0,)]


def test_check_ends_in_time_while_another_process_holds_the_journal(engine: Counting, tmp_path: Path) -> None:
    """Who probes wants an answer within two seconds, and one that names the process."""
    engine.check()
    held = QueueLock(tmp_path / "twiml.db-queue")
    held.acquire(LIMIT_S)

    with pytest.raises(JournalUnavailable, match="was not free within 1"):
        Readiness(engine).check()

    held.close()
    assert engine.limits[1:] == [CHECK_S]
    assert CHECK_S < 2


def test_who_asks_while_a_check_hangs_gets_an_answer(engine: Counting) -> None:
    """A disk may hang without an error."""
    readiness = Readiness(engine)
    engine.may_go_on.clear()
    thread = threading.Thread(target=readiness.check)
    thread.start()

    with pytest.raises(JournalUnavailable, match="did not answer within"):
        readiness.check()

    engine.may_go_on.set()
    thread.join(LIMIT_S)


def test_full_disk_is_found_where_only_the_commit_fails(tmp_path: Path) -> None:
    """Statements succeed on a full disk: what they write is in memory until the commit."""
    source = """
    import resource
    from tests.journal.program import Program
    from twiml_app.errors import JournalUnavailable
    from twiml_app.journal.readiness import Readiness
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    now = [0.0]
    program = Program(f"sqlite:///{sys.argv[1]}")
    readiness = Readiness(program.engine, lambda: now[0])
    def check():
        now[0] += 1
        try:
            readiness.check()
        except JournalUnavailable:
            return "refused"
        return "ready"
    other = Program(f"sqlite:///{sys.argv[1]}")  # SQLite deletes the log with the last connection, which makes space
    other.engine.check()
    found, executed = [check()], []
    limit = os.path.getsize(sys.argv[1] + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    found.append(check())
    def insert(execute):
        execute("INSERT INTO probes (body) VALUES ('x')")
        executed.append("statement")
    try:
        program.engine.run(insert)
    except JournalUnavailable:
        executed.append("commit refused")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found.append(check())
    print(json.dumps([found, sorted(set(executed))]))
    """
    with script(source, tmp_path / "twiml.db") as full:
        printed = full.finish()

    assert printed == '[["ready", "refused", "ready"], ["commit refused", "statement"]]\n'
    assert query(Program(f"sqlite:///{tmp_path}/twiml.db").engine, "SELECT count(*) FROM probes") == [(0,)]
