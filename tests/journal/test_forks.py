"""Handlers that fork or start programs: what lives on after a kill must not hold up the retry."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.journal.program import Clock, Program, bodies, start_script
from tests.servers import LIMIT_S
from tests.webhook_requests import SID
from twiml_app.journal.archive import Filter

#: Each of them starts several processes.
pytestmark = pytest.mark.slow

LIVES_ON = {
    "forked child": "child = os.fork() or lives_on()",
    "subprocess": "child = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL).pid",
    "subprocess that inherits": "child = subprocess.Popen(['sleep', '600'], stdout=2, close_fds=False).pid",
    "forked by multiprocessing": "child = started(multiprocessing.get_context('fork').Process(target=lives_on))",
    "spawned by multiprocessing": "child = started(multiprocessing.get_context('spawn').Process(target=signal.pause))",
}


@contextmanager
def killed_while_its_child_lives(url: str, start_child: str) -> Iterator[None]:
    """Kill a program in its handler; what the handler started lives on until the end of the block."""
    parent = start_script(
        f"""
        import multiprocessing, signal, subprocess, time
        def lives_on():
            os.close(1)
            time.sleep(600)
        def started(process):
            process.start()
            return process.pid
        def handle(message):
            {start_child}
            print(child, flush=True)
            time.sleep(600)
        program = Program({url!r})
        program.during = handle
        program.text()
        """
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait(LIMIT_S)
        yield
        os.kill(child, 0)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        parent.stdout.close()


@pytest.mark.parametrize("start_child", [pytest.param(each, id=name) for name, each in LIVES_ON.items()])
def test_retry_is_answered_at_once_while_a_child_of_the_killed_process_lives(
    database_url: str, start_child: str
) -> None:
    """A child inherits the files and the connections of its parent, but not its claims."""
    with killed_while_its_child_lives(database_url, start_child):
        clock = Clock()
        clock.on_sleep = lambda: time.sleep(0.01)  # a PostgreSQL server notices the death some milliseconds later
        program = Program(database_url, clock)

        assert bodies(program.text()) == ["answer 1 to hello"]
        assert [row.state for row in program.archive.all(Filter(sid=SID))] == ["done"]


ENDS = {
    "exits": "os._exit(0)",
    "raises SystemExit": "sys.exit(0)",
    "raises an exception": "raise ValueError('in the child')",
    "returns": "return",
}


@pytest.mark.parametrize("end", [pytest.param(each, id=name) for name, each in ENDS.items()])
def test_forked_child_does_not_end_the_request_of_its_parent(database_url: str, tmp_path: Path, end: str) -> None:
    """The child comes out of the handler with the claim of its parent, whose handler still runs."""
    parent = start_script(
        f"""
        import time
        def handle(message):
            child = os.fork()
            if child == 0:
                {end}
            else:
                os.waitpid(child, 0)
                print("child ended", flush=True)
                while not os.path.exists({str(tmp_path / "go-on")!r}):
                    time.sleep(0.01)
        program = Program({database_url!r})
        program.during = handle
        parent = os.getpid()
        status = program.text().status
        print(status if os.getpid() == parent else "in the child", flush=True)
        """
    )
    assert parent.stdout
    while (line := parent.stdout.readline()) == "in the child\n":
        pass
    program = Program(database_url, Clock())

    meanwhile = program.text().status
    (tmp_path / "go-on").touch()

    assert (line, meanwhile) == ("child ended\n", 503)
    assert parent.communicate(timeout=LIMIT_S)[0] == "200\n"
    assert (bodies(program.text()), program.ran) == (["answer 1 to hello"], [])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_handler_may_use_multiprocessing(database_url: str, method: str) -> None:
    """Its processes import or inherit the application, and neither may answer for it."""
    script = start_script(
        f"""
        import multiprocessing
        def handle(message):
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                assert pool.map(len, ["a", "bc"]) == [1, 2]
        program = Program({database_url!r})
        program.during = handle
        print(program.text().status, program.text().status, len(program.ran))
        """
    )

    assert script.communicate(timeout=LIMIT_S)[0] == "200 200 1\n"
