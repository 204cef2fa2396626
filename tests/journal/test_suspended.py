"""Suspended processes and locks held from outside: answers come in time, say who is in the way, and service resumes."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.journal.program import ROWS, Clock, Program, bodies, query, start_script
from tests.postgres_server import new_schema
from tests.servers import LIMIT_S
from twiml_app.journal import sqlite_path
from twiml_app.journal.archive import Filter
from twiml_app.journal.forgetting import forget
from twiml_app.journal.upkeep import INTERVAL_S
from twiml_app.receiver.wait_budget import TWILIO_WAIT_S
from twiml_app.webhook import WebhookResponse

#: Each of them waits for a time limit to pass.
pytestmark = pytest.mark.slow

#: The limit of the tests, in seconds; what must end in time ends long before Twilio stops waiting.
WAIT_S = "1"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite", "sqlite with claims as rows"], indirect=True)


@contextmanager
def suspended(*pids: int) -> Iterator[None]:
    """Suspend processes until the end of the block."""
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        while any(state_of(pid) not in "TZ" for pid in pids):
            time.sleep(0.001)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def state_of(pid: int) -> str:
    """Return the letter of a process's state; ``Z`` if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@contextmanager
def running(script: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script until the end of the block, from when it has printed a line."""
    process = start_script(script)
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def in_time(action: Callable[[], WebhookResponse]) -> WebhookResponse:
    """Return an answer that must come before Twilio stops waiting."""
    began_at = time.monotonic()
    answer = action()
    assert time.monotonic() - began_at < TWILIO_WAIT_S
    return answer


HOLD_WRITE_LOCK = """
    import time
    program = Program({url!r})
    def hold(execute):
        execute("INSERT INTO probes (body) VALUES ('x')")
        print("ready", flush=True)
        while not os.path.exists({go_on!r}):
            time.sleep(0.01)
    program.engine.run(hold, wait_s=60)
    print("done", flush=True)
    time.sleep(600)
"""


@SQLITE
@pytest.mark.parametrize("is_open", [True, False], ids=["a program that has written", "a program that has not"])
def test_worker_suspended_while_it_writes(
    database_url: str, tmp_path: Path, is_open: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The others cannot write: they refuse in time, name the process, and go on when it does."""
    program = Program(database_url, TWIML_WAIT_S=WAIT_S)
    if is_open:
        program.text(sid="SM1")
    go_on = tmp_path / "go-on"
    with running(HOLD_WRITE_LOCK.format(url=database_url, go_on=str(go_on))) as holder:
        with suspended(holder.pid):
            refused = [in_time(lambda: program.text(sid="SM2")).status for _ in range(3)]
            named = f"pid {holder.pid} " in caplog.text
        go_on.touch()
        assert holder.stdout
        assert holder.stdout.readline() == "done\n"

        assert (refused, named) == ([503, 503, 503], True)
        assert len(program.ran) <= is_open + 1  # without the lock on writing, at most one handler runs in vain
        assert [program.text(sid=sid).status for sid in ("SM2", "SM2", "SM3")] == [200, 200, 200]


@SQLITE
def test_upkeep_while_a_worker_is_suspended(database_url: str, tmp_path: Path) -> None:
    """Upkeep is done by a request, which has no more time for it than for anything else."""
    clock = Clock()
    program = Program(database_url, clock, TWIML_WAIT_S=WAIT_S)
    program.text(sid="SM1")
    program.engine.run(lambda execute: execute("INSERT INTO meta VALUES ('forget', 'due')"))
    script = HOLD_WRITE_LOCK.format(url=database_url, go_on=str(tmp_path / "go-on"))
    with running(script) as holder, suspended(holder.pid):
        clock.now += INTERVAL_S
        began_at = time.monotonic()

        assert program.text(sid="SM2").status == 503
        assert time.monotonic() - began_at < 5


@SQLITE
def test_reader_suspended_in_the_middle_of_a_statement(database_url: str) -> None:
    """A report on the journal that hangs must not stop the answers, only the removal of deleted texts."""
    program = Program(database_url, TWIML_WAIT_S=WAIT_S)
    for number in range(50):
        program.text("x" * 1000, sid=f"SM{number}")
    reader = f"""
        import sqlite3, time
        cursor = sqlite3.connect({str(file_of(database_url))!r}).execute("SELECT * FROM exchanges")
        cursor.fetchone()
        print("ready", flush=True)
        time.sleep(600)
    """
    with running(reader) as process, suspended(process.pid):
        statuses = {in_time(partial(program.text, sid=f"SM1{n:03}")).status for n in range(100)}
        is_forgotten = forget(program.engine)

    assert (statuses, is_forgotten) == ({200}, False)
    assert forget(program.engine)


def test_reports_suspended_at_random_moments(database_url: str) -> None:
    """Wherever a report is when it hangs, it holds nothing that an answer needs."""
    program = Program(database_url, TWIML_WAIT_S=WAIT_S)
    program.text(sid="SM1")
    reports = f"""
        from twiml_app.journal.archive import Filter
        program = Program({database_url!r})
        program.archive.overview()
        print("ready", flush=True)
        while True:
            program.archive.overview()
            program.archive.latest(Filter(failed=True), 10)
            list(program.archive.all(Filter()))
    """
    dice = random.Random(1)
    with running(reports) as process:
        for number in range(20):
            time.sleep(dice.uniform(0, 0.02))
            with suspended(process.pid):
                assert in_time(partial(program.text, sid=f"SM2{number:03}")).status == 200


def test_worker_suspended_in_a_handler(database_url: str, tmp_path: Path) -> None:
    """Only the retry of its message has to wait, and it gets that answer when there is one."""
    go_on = tmp_path / "go-on"
    handling = f"""
        import time
        def wait(message):
            print("ready", flush=True)
            while not os.path.exists({str(go_on)!r}):
                time.sleep(0.01)
        program = Program({database_url!r})
        program.ran.append("an earlier message")
        program.during = wait
        print(program.text().status, flush=True)
    """
    program = Program(database_url, TWIML_WAIT_S=WAIT_S)
    with running(handling) as worker:
        with suspended(worker.pid):
            retry = in_time(program.text)
            others = {in_time(partial(program.text, sid=f"SM{n}")).status for n in range(10)}
        go_on.touch()
        assert worker.stdout
        assert worker.stdout.readline() == "200\n"

    assert (retry.status, others) == (503, {200})
    assert bodies(program.text()) == ["answer 2 to hello"]


@SQLITE
@pytest.mark.parametrize("is_open", [True, False], ids=["a program that has written", "a program that has not"])
def test_database_locked_from_outside(database_url: str, is_open: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A backup or an SQL prompt may lock the file for as long as it wants."""
    program = Program(database_url, TWIML_WAIT_S=WAIT_S)
    Program(database_url).text(sid="SM0")
    if is_open:
        program.text(sid="SM1")
    locking = f"""
        import sqlite3, time
        connection = sqlite3.connect({str(file_of(database_url))!r}, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        print("ready", flush=True)
        time.sleep(600)
    """
    with running(locking) as holder:
        refused = [in_time(lambda: program.text(sid="SM2")).status for _ in range(3)]
        named = f"pid {holder.pid} " in caplog.text

    assert (refused, named) == ([503, 503, 503], True)
    assert [program.text(sid=sid).status for sid in ("SM2", "SM3")] == [200, 200]


def test_suspended_postgres_backend_is_left_behind(postgres_url: str) -> None:
    """Whoever suspends one server process, or the network path to it, must not take the program down."""
    program = Program(new_schema(postgres_url), TWIML_WAIT_S=WAIT_S)
    program.text(sid="SM1")
    with suspended(*own_backends(program)):
        first = in_time(lambda: program.text(sid="SM2")).status
        later = [in_time(partial(program.text, sid=f"SM2{n}")).status for n in range(3)]

    assert first in (200, 503)  # 200 if the little time that is left suffices for another connection
    assert later == [200, 200, 200]
    assert program.text(sid="SM2").status == 200


def test_backend_suspended_while_the_handler_runs(postgres_url: str) -> None:
    """An answer that could not be stored is not sent; the retry runs the handler again on a new connection."""
    program = Program(new_schema(postgres_url), TWIML_WAIT_S=WAIT_S)
    pids = own_backends(program)
    with ExitStack() as stack:
        program.during = lambda _: stack.enter_context(suspended(*pids))
        first = in_time(program.text).status
        program.during = lambda _: None
        answer = in_time(program.text)

    assert (first, bodies(answer)) in [(503, ["answer 2 to hello"]), (200, ["answer 1 to hello"])]
    assert [row.state for row in program.archive.all(Filter())] == ["done"]


def test_suspended_postgres_server_refuses_in_time(postgres_url: str) -> None:
    """No connection and no statement works, and upkeep is due: each request still gets its answer in time."""
    clock = Clock()
    program = Program(new_schema(postgres_url), clock, TWIML_WAIT_S=WAIT_S)
    program.text(sid="SM1")
    with suspended(*server_processes(postgres_url)):
        clock.now += INTERVAL_S
        refused = [in_time(partial(program.text, sid=f"SM2{n}")).status for n in range(3)]

    assert refused == [503, 503, 503]
    assert program.text(sid="SM20").status == 200


def file_of(url: str) -> Path:
    """Return the database file of a URL."""
    return sqlite_path(url.removeprefix(ROWS), "/")


def own_backends(program: Program) -> list[int]:
    """Return the server's processes for the connections of a program; skip the test if they are out of reach."""
    ask = "SELECT pg_backend_pid()"
    found = [query(program.engine, ask)[0][0], program.engine.read(lambda execute: execute(ask))[0][0]]
    return within_reach(found)


def server_processes(url: str) -> list[int]:
    """Return the server and the process that starts others."""
    with psycopg.connect(url) as connection:
        (row,) = connection.execute("SELECT pg_backend_pid()").fetchall()
        (backend,) = within_reach([row[0]])
        found = re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{backend}/status").read_text(), re.MULTILINE)
        assert found
        server = int(found[1])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [server, *(int(pid) for pid in children)]


def within_reach(pids: list[int]) -> list[int]:
    """Return processes of the server, if it runs on this machine; otherwise skip the test."""
    if any(b"postgres" not in read_name(pid) for pid in pids):
        pytest.skip("the PostgreSQL server runs on another machine")
    return pids


def read_name(pid: int) -> bytes:
    """Return the name of a process, empty if it is not there."""
    try:
        return Path(f"/proc/{pid}/comm").read_bytes()
    except OSError:
        return b""
