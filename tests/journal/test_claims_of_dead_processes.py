"""The claims of a process that died are taken over, those of a running process are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.program import Clock, Program, bodies, query, run_script, start_script
from tests.servers import LIMIT_S


def test_claim_of_a_killed_process_is_taken_over_at_once(database_url: str) -> None:
    """After a crash the fallback request and the retry arrive within milliseconds, so no lease may delay them."""
    killed = run_script(
        f"""
        program = Program({database_url!r})
        program.during = lambda message: os.kill(os.getpid(), 9)
        program.text()
        """
    )
    program = Program(database_url, Clock())

    assert killed == -9
    assert bodies(program.text()) == ["answer 1 to hello"]


@pytest.mark.parametrize("database_url", ["sqlite with claims as rows", "postgres"], indirect=True)
def test_answer_whose_row_was_taken_over_is_not_sent(program: Program) -> None:
    """If this process lost the connection that marks it as alive, another may have answered: only one reply counts."""
    program.during = lambda _: query(program.engine, "UPDATE exchanges SET owner = 1")

    assert program.text().status == 503


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_answer_whose_lock_file_was_deleted_is_not_sent(program: Program, database_url: str) -> None:
    """Without the lock file another process may answer the same event: only one reply counts."""

    def answer_elsewhere(_: object) -> None:
        Path(f"{database_url.removeprefix('sqlite:///')}-claims").unlink()
        assert Program(database_url).text("from the other").status == 200

    program.during = answer_elsewhere

    assert program.text().status == 503
    assert bodies(program.text()) == ["answer 1 to from the other"]


def test_claim_of_a_living_process_is_not_taken_over(database_url: str, tmp_path: Path) -> None:
    """However long the other process takes, the handler must not run twice; its answer serves the retry."""
    go_on = tmp_path / "go-on"
    other = start_script(
        f"""
        import time
        program = Program({database_url!r})
        def wait(message):
            print("entered", flush=True)
            while not os.path.exists({str(go_on)!r}):
                time.sleep(0.01)
        program.during = wait
        program.text()
        """
    )
    assert other.stdout
    assert other.stdout.readline() == "entered\n"
    program = Program(database_url, Clock())

    meanwhile = program.text().status
    go_on.touch()
    other.communicate(timeout=LIMIT_S)

    assert (meanwhile, other.returncode) == (503, 0)
    assert (bodies(program.text()), program.ran) == (["answer 1 to hello"], [])
