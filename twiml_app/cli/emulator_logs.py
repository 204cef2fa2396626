"""Commands that show the logs of a running emulator: messages, errors, requests, webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import click

from .emulator_client import call_emulator
from .emulator_parameters import url_option
from .output import json_option, print_json, print_table, printable

_CHALLENGE = 401
#: The longest body in a table.
_MAX_BODY = 60


@click.command()
@url_option
@json_option
def outbox(url: str, as_json: bool) -> None:
    """List the messages in both directions.

    The texts of phones, and the replies and messages that the app has sent, oldest first, each with its delivery
    status and error code.

    \b
    Examples:
        twiml-app emulator outbox
        twiml-app emulator outbox --json
    """
    messages = call_emulator(url, "GET", "messages")["messages"]
    if as_json:
        print_json(messages)
    else:
        print_messages(messages, "no messages yet")


def print_messages(messages: Sequence[Mapping[str, Any]], otherwise: str) -> None:
    """Print messages as a table, or a sentence if there are none."""
    print_table([_message_row(each) for each in messages])
    if not messages:
        click.echo(otherwise)


def _message_row(message: Mapping[str, Any]) -> dict[str, str]:
    media = f"[{message['num_media']} media] " if message["num_media"] != "0" else ""
    return {
        "date": f"{parsedate_to_datetime(message['date_created']):%Y-%m-%dT%H:%M:%SZ}",
        "sid": message["sid"],
        "way": "in" if message["direction"] == "inbound" else "out",
        "from": message["from"] or "",
        "to": message["to"],
        "status": message["status"],
        "error": str(message["error_code"] or ""),
        "body": media + _cut(message["body"].replace("\n", " ")),
    }


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_BODY else f"{text[: _MAX_BODY - 3]}..."


@click.command()
@url_option
@json_option
def debugger(url: str, as_json: bool) -> None:
    """List errors and warnings, and how to fix them.

    These are the errors and warnings that Twilio's debugger would show: webhooks that fail, invalid TwiML, media that
    cannot be fetched. The exit status is 1 if there are any.

    \b
    Example:
        twiml-app emulator debugger
    """
    entries = call_emulator(url, "GET", "debugger")["entries"]
    if as_json:
        print_json(entries)
    elif not entries:
        click.echo("no errors or warnings")
    for entry in [] if as_json else entries:
        click.echo(f"{entry['date']}  {entry_text(entry)}")
    raise SystemExit(1 if entries else 0)


@click.command()
@url_option
@json_option
def webhooks(url: str, as_json: bool) -> None:
    """List the latest requests to the app, and its answers.

    Every request is listed, including retries and redirects. A 401 before a 200 is normal: Twilio only sends the
    credentials of a URL after a challenge.

    \b
    Example:
        twiml-app emulator webhooks
    """
    shown = call_emulator(url, "GET", "webhooks")["webhooks"]
    if as_json:
        print_json(shown)
        return
    for each in shown:
        _print_webhook(each)
    if not shown:
        click.echo("no webhooks called yet")


def _print_webhook(webhook: Mapping[str, Any]) -> None:
    """Print a request, and unless it only asked for credentials, what was sent and what was answered."""
    what = [webhook["date"], webhook["message_sid"], str(webhook["status"] or webhook["problem"])]
    request = f"{webhook['milliseconds']} ms  {webhook['method']} {webhook['url']}"
    click.echo(printable("  ".join([*filter(None, what), request])))
    if webhook["status"] == _CHALLENGE:
        return
    given = {name: value for name, value in webhook["parameters"].items() if value}
    if given:
        click.echo(
            "    "
            + printable(" ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in given.items()))
        )
    for line in webhook["body"].splitlines():
        click.echo(f"    {printable(line)}")


@click.command()
@url_option
@json_option
def requests(url: str, as_json: bool) -> None:
    """List the latest requests to the REST API, with hints.

    A hint says what the client did wrong and how to fix it. The emulator prints the same as requests arrive.

    \b
    Example:
        twiml-app emulator requests
    """
    shown = call_emulator(url, "GET", "requests")["requests"]
    if as_json:
        print_json(shown)
        return
    for each in shown:
        code = f" {each['code']} {each['message']}" if each["code"] else ""
        status = each["status"] or "cut"
        click.echo(printable(f"{each['date']}  {each['method']} {each['path']} {status}{code}"))
        for hint in each["hints"]:
            click.echo(printable(f"    {hint}"))
    if not shown:
        click.echo("no requests to the REST API yet")


def entry_text(entry: Mapping[str, Any]) -> str:
    """Return an entry of the debugger as text; its URL comes first, unless the text starts with it."""
    where = "" if entry["text"].startswith(entry["url"]) else f"{entry['url']}: "
    return printable(f"{entry['level']} {entry['code']}  {where}{entry['text']}")
