"""``chat``: a phone in the terminal."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ..app import load_environment
from ..caller import ACCOUNT_SID, NUMBER, is_http_url, without_userinfo
from ..private_files import create_private
from .chat_commands import Commands
from .chat_emulator import EmulatorChat
from .chat_lines import Partner
from .chat_pictures import Pictures
from .chat_url import UrlChat
from .common import plain_errors
from .emulator_parameters import ADDRESS, CONTACT, PHONE, default_url

_PROMPT = "> "
#: How often a terminal looks for what has arrived, in seconds.
_POLL_S = 0.4
_MAX_HISTORY = 1000


@click.command()
@click.option("--from", "contact", type=CONTACT, default=PHONE, show_default=True, help="Phone to text from.")
@click.option("--number", type=ADDRESS, metavar="NUMBER", help="Your number to text.  [default: the only one]")
@click.option(
    "--url",
    metavar="URL",
    envvar=["TWIML_CHAT_URL", "TWIML_EMULATOR_URL"],
    show_envvar=True,
    help="URL of the emulator, or a Message URL with its credentials, which is then called without an emulator. The"
    " list of processes shows a password in it, but not in the variable.  [default: the emulator on this machine]",
)
def chat(contact: str, number: str | None, url: str | None) -> None:
    """Chat with your program, as a person with a phone does.

    Every line is a text; replies, other messages and delivery results are shown as they arrive. Lines that begin with
    a slash are commands: /help lists them. Lines can also be piped in.

    \b
    Examples:
        twiml-app chat
        twiml-app chat --from whatsapp:+15558675310
        printf 'order 2 coffee\\n/fail 30005\\nmenu\\n' | twiml-app chat
        TWIML_CHAT_URL=http://user:password@127.0.0.1:8000/message twiml-app chat
    """
    with plain_errors(), Pictures() as pictures:
        load_environment(Path.cwd())
        partner, name = _partner(url or default_url(), contact, number or "")
        commands = Commands(partner, pictures)
        if not sys.stdin.isatty():
            _read_lines(partner, commands)
            return
        click.echo(f"{contact} chats with {name}; /help lists the commands, Ctrl-D ends the chat")
        _Prompt(partner, commands).run()


def _partner(url: str, contact: str, number: str) -> tuple[Partner, str]:
    """Return what is at a URL, an emulator or a program, and its name.

    Raises: click.ClickException.
    """
    if not is_http_url(url):
        raise click.BadParameter("give an http or https URL", param_hint="--url")
    if urlsplit(url).path in ("", "/") and "@" not in urlsplit(url).netloc:
        return EmulatorChat(url.rstrip("/"), contact, number), number or "your number"
    token, account = os.environ.get("TWILIO_AUTH_TOKEN", ""), os.environ.get("TWILIO_ACCOUNT_SID", ACCOUNT_SID)
    program = UrlChat(url, contact, number or NUMBER, token=token, account_sid=account)
    return program, without_userinfo(url)


def _read_lines(partner: Partner, commands: Commands) -> None:
    """Run each line of the standard input, and wait for its deliveries; the first error ends it.

    Raises: click.ClickException.
    """
    for line in sys.stdin:
        said = line.rstrip("\r\n")
        if not said.strip():
            continue
        click.echo(f"{_PROMPT}{said}")
        lines = commands.run(said)
        if lines is None:
            return
        _print([*lines, *partner.wait()])


def _print(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


class _Prompt:
    """The prompt of a terminal; what arrives meanwhile is shown above it."""

    def __init__(self, partner: Partner, commands: Commands) -> None:
        self._partner = partner
        self._commands = commands
        self._is_over = threading.Event()

    def run(self) -> None:
        """Run the lines that are typed until the end."""
        with _history() as readline:
            watcher = threading.Thread(target=self._watch, args=(readline,), daemon=True)
            watcher.start()
            try:
                self._ask()
            finally:
                self._is_over.set()
                watcher.join()

    def _ask(self) -> None:
        while True:
            try:
                line = input(_PROMPT)
            except (EOFError, KeyboardInterrupt):
                click.echo()
                return
            if line.strip() and not self._does(line):
                return

    def _does(self, line: str) -> bool:
        """Run a line, and return whether the chat goes on; an error is shown."""
        try:
            lines = self._commands.run(line)
            if lines is None:
                return False
            _print([*lines, *(self._partner.wait() if self._partner.must_wait else [])])
        except click.ClickException as error:
            error.show()
        return True

    def _watch(self, readline: Any) -> None:
        """Show what arrives, above the line that is being typed."""
        while not self._is_over.wait(_POLL_S):
            try:
                lines = self._partner.news()
            except click.ClickException:
                continue  # the next line says what is wrong
            if lines:
                typed = readline.get_line_buffer() if readline else ""
                click.echo("\r\x1b[K" + "\n".join(lines))
                click.echo(_PROMPT + typed, nl=False)


@contextmanager
def _history() -> Iterator[Any]:
    """Have the lines of earlier chats in the prompt, from a private file; yield the readline module, if any."""
    try:
        import readline
    except ImportError:  # some builds of Python have none
        yield None
        return
    file = _history_file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private(file)
        readline.read_history_file(file)
    try:
        yield readline
    finally:
        readline.set_history_length(_MAX_HISTORY)
        with suppress(OSError):
            readline.write_history_file(file)


def _history_file() -> Path:
    """Return the history of the project, or that of the user where there is no project."""
    if Path("instance").is_dir():
        return Path("instance", "chat_history")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state, "twiml-app", "chat_history")
