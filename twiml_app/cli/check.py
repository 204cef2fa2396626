"""``check``: list the settings, report unsafe and missing ones, print the URLs to paste, probe a deployed URL."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ..app import collect_settings, create_app, state_of
from ..caller import HttpTransport
from ..checks import ConsoleUrls, Finding, check_conversations, check_settings, console_urls, list_settings, probe
from ..config import Settings
from ..errors import JournalError, TwimlAppError
from .chaos import RECORDINGS, check_chaos
from .common import app_option, import_app, loading, project_values, yes_option
from .output import json_option, print_json, print_table
from .printed import printed_aside

_MARKS = {"ok": "ok", "warning": "!", "error": "ERROR"}


@click.command()
@click.option("--url", help="Probe this Message URL from outside; no handler runs.")
@click.option("--show-secrets", is_flag=True, help="Print passwords and tokens.")
@click.option("--conversations", is_flag=True, help="Run every open dialog over its stored answers; no step runs.")
@click.option("--chaos", is_flag=True, help="Run recorded conversations through every fault instead; handlers run.")
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"A recording for --chaos; repeatable.  [default: {RECORDINGS}]",
)
@yes_option
@app_option
@json_option
def check(
    url: str | None,
    show_secrets: bool,
    conversations: bool,
    chaos: bool,
    recordings: tuple[Path, ...],
    yes: bool,
    app_name: str | None,
    as_json: bool,
) -> None:
    """Check settings and handlers, and print the URLs for Twilio.

    Paste the URLs into Twilio's console. Then --url calls the one that is set there from outside, as Twilio does.

    With --chaos, each conversation of the recordings is played to the application in this process, next to an
    emulator, once for each fault that the emulator knows: does the person notice? The journal is a temporary one.

    The exit status is 1 if anything is wrong or unsafe.

    \b
    Examples:
        twiml-app check
        twiml-app check --url https://sms.example.com/message
        twiml-app check --conversations
        twiml-app check --chaos
    """
    _require_compatible(url, conversations=conversations, chaos=chaos, recordings=recordings)
    if chaos:
        raise SystemExit(0 if check_chaos(recordings, app_name, yes=yes, as_json=as_json) else 1)
    found = _check_app(app_name) if app_name else _check_project()
    if found.settings and url:
        found.findings.extend(probe(url, found.settings, HttpTransport()))
    if found.settings and conversations:
        found.findings.extend(_check_conversations(app_name))
    _report(found, show_secrets=show_secrets, as_json=as_json)
    raise SystemExit(1 if any(finding.level != "ok" for finding in found.findings) else 0)


def _require_compatible(url: str | None, *, conversations: bool, chaos: bool, recordings: tuple[Path, ...]) -> None:
    """Require options that go together, and a Message URL.

    Raises: click.UsageError.
    """
    if recordings and not chaos:
        raise click.UsageError("--recording needs --chaos")
    if chaos and (url or conversations):
        raise click.UsageError("--chaos is a check of its own: leave out --url and --conversations")
    if url and not re.match(r"https?://[^\s/]+/", url):
        raise click.BadParameter("give a Message URL, such as https://sms.example.com/message", param_hint="--url")


@dataclass(frozen=True, slots=True)
class _Checked:
    """The settings as they are given and as they are read, None if they cannot be used, and the findings."""

    values: Mapping[str, Any]
    settings: Settings | None
    findings: list[Finding]
    url_prefix: str = ""


def _check_project() -> _Checked:
    """Check the settings and the handlers of the working directory."""
    values = project_values()
    try:
        with loading():
            return _Checked(values, *check_settings(values, Path.cwd()))
    except click.ClickException as error:
        return _Checked(values, None, [Finding("error", "start", str(error))])


def _check_app(app_name: str) -> _Checked:
    """Check an application; an error that keeps it from starting is a finding."""
    try:
        app = import_app(app_name)
        state = state_of(app)
    except (TwimlAppError, click.ClickException) as error:
        return _Checked(collect_settings({}), None, [Finding("error", "start", str(error))])
    values = collect_settings(app.config)
    return _Checked(values, *check_settings(values, state.root, state.router), state.url_prefix)


def _check_conversations(app_name: str | None) -> list[Finding]:
    """Run every open dialog of an application over what is stored of it."""
    with loading():
        app = import_app(app_name) if app_name else create_app()
    try:
        with app.app_context(), printed_aside():
            return check_conversations(state_of(app), time.time())
    except JournalError as error:
        return [Finding("error", "conversations", str(error))]


def _report(found: _Checked, *, show_secrets: bool, as_json: bool) -> None:
    """Print the settings, the findings, and the URLs to paste if the settings can be used."""
    shown = list_settings(found.values, show_secrets=show_secrets)
    urls = console_urls(found.settings, found.url_prefix, show_secrets=show_secrets) if found.settings else None
    if as_json:
        findings = [asdict(finding) for finding in found.findings]
        print_json({"settings": shown, "findings": findings, "urls": asdict(urls) if urls else None})
        return
    print_table([{"setting": name, "value": value} for name, value in shown.items()])
    click.echo()
    print_table([{"": _MARKS[each.level], "check": each.subject, "finding": each.says} for each in found.findings])
    if urls:
        _print_urls(urls)


def _print_urls(urls: ConsoleUrls) -> None:
    click.echo(
        "\nIn Twilio's console, at the phone number (or its messaging service), under Messaging Configuration:\n\n"
        f"  A message comes in     Webhook  {urls.message}  HTTP POST\n"
        f"  Primary handler fails  Webhook  {urls.fallback}  HTTP POST\n\n"
        "In the console's debugger, for the errors and warnings of the account (@router.alert):\n\n"
        f"  Webhook                         {urls.alert}\n\n"
        "The part after # makes Twilio retry after a failure; it is not sent."
    )
    if "***" in urls.message:
        click.echo("The password is masked: --show-secrets prints it.")
