"""``emulator exec``: run a program whose unmodified Twilio clients reach the emulator."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from click.core import ParameterSource

from .common import plain_errors
from .emulator_client import call_emulator
from .emulator_parameters import EmulatorUrl
from .emulator_starting import emulator_options, make_emulator
from .output import printable

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
#: Ctrl-C and Ctrl-\ reach every process in the foreground of a terminal.
_OF_TERMINALS = (signal.SIGINT, signal.SIGQUIT)


@click.command("exec", context_settings={"allow_interspersed_args": False})
@emulator_options(port=0)
@click.option(
    "--url",
    type=EmulatorUrl(),
    envvar="TWIML_EMULATOR_URL",
    show_envvar=True,
    help="Use the emulator that is running there.  [default: start one for the program]",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def execute(context: click.Context, /, command: tuple[str, ...], url: str | None, **options: Any) -> None:
    """Run a program whose Twilio clients reach the emulator.

    The program needs no change. The official clients for Python, Node, PHP and Ruby, the official command line and
    curl read the proxy, the certificate authority and the account from their environment. The proxy plays
    https://*.twilio.com with certificates made for this run, and refuses all other hosts; this machine is reached
    directly. No real message is sent.

    The emulator ends with the program, which gets the signals sent to this command. The exit status is the program's.
    What the emulator prints goes to the standard error.

    \b
    Examples:
        twiml-app emulator exec -- python send.py
        twiml-app emulator exec -- twilio api:core:messages:list
        twiml-app emulator exec --url http://127.0.0.1:8088 -- node send.js
    """
    if url:
        _refuse_options(context)
        call_emulator(url, "GET", "clock")
        raise SystemExit(_run(command, url, *_account()))
    with plain_errors(), make_emulator(**options) as running:
        click.echo(f"Twilio emulator ({options['profile']}) on {running.url}, for {printable(command[0])}", err=True)
        status = _run(command, running.url, running.account_sid, running.auth_token)
    raise SystemExit(status)


def _refuse_options(context: click.Context) -> None:
    """Refuse the options of an emulator that is not started."""
    for option in context.command.params:
        is_given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if is_given and option.name not in ("url", "command"):
            raise click.UsageError(f"{option.opts[0]} starts an emulator, but --url names one that is running")


def _account() -> tuple[str, str]:
    """Return the account of a running emulator, as the other commands read it."""
    from ..emulator import ACCOUNT_SID, AUTH_TOKEN

    return os.environ.get("TWILIO_ACCOUNT_SID") or ACCOUNT_SID, os.environ.get("TWILIO_AUTH_TOKEN") or AUTH_TOKEN


def _run(command: Sequence[str], url: str, account_sid: str, auth_token: str) -> int:
    """Run the program with the emulator at ``url``, and return its exit status.

    Raises: click.ClickException, if it cannot be started; ConfigurationError.
    """
    from ..emulator import program_environment

    with program_environment(url, account_sid, auth_token, on_problem=_show_problem) as environment:
        program = _Program()
        with _handling_signals(program.pass_on):
            return program.run(command, environment)


class _NotAProgram(click.ClickException):
    """The program cannot be started."""

    exit_code = 126

    def __init__(self, program: str, error: OSError) -> None:
        super().__init__(f"cannot run {program}: {error.strerror}")


class _NotFound(_NotAProgram):
    """The program does not exist."""

    exit_code = 127


class _Program:
    """A program that gets the signals sent to this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        #: The signals that came before the program had started.
        self._early: list[int] = []

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run the program, and return its exit status as a shell does: 128 and its number for a signal.

        Raises: click.ClickException, with the exit statuses of a shell.
        """
        try:
            self._process = process = subprocess.Popen(command, env=environment)  # noqa: S603
        except FileNotFoundError as error:
            raise _NotFound(command[0], error) from error
        except OSError as error:
            raise _NotAProgram(command[0], error) from error
        for number in self._early:
            process.send_signal(number)
        status = process.wait()
        return status if status >= 0 else 128 - status

    def pass_on(self, number: int, _: FrameType | None) -> None:
        """Pass a signal on, unless the terminal has sent it to the program as well."""
        if number in _OF_TERMINALS and _is_in_foreground():
            return
        if self._process:
            self._process.send_signal(number)
        else:
            self._early.append(number)


@contextmanager
def _handling_signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle signals, but not those that this process ignores: the program ignores them too."""
    before = {number: signal.getsignal(number) for number in _PASSED_ON}
    handled = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in handled:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)


def _is_in_foreground() -> bool:
    """Return whether this process is in the foreground of its terminal."""
    try:
        with Path("/dev/tty").open() as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _show_problem(problem: str) -> None:
    click.secho(printable(f"emulator: {problem}"), fg="red", err=True)
