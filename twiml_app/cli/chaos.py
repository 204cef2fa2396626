"""``check --chaos``: run the recorded conversations through every fault, and show those that a person would notice."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import Flask

from ..app import create_app, state_of
from ..errors import ConfigurationError
from .common import LIBRARIES, OWN, announce_handlers, import_app, loading, plain_errors, project_values
from .journal_access import DEV_DATABASE_URL
from .output import print_json, print_table
from .printed import printed_dropped

if TYPE_CHECKING:
    from ..chaos import Conversation, Result, TriedApp

#: Where recordings are unless they are named.
RECORDINGS = "tests/recordings/*.jsonl"
_HOW_TO_RECORD = (
    f"there is no recorded conversation in {RECORDINGS}: text the program with `twiml-app dev`, and record what the"
    " journal of dev has of it:\n\n"
    "    mkdir -p tests/recordings\n"
    f"    TWIML_DATABASE_URL={DEV_DATABASE_URL} twiml-app journal export tests/recordings/orders.jsonl --since 1d\n\n"
    "or name a recording with --recording FILE"
)
#: Settings of other machines, processes and accounts, which a trial must not use.
_LEFT_OUT = (
    *("TWIML_QUEUE_URL", "TWIML_HEALTH_BIND", "TWIML_METRICS", "TWIML_API_URL", "TWIML_EMULATOR_URL"),
    *("TWIML_AUTH_TOKENS", "TWIML_ACCOUNTS", "TWIML_SENDER_ACCOUNTS", "TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"),
)
_SECRETS = ("TWIML_CREDENTIALS", "TWIML_AUTH_TOKENS", "TWILIO_AUTH_TOKEN", "TWIML_SHARED_KEYS")


def check_chaos(recordings: Sequence[Path], app_name: str | None, *, yes: bool, as_json: bool) -> bool:
    """Run every conversation through every fault, print what was wrong, and return whether nothing was.

    Raises: click.UsageError, without recordings; click.ClickException; click.Abort.
    """
    with plain_errors():
        conversations = _read(recordings or sorted(Path.cwd().glob(RECORDINGS)))
        if not conversations:
            raise click.UsageError(_HOW_TO_RECORD)
        with tempfile.TemporaryDirectory(prefix="twiml-chaos-") as folder, _environment(Path(folder)) as database:
            results = _run(conversations, app_name, database, yes=yes)
    if as_json:
        _print_json(conversations, results)
    else:
        _print(conversations, results)
    return not any(result.seen for result in results)


def _read(recordings: Sequence[Path]) -> list[Conversation]:
    """Return the conversations of all recordings.

    Raises: RecordingError.
    """
    from ..chaos import read_conversations

    return [conversation for file in recordings for conversation in read_conversations(file)]


def _run(conversations: Sequence[Conversation], app_name: str | None, database: str, *, yes: bool) -> list[Result]:
    """Run the conversations; show a progress bar in a terminal.

    Raises: ConfigurationError; RegistrationError; click.ClickException; click.Abort.
    """
    from ..chaos import RESULTS, TriedApp, try_all

    make = partial(_make, app_name, database)
    with TriedApp(make(), start_again=lambda: _again(make)) as program:
        os.environ |= _access(program)
        click.echo(f"{_plural(len(conversations), 'conversation')}, each played up to {RESULTS + 1} times", err=True)
        announce_handlers(program.served, yes=yes)
        found = try_all(program, conversations)
        if not sys.stderr.isatty():
            with printed_dropped():
                return list(found)
        length = len(conversations) * RESULTS
        with click.progressbar(found, length=length, label="trying", file=sys.stderr) as bar, printed_dropped():
            return list(bar)


def _access(program: TriedApp) -> dict[str, str]:
    """Return the variables by which a program finds the emulator, and no other account."""
    emulator = program.emulator
    return {
        "TWIML_EMULATOR_URL": emulator.url,
        "TWIML_API_URL": emulator.url,
        "TWILIO_ACCOUNT_SID": emulator.account_sid,
        "TWILIO_AUTH_TOKEN": emulator.auth_token,
    }


def _make(app_name: str | None, database: str) -> Flask:
    """Make the application, with a temporary journal.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    if not app_name:
        with loading():
            return create_app()
    app = import_app(app_name)
    if state_of(app).settings.database_url != database:
        problem = "its configuration names a journal, which --chaos would fill: let it read the environment instead"
        raise ConfigurationError("TWIML_DATABASE_URL", f"{app_name}: {problem}")
    return app


def _again(make: Callable[[], Flask]) -> Flask:
    """Make the application from modules that are loaded again, as another process would, with the same journal."""
    root = f"{Path.cwd()}{os.sep}"
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None) or ""
        if file.startswith(root) and not file.startswith((*OWN, *LIBRARIES)):
            del sys.modules[name]
    return make()


@contextmanager
def _environment(folder: Path) -> Iterator[str]:
    """Have an environment without other accounts and machines, and with a temporary journal, whose URL is yielded.

    A program without a journal, and one that checks no signatures, is tried like that.
    """
    from ..emulator import ACCOUNT_SID, AUTH_TOKEN

    values, before = project_values(), dict(os.environ)
    database = "off" if values.get("TWIML_DATABASE_URL") == "off" else f"sqlite:///{folder}/chaos.db"
    changed = {"TWIML_DATABASE_URL": database, "TWIML_DURABILITY": "process"}
    if values.get("TWIML_AUTH_TOKENS") or values.get("TWILIO_AUTH_TOKEN"):
        changed |= {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN}
    if not any(values.get(name) for name in _SECRETS):
        changed["TWIML_CREDENTIALS"] = f"twilio:{secrets.token_urlsafe(16)}"
    try:
        for name in _LEFT_OUT:
            os.environ.pop(name, None)
            os.environ[name] = ""  # a variable that is set is not read from the .env file again
        os.environ |= changed
        yield database
    finally:
        os.environ.clear()
        os.environ |= before


def _print_json(conversations: Sequence[Conversation], results: Sequence[Result]) -> None:
    tried = [result for result in results if not result.not_tried]
    wrong = [{name: value for name, value in asdict(each).items() if value} for each in results if each.seen]
    not_tried = [
        {"conversation": each.conversation, "fault": each.fault, "reason": each.not_tried}
        for each in results
        if each.not_tried
    ]
    print_json({"conversations": len(conversations), "tried": len(tried), "wrong": wrong, "not_tried": not_tried})


def _print(conversations: Sequence[Conversation], results: Sequence[Result]) -> None:
    wrong = [result for result in results if result.seen]
    print_table([{"conversation": each.conversation, "fault": each.fault, "seen": each.seen} for each in wrong])
    advice: dict[str, list[str]] = {}
    for each in wrong:
        faults = advice.setdefault(each.advice, [])
        if each.fault not in faults:
            faults.append(each.fault)
    if wrong:
        click.echo("\nWhat to do:")
    for says, faults in advice.items():
        click.echo(f"  {', '.join(faults)}:\n    {says}")
    if not_tried := _not_tried(results):
        click.echo(f"{chr(10) if wrong else ''}Not applicable:")
    for (reason, names), found in not_tried.items():
        which = "" if len(found) == len(conversations) else f" ({', '.join(found)})"
        click.echo(f"  {', '.join(names)}: {reason}{which}")
    tried = sum(not result.not_tried for result in results)
    click.echo(f"\n{_plural(len(conversations), 'conversation')}, {tried} runs, {len(wrong)} went wrong")


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _not_tried(results: Sequence[Result]) -> Mapping[tuple[str, tuple[str, ...]], list[str]]:
    """Return the conversations in which faults were not tried, by the reason and the faults."""
    names: dict[tuple[str, str], list[str]] = {}
    for each in results:
        if each.not_tried:
            names.setdefault((each.not_tried, each.conversation), []).append(each.fault)
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, conversation), faults in names.items():
        found.setdefault((reason, tuple(faults)), []).append(conversation)
    return found
