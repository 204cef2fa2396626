"""``emulator exec``: programs whose Twilio clients know nothing of the emulator."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.emulators import COMMAND, NUMBER, run
from tests.servers import LIMIT_S, clean_environment
from twiml_app.emulator import Emulator, EmulatorOptions

pytestmark = pytest.mark.slow

ACCOUNT = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWIML_EMULATOR_URL")
SEND = f"""
import os, urllib.request

sid, token = os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"]
url = f"https://api.twilio.com/2010-04-01/Accounts/{{sid}}/Messages.json"
login = urllib.request.HTTPPasswordMgrWithDefaultRealm()
login.add_password(None, url, sid, token)
opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(login))
print(opener.open(url, b"To=%2B15558675310&From=%2B{NUMBER[1:]}&Body=hello").status)
"""
#: Says that it is ready, then which signals it gets; SIGTERM and SIGQUIT end it.
WAIT = """
import os, signal, sys

def note(number, _):
    os.write(1, f"{signal.Signals(number).name}\\n".encode())  # print may be interrupted, and cannot be called again
    if number in (signal.SIGTERM, signal.SIGQUIT):
        sys.exit(5)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, note)
print("ready", flush=True)
while True:
    signal.pause()
"""


def execute(*arguments: str, **environment: str) -> Result:
    """Run the command in this process; what the program prints is at the file descriptors."""
    return run("exec", *arguments, environment=dict.fromkeys(ACCOUNT) | environment)


def test_program_sends_through_an_emulator_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    """Its output is not touched; what the emulator saw is on the standard error."""
    done = execute("--", sys.executable, "-c", SEND)

    assert (done.exit_code, done.stdout, capfd.readouterr().out) == (0, "", "201\n")
    assert re.match(r"Twilio emulator \(current\) on http://127\.0\.0\.1:\d+, for \S+python\S*\n", done.stderr)
    assert re.search(r"POST /2010-04-01/Accounts/AC\w+/Messages.json 201\n", done.stderr)


def test_emulator_of_its_own_takes_the_options_of_the_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A seed says which senders there are."""
    seed = tmp_path / "seed.toml"
    seed.write_text('[[numbers]]\nphone_number = "+15017122662"\n')
    done = execute("--seed", str(seed), "--profile", "2014", sys.executable, "-c", SEND)

    assert (done.exit_code, "HTTP Error 400" in capfd.readouterr().err) == (1, True)
    assert "Twilio emulator (2014) on" in done.stderr
    assert "21606" in done.stderr


def test_running_emulator_is_used_and_stays(capfd: pytest.CaptureFixture[str]) -> None:
    """Several programs can share what it has seen."""
    token = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    with Emulator(EmulatorOptions(auth_token=token)) as emulator:
        done = execute("--url", emulator.url, "--", sys.executable, "-c", SEND, TWILIO_AUTH_TOKEN=token)
        other = execute("--url", emulator.url, "--", "false")
        both = execute("--url", emulator.url, "--state", "x.db", "--", "true", TWILIO_AUTH_TOKEN=token)

        assert [message.body for message in emulator.outbox] == ["hello"]
    assert (done.exit_code, done.stderr, capfd.readouterr().out) == (0, "", "201\n")
    assert (other.exit_code, "has another account or token" in other.stderr) == (1, True)
    assert (both.exit_code, "--state starts an emulator, but --url names one" in both.stderr) == (2, True)


def test_other_host_is_refused_and_named(capfd: pytest.CaptureFixture[str]) -> None:
    """The refusal is on the standard error, as many programs do not show it."""
    script = "import urllib.request; urllib.request.urlopen('https://example.com/')"
    done = execute("--", sys.executable, "-c", script)

    assert (done.exit_code, "Tunnel connection failed: 403" in capfd.readouterr().err) == (1, True)
    assert "emulator: example.com:443 is refused: this proxy leads only to https://*.twilio.com" in done.stderr


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (["sh", "-c", "exit 7"], 7, ""),
        (["sh", "-c", "kill -9 $$"], 137, ""),
        (["/there/is/no/such/program"], 127, "cannot run /there/is/no/such/program: No such file or directory"),
        (["/"], 126, "cannot run /: Permission denied"),
        ([], 2, "Missing argument 'COMMAND...'"),
    ],
    ids=["its own", "killed", "not found", "not a program", "none"],
)
def test_exit_status_is_that_of_the_program(command: list[str], status: int, said: str) -> None:
    """Scripts and CI see what they would see without the emulator."""
    done = execute("--", *command)

    assert (done.exit_code, said in done.stderr) == (status, True)


def test_signals_are_passed_on() -> None:
    """A service manager stops the program, not only what started it; an ignored signal stays ignored."""
    process = subprocess.Popen(
        ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *COMMAND, "exec", "--", sys.executable, "-c", WAIT],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # without a terminal
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "SIGINT\n"
    process.send_signal(signal.SIGTERM)

    assert process.communicate(timeout=LIMIT_S)[0] == "SIGTERM\n"
    assert process.returncode == 5


def test_interrupt_of_a_terminal_reaches_the_program_once() -> None:
    """Ctrl-C goes to the whole foreground group: passed on as well, it would look like a second one."""
    pid, terminal = os.forkpty()
    if not pid:
        os.execve(COMMAND[0], [*COMMAND, "exec", "--", sys.executable, "-c", WAIT], clean_environment())
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while b"SIGINT" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x1c")
    try:
        while chunk := os.read(terminal, 1000):
            shown += chunk
    except OSError:  # the terminal has no more users
        pass
    os.close(terminal)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    assert (shown.count(b"SIGINT"), shown.count(b"SIGQUIT")) == (1, 1)


def test_option_before_exec_is_refused_with_its_place() -> None:
    """It would start an emulator that nobody uses."""
    done = run("--clock", "step", "exec", "--", "true")

    assert done.exit_code == 2
    assert "--clock starts an emulator; for its own one: twiml-app emulator exec --clock ..." in done.stderr
