"""``twiml-app chat``: a phone in the terminal, next to an emulator or at a Message URL."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.emulators import NUMBER, PHONE, run, send, started
from tests.servers import ROOT, clean_environment
from twiml_app.cli import main
from twiml_app.cli.chat_commands import Commands
from twiml_app.cli.chat_emulator import EmulatorChat
from twiml_app.cli.chat_lines import message_line, status_line
from twiml_app.cli.chat_pictures import Pictures
from twiml_app.emulator import fault_names

HOURS = "We are open from 8 to 18, Monday to Saturday."
SHOWN = f"{NUMBER}: {HOURS}"
DELIVERED = f'    ✓ delivered: "{HOURS[:30]}"'
LIMIT_S = 60.0


@pytest.fixture(scope="module")
def kept_emulator(program: str) -> Iterator[str]:
    """Yield the URL of an emulator with one number, which the example application answers."""
    with started("--clock", "step", "--number", f"{NUMBER}={program}") as process:
        yield process.url


@pytest.fixture
def texted(kept_emulator: str) -> str:
    """Return the URL of that emulator, in its initial state."""
    assert run("reset", url=kept_emulator).exit_code == 0
    return kept_emulator


def chat(*lines: str, url: str | None = None, options: Sequence[str] = ()) -> Result:
    """Pipe lines into a chat."""
    environment = {"TWIML_CHAT_URL": url, "TWIML_EMULATOR_URL": None}
    typed = "".join(f"{line}\n" for line in lines)
    return CliRunner().invoke(main, ["chat", *options], input=typed, env=environment, catch_exceptions=False)


def test_conversation_shows_replies_and_deliveries(texted: str) -> None:
    """As on a phone; a failed delivery, a second copy and another hour are a line each."""
    result = chat("hours", "", "/fail 30005", "hours", "/fail", "/again", "/duplicate", "/later 1h", url=texted)

    assert result.exit_code == 0, result.output
    *said, later, now = result.stdout.splitlines()
    assert said == [
        *("> hours", SHOWN, DELIVERED),
        *("> /fail 30005", f"    messages to {PHONE} fail with 30005 from now on"),
        *("> hours", SHOWN, f'    ✗ undelivered 30005, unknown destination phone: "{HOURS[:30]}"'),
        *("> /fail", f"    messages to {PHONE} arrive again"),
        *("> /again", SHOWN, DELIVERED),
        *("> /duplicate", SHOWN, DELIVERED),
    ]
    assert (later, now[:9]) == ("> /later 1h", "    it is")


def test_picture_is_sent_from_a_local_file(texted: str) -> None:
    """Nobody has to serve it first; the program gets its content type, and replies with one of its own."""
    result = chat(f"/picture {ROOT}/pictures/way.png look", url=texted)

    assert f"{NUMBER}: Thanks, 1 received. Here is ours: [1 media]\n" in result.stdout


def test_every_fault_of_the_emulator_is_a_command(texted: str) -> None:
    """Whoever knows a name can try it at once."""
    result = chat(*(f"/{name} hours" for name in fault_names() if name != "api-slow"), "/help", url=texted)

    assert result.exit_code == 0, result.output
    assert f"faults: {', '.join(fault_names())}\n" in result.stdout
    assert "✗ failed 30008" in result.stdout
    assert "no answer in time (the fault webhook-late)" in result.stdout


def test_stop_is_answered_by_twilio_and_blocks_messages(texted: str) -> None:
    """What people do; the program must survive it."""
    result = chat("/stop", "hours", "/start", url=texted, options=("--from", "+15558675319"))

    assert "You have successfully been unsubscribed." in result.stdout
    assert "    error 21610 " in result.stdout


def test_phone_to_text_from_is_the_number_of_a_person() -> None:
    """Four digits would be taken as a short code, which nobody has a phone with."""
    result = chat("hours", url="http://127.0.0.1:9", options=("--from", "5551"))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "'5551' is not a phone number: use a form like +15558675310" in result.stderr


def test_what_is_sent_meanwhile_is_shown_too(texted: str) -> None:
    """Work after the answer, and other scripts, send through the REST API."""
    send(texted, "from before")
    phone = EmulatorChat(texted, PHONE, "")
    send(texted, "in the \x1b[31mmeantime\n    ✓ delivered")
    lines = phone.wait()

    assert lines == [
        '    ✓ delivered: "from before"',
        f"{NUMBER}: in the \ufffd[31mmeantime\n        ✓ delivered",
        '    ✓ delivered: "in the \ufffd[31mmeantime ✓ deliver"',
    ]


def test_message_url_is_called_without_an_emulator(program: str) -> None:
    """A program that is served somewhere can be texted with its credentials alone."""
    result = chat("hours", "/duplicate", "/fail 30005", "/webhook-retry", url=program, options=("--number", NUMBER))

    assert result.stdout.splitlines() == [
        *("> hours", SHOWN, "> /duplicate", "    the same answer again"),
        *("> /fail 30005", "    reported as undelivered with 30005: the program answered 204", "> /webhook-retry"),
    ]
    assert (result.exit_code, "webhook-retry needs an emulator" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("/dance", "there is no command /dance: /help lists them", id="no command"),
        pytest.param("/again", "there is no text yet", id="nothing to repeat"),
        pytest.param("/duplicate", "there is no text yet", id="nothing to duplicate"),
        pytest.param("/fail me", "'me' is not an error code: type one such as /fail 30005", id="no error code"),
        pytest.param("/later on", "'on' is not a time: type one such as /later 1h", id="no time"),
        pytest.param("/picture none.png", "there is no file none.png", id="no file"),
    ],
)
def test_mistake_is_reported_in_one_line(program: str, line: str, complaint: str) -> None:
    """A script must not go on after it."""
    result = chat(line, "hours", url=program)

    assert (result.exit_code, HOURS in result.stdout) == (1, False)
    assert complaint in result.stderr


def test_text_may_begin_with_a_slash_and_the_chat_may_be_left(program: str) -> None:
    """Two slashes are a text, so that nothing cannot be said."""
    result = chat("//hours", "/quit", "hours", url=program)

    assert (result.exit_code, HOURS in result.stdout) == (0, False)
    assert "Text MENU, HOURS" in result.stdout


def test_emulator_of_dev_is_found_with_its_account(tmp_path: Path) -> None:
    """Its account is made up, and only in a private file of the project: nobody exports it."""
    account = {"TWILIO_ACCOUNT_SID": f"AC00000000{'1' * 24}", "TWILIO_AUTH_TOKEN": "2" * 32}
    with started("--clock", "step", environment=account) as process:
        variables = {**account, "TWIML_API_URL": process.url}
        (tmp_path / "instance").mkdir()
        (tmp_path / "instance/dev.env").write_text("# made up\n" + "".join(f"{n}={v}\n" for n, v in variables.items()))
        os.chdir(tmp_path)
        result = chat("/faults", "/fail 30005")
        listed = CliRunner().invoke(main, ["emulator", "outbox"], env={"TWIML_EMULATOR_URL": None})

    assert "there is no command /faults" in result.stderr
    assert listed.stdout == "no messages yet\n"


@contextmanager
def terminal(url: str, folder: Path) -> Iterator[int]:
    """Run a chat in a pseudo terminal, and yield its descriptor."""
    environment = clean_environment(TWIML_CHAT_URL=url, TERM="xterm", PYTHONPATH=str(ROOT))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from twiml_app.cli import main; main()", "chat"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield ours
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(descriptor: int, text: str, *, times: int = 1) -> str:
    """Return what a terminal shows, up to a text."""
    seen, deadline = "", time.monotonic() + LIMIT_S
    while seen.count(text) < times:
        assert time.monotonic() < deadline, seen
        if select.select([descriptor], [], [], 0.2)[0]:
            seen += os.read(descriptor, 4096).decode(errors="replace")
    return seen


def test_prompt_shows_what_arrives_while_nothing_is_typed(program: str, tmp_path: Path) -> None:
    """A delivery takes time, and other messages come when they come; the history is private."""
    (tmp_path / "instance").mkdir()
    with started("--number", f"{NUMBER}={program}") as process, terminal(process.url, tmp_path) as typing:
        read_until(typing, "> ")
        os.write(typing, b"hours\n")
        read_until(typing, "✓ delivered")
        send(process.url, "a reminder")
        read_until(typing, f"{NUMBER}: a reminder")
        os.write(typing, b"/nonsense\n")
        read_until(typing, "there is no command /nonsense")
        os.write(typing, b"/quit\n")

    history = tmp_path / "instance/chat_history"
    assert history.read_text().splitlines()[-3:] == ["hours", "/nonsense", "/quit"]
    assert history.stat().st_mode & 0o077 == 0


class Silent:
    """A partner that says nothing."""

    must_wait = False

    def text(self, body: str, *, media: Sequence[str] = (), fault: str = "") -> list[str]:
        """Say nothing."""
        return [body, *media, fault]

    def nothing(self, *_: object) -> list[str]:
        """Say nothing."""
        return []

    repeat = fail = later = fault = wait = news = nothing

    def faults(self) -> list[str]:
        """Know all faults."""
        return [*fault_names()]


@given(
    st.one_of(
        st.text(max_size=50),
        st.text(max_size=50).map("/{}".format),
        st.sampled_from(["/fail ", "/later ", "/picture "]),
    )
)
def test_no_line_breaks_the_chat(line: str) -> None:
    """People paste anything."""
    with Pictures() as pictures:
        try:
            lines = Commands(Silent(), pictures).run(line)
        except click.ClickException:
            return
        assert lines is not None or line[1:].strip().partition(" ")[0] in ("quit", "exit")


@given(st.text(max_size=100))
def test_texts_of_others_do_not_control_the_terminal(body: str) -> None:
    """Anybody can send an escape sequence, or lines that look like those of the chat."""
    lines = [*message_line(NUMBER, body, 1).split("\n"), status_line(body, "delivered", None)]

    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])
