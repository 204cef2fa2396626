"""``dev``: the command as a person uses it, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.dev.projects import wait_for, write_handlers
from tests.servers import LIMIT_S, clean_environment, find_program

BIN = Path(sys.executable).parent
Start = Callable[..., "Session"]


class Session:
    """A running command, and what it has printed."""

    def __init__(self, root: Path, *options: str, **environment: str) -> None:
        self._output = root / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [str(BIN / "twiml-app"), "dev", "--port", "0", "--emulator-port", "0", *options],
                cwd=root,
                env=clean_environment(**environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, pattern: str) -> str:
        """Wait until a line is printed, and return what the pattern captures."""

        def find() -> re.Match[str] | None:
            assert self.process.poll() is None or re.search(pattern, self.output), self.output
            return re.search(pattern, self.output)

        found = wait_for(find)
        assert found
        return found[1]

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text()

    def text(self) -> str:
        """Run the printed command that texts the number, and return the answer."""
        find_program("curl")
        command = shlex.split(self.wait_for("text it +(curl .*)"))
        done = subprocess.run(command, capture_output=True, check=True)
        replies = json.loads(done.stdout)["replies"]
        return str(replies[0]["body"])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command in a project whose program answers with its process id."""
    started = []

    def begin(*options: str, **environment: str) -> Session:
        write_handlers(tmp_path, "str(os.getpid())")
        started.append(Session(tmp_path, *options, **environment))
        return started[-1]

    yield begin
    for session in started:
        session.process.kill()
        session.process.wait()


def is_running(pid: int) -> bool:
    """Return whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_session_says_what_it_chose_opens_the_page_and_ends_with_ctrl_c(start: Start, tmp_path: Path) -> None:
    """A port that another program has is no reason to stop."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        session = start("--port", str(port), "--open", BROWSER=str(browser), TWILIO_AUTH_TOKEN="real")
        chosen = session.wait_for(rf"port {port} is taken: the program is on port ([0-9]+)\n")
        pid = int(session.text())
        message_url = session.wait_for("Message URL +(http://.*)\n")
        opened = wait_for(lambda: (tmp_path / "opened").exists() and (tmp_path / "opened").read_text())
    session.process.send_signal(signal.SIGINT)

    assert session.process.wait(LIMIT_S) == 0
    assert re.fullmatch(rf"http://dev:[\w-]+@127\.0\.0\.1:{chosen}/message", message_url)
    assert opened == session.wait_for("phone +(http://.*/)\n")
    assert "TWILIO_AUTH_TOKEN of the environment is not used" in session.output
    assert session.output.endswith("stopped\n")
    wait_for(lambda: not is_running(pid))


def test_second_session_is_refused_until_the_first_is_killed(start: Start, tmp_path: Path) -> None:
    """It would take over the commands of the emulator; a killed one leaves no port, journal or lock."""
    session = start()
    pid = int(session.text())
    announced = (tmp_path / "instance" / "dev.env").read_text()
    command = [str(BIN / "twiml-app"), "dev", "--port", "0", "--emulator-port", "0"]
    second = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, timeout=LIMIT_S
    )

    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == (
        "Error: twiml-app dev: it runs in this project already: its phone page is "
        + session.wait_for("phone +(http://.*/)\n")
        + "\n"
    )
    assert (tmp_path / "instance" / "dev.env").read_text() == announced

    session.process.kill()
    session.process.wait()

    wait_for(lambda: not is_running(pid))
    assert start().text()


def test_sigterm_ends_a_program_that_is_still_loading(start: Start, tmp_path: Path) -> None:
    """CI ends a job with it, and a program may hang while it is imported; the page knows that it is starting."""
    loading = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)\n"
    (tmp_path / "slow.py").write_text(loading)
    session = start("--app", "slow:app")
    pid = int(wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    session.wait_for("(Ctrl-C)")
    session.process.terminate()
    session.process.terminate()  # a supervisor may send it to the process, and to its group

    assert session.process.wait(LIMIT_S) == 0
    assert not is_running(pid)


def test_signal_to_the_process_group_only_says_stopped(start: Start) -> None:
    """Supervisors and CI send it to all processes in any order; that the program ends too is no failure."""
    session = start()
    pid = int(session.text())
    before = session.output
    os.kill(pid, signal.SIGTERM)
    session.process.terminate()

    assert session.process.wait(LIMIT_S) == 0
    assert session.output.removeprefix(before) == "stopped\n"


def test_file_with_a_real_account_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started."""
    write_handlers(tmp_path, "'hi'")
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "dev.env").write_text("TWIML_CREDENTIALS=sms:password\n")
    monkeypatch.chdir(tmp_path)
    result = run("dev")

    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert result.stderr.startswith(
        "Error: instance/dev.env: TWIML_CREDENTIALS is not one that `twiml-app dev` made up"
    )


def test_folder_without_a_program_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer types the command before there is a project; nothing is left in the folder."""
    monkeypatch.chdir(tmp_path)
    result = run("dev", environment={"TWIML_HANDLERS": "shop_handlers"})

    assert (result.exit_code, result.stdout, [*tmp_path.iterdir()]) == (1, "", [])
    assert result.stderr == (
        "Error: twiml-app dev: there is no program here, neither wsgi.py nor the module shop_handlers:"
        " `twiml-app new NAME` makes one\n"
    )


def test_handlers_folder_that_does_not_load_is_a_program(start: Start, tmp_path: Path) -> None:
    """Its developer mends it, and it is loaded again."""
    (tmp_path / "shop_handlers").mkdir()
    (tmp_path / "shop_handlers" / "__init__.py").write_text("def broken(:\n")
    session = start(TWIML_HANDLERS="shop_handlers")

    assert session.wait_for("(SyntaxError)")
