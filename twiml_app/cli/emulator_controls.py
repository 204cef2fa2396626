"""Commands for a running emulator: text it, inspect it, set delivery outcomes, move its clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import click

from .common import json_option, print_json, print_table, printable
from .emulator_client import call_emulator
from .emulator_parameters import ADDRESS, PHONE, PORT, EmulatorUrl

_LOST = ("undelivered", "failed")

_url_option = click.option(
    "--url",
    type=EmulatorUrl(),
    envvar="TWIML_EMULATOR_URL",
    show_envvar=True,
    default=f"http://127.0.0.1:{PORT}",
    show_default=True,
    help="URL of the emulator.",
)


@click.command()
@click.argument("body", default="")
@click.option("--contact", type=ADDRESS, default=PHONE, show_default=True, help="Phone to text from.")
@click.option("--number", type=ADDRESS, help="Your number to text.  [default: the only one]")
@click.option("--media", multiple=True, metavar="URL", help="URL of a media file to attach; repeatable.")
@_url_option
@json_option
def text(body: str, contact: str, number: str | None, media: tuple[str, ...], url: str, as_json: bool) -> None:
    """Text one of your numbers, and show the app's replies.

    The exit status is 1 if there was an error or a warning.

    \b
    Examples:
        twiml-app emulator text "order 2 coffee"
        twiml-app emulator text look --contact +15558675310 --media http://127.0.0.1:8000/cat.jpg
    """
    if not body and not media:
        raise click.UsageError('give a BODY, such as "order 2 coffee", or --media')
    form = [("From", contact), ("To", number or ""), ("Body", body), *(("MediaUrl", each) for each in media)]
    turn = call_emulator(url, "POST", "texts", form)
    if as_json:
        print_json(turn)
    else:
        _print_turn(turn)
    raise SystemExit(1 if turn["problems"] else 0)


def _print_turn(turn: Mapping[str, Any]) -> None:
    for reply in turn["replies"]:
        counts = [_plural(reply["num_segments"], "segment")]
        counts += [f"{reply['num_media']} media"] if reply["num_media"] != "0" else []
        click.echo(printable(f"> {reply['body']}  [{', '.join(counts)}]"))
    for problem in turn["problems"]:
        click.secho(entry_text(problem), fg="red")
    if turn["twilio_says"]:
        click.echo(f"Twilio itself replies: {turn['twilio_says']}")
    if turn["unrouted"]:
        click.secho(printable(f"no webhook was called: {turn['unrouted']}"), fg="red")
    elif not turn["replies"]:
        click.echo("the app sent no reply")


def _plural(number: str, what: str) -> str:
    return f"{number} {what}" if number == "1" else f"{number} {what}s"


def entry_text(entry: Mapping[str, Any]) -> str:
    """Return an entry of the debugger as lines; its URL comes first, unless the text starts with it."""
    where = "" if entry["text"].startswith(entry["url"]) else f"{entry['url']}: "
    return printable(f"{entry['level']} {entry['code']}  {where}{entry['text']}")


@click.command()
@_url_option
@json_option
def outbox(url: str, as_json: bool) -> None:
    """List the messages that the app has sent, oldest first.

    \b
    Example:
        twiml-app emulator outbox
    """
    messages = call_emulator(url, "GET", "outbox")["messages"]
    if as_json:
        print_json(messages)
    else:
        _print_messages(messages, "no messages sent yet")


def _print_messages(messages: Sequence[Mapping[str, Any]], otherwise: str) -> None:
    print_table([_message_row(each) for each in messages])
    if not messages:
        click.echo(otherwise)


def _message_row(message: Mapping[str, Any]) -> dict[str, str]:
    pictures = f"[{message['num_media']} media] " if message["num_media"] != "0" else ""
    return {
        "date": f"{parsedate_to_datetime(message['date_created']):%Y-%m-%dT%H:%M:%SZ}",
        "sid": message["sid"],
        "from": message["from"] or "",
        "to": message["to"],
        "status": message["status"],
        "error": str(message["error_code"] or ""),
        "body": pictures + message["body"].replace("\n", " ")[:60],
    }


@click.command()
@_url_option
@json_option
def debugger(url: str, as_json: bool) -> None:
    """List the errors and warnings that Twilio's debugger would show, and how to fix them.

    The exit status is 1 if there are any.

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
@_url_option
@json_option
def webhooks(url: str, as_json: bool) -> None:
    """List the latest requests to the app, including retries, challenges and redirects.

    \b
    Example:
        twiml-app emulator webhooks
    """
    shown = call_emulator(url, "GET", "webhooks")["webhooks"]
    if as_json:
        print_json(shown)
        return
    print_table(
        [
            {
                "date": each["date"],
                "message": each["message_sid"],
                "request": f"{each['method']} {each['url']}",
                "answer": str(each["status"] or each["problem"]),
                "ms": str(each["milliseconds"]),
            }
            for each in shown
        ]
    )
    if not shown:
        click.echo("no webhooks called yet")


@click.command()
@_url_option
@json_option
def requests(url: str, as_json: bool) -> None:
    """List the latest requests to the REST API, with hints on what their client did wrong.

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
        click.echo(printable(f"{each['date']}  {each['method']} {each['path']} {each['status']}{code}"))
        for hint in each["hints"]:
            click.echo(printable(f"    {hint}"))
    if not shown:
        click.echo("no requests to the REST API yet")


@click.command()
@click.argument("contact", type=ADDRESS, metavar="PHONE")
@click.option(
    "--status",
    type=click.Choice(["delivered", "undelivered", "failed", "sent", "read"]),
    help="How messages to the phone end from now on.",
)
@click.option(
    "--error-code", type=click.IntRange(1, 99999), help="Error code of undelivered or failed ones, such as 30005."
)
@click.option("--media/--no-media", default=None, help="Whether the phone accepts media.")
@_url_option
@json_option
def phone(
    contact: str, status: str | None, error_code: int | None, media: bool | None, url: str, as_json: bool
) -> None:
    """Show messages delivered to a phone, or set how messages to it will end.

    \b
    Examples:
        twiml-app emulator phone +15558675310
        twiml-app emulator phone +15558675310 --status undelivered --error-code 30005
    """
    if error_code and status not in _LOST:
        raise click.UsageError("--error-code requires --status undelivered or failed")
    given = {"Status": status, "ErrorCode": error_code, "TakesMedia": None if media is None else str(media).lower()}
    form = [(name, str(value)) for name, value in given.items() if value is not None]
    shown = call_emulator(url, "POST" if form else "GET", f"phones/{quote(contact, safe='')}", form)
    if as_json:
        print_json(shown)
        return
    takes = {None: "", True: ", accepts media", False: ", accepts no media"}[shown["takes_media"]]
    code = f" ({shown['error_code']})" if shown["error_code"] else ""
    click.echo(f"{shown['contact']}: messages to it end as {shown['status']}{code}{takes}")
    _print_messages(shown["messages"], "no messages received yet")


@click.command()
@click.option("--advance", type=click.IntRange(min=0), metavar="SECONDS", help="Advance a step clock by this much.")
@click.option("--settle", is_flag=True, help="Run until everything in transit has been delivered or has failed.")
@_url_option
def clock(advance: int | None, settle: bool, url: str) -> None:
    """Show the emulator's time, or move its clock.

    \b
    Examples:
        twiml-app emulator clock --settle
        twiml-app emulator clock --advance 3600
    """
    form = [("Seconds", str(advance))] if advance is not None else []
    form += [("Settle", "true")] if settle else []
    shown = call_emulator(url, "POST" if form else "GET", "clock", form)
    click.echo(shown["now"])
    if not shown.get("settled", True):
        raise click.ClickException("messages are still in transit: a send queue is long or your app is slow")


@click.command()
@click.argument("count", type=click.IntRange(min=0))
@_url_option
def outage(count: int, url: str) -> None:
    """Answer the next COUNT requests to the REST API with 503, to test how your app handles an outage.

    \b
    Example:
        twiml-app emulator outage 3
    """
    call_emulator(url, "POST", "outage", [("Requests", str(count))])
    click.echo(f"requests to the REST API that will fail with 503: {count}")


@click.command()
@_url_option
def reset(url: str) -> None:
    """Delete all messages and settings, and restore the seed and the numbers that the emulator was started with.

    \b
    Example:
        twiml-app emulator reset
    """
    call_emulator(url, "POST", "reset")
    click.echo("the emulator was reset to its initial state")


COMMANDS = (text, outbox, debugger, requests, webhooks, phone, clock, outage, reset)
