"""Commands that change a running emulator: send it texts, set delivery outcomes, move its clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from .emulator_client import call_emulator
from .emulator_logs import entry_text, print_messages
from .emulator_parameters import ADDRESS, CONTACT, PHONE, url_option
from .output import json_option, print_json, printable

#: How long a text without a reply waits for a message that the app sends through the REST API.
_WAIT_S = 2
_LOST = ("undelivered", "failed")


@click.command()
@click.argument("body", default="")
@click.option("--contact", type=CONTACT, default=PHONE, show_default=True, help="Phone to text from.")
@click.option("--number", type=ADDRESS, metavar="NUMBER", help="Your number to text.  [default: the only one]")
@click.option("--media", multiple=True, metavar="URL", help="URL of a media file to attach; repeatable.")
@click.option("--fault", metavar="KIND", help="What goes wrong with this text, such as webhook-retry.")
@click.option(
    "--reaction", metavar="NAME", help="React to BODY: love, like, dislike, laugh, emphasize, question or 👍."
)
@url_option
@json_option
def text(body: str, media: tuple[str, ...], url: str, as_json: bool, **options: str | None) -> None:
    """Text one of your numbers, and show the replies.

    The emulator calls the Message URL of the number, and prints the app's replies, and what it sends through the REST
    API meanwhile; without a reply, it waits two seconds for that. Twilio's own replies, such as to STOP, and any errors
    and warnings are printed too. The exit status is 1 if there is an error or a warning,
    or if no webhook was called.

    \b
    Examples:
        twiml-app emulator text "order 2 coffee"
        twiml-app emulator text hello --contact +15558675311 --number +15017122661
        twiml-app emulator text look --media http://127.0.0.1:8000/cat.jpg
        twiml-app emulator text "order 2 coffee" --fault webhook-retry
    """
    if not body and not media:
        raise click.UsageError('give a BODY, such as "order 2 coffee", or --media')
    names = {"contact": "From", "number": "To", "fault": "Fault", "reaction": "Reaction"}
    given = [(names[option], value) for option, value in options.items() if value]
    form = [*given, ("Body", body), *(("MediaUrl", each) for each in media), ("Wait", str(_WAIT_S))]
    turn = call_emulator(url, "POST", "texts", form)
    if as_json:
        print_json(turn)
    else:
        _print_turn(turn)
    raise SystemExit(1 if any(each["problems"] or each["unrouted"] for each in (turn, *turn["further"])) else 0)


def _print_turn(turn: Mapping[str, Any]) -> None:
    sent = turn.get("sent", [])
    for reply in turn["replies"]:
        _print_message(reply)
    for message in sent:
        _print_message(message, "sent through the REST API")
    for problem in turn["problems"]:
        click.secho(entry_text(problem), fg="red")
    if turn["twilio_says"]:
        click.echo(f"Twilio itself replies: {turn['twilio_says']}")
    if turn["unrouted"]:
        click.secho(printable(f"no webhook was called: {turn['unrouted']}"), fg="red")
    elif not turn["replies"] and not sent:
        click.echo("the app sent no reply")
    for each in turn["further"]:
        click.echo(printable(f"{each['inbound']['body']!r} arrived as another message at {each['inbound']['to']}:"))
        _print_turn(each)


def _print_message(message: Mapping[str, Any], *notes: str) -> None:
    counts = [_plural(message["num_segments"], "segment")]
    counts += [f"{message['num_media']} media"] if message["num_media"] != "0" else []
    click.echo(printable(f"> {message['body']}  [{', '.join([*counts, *notes])}]"))


def _plural(number: str, noun: str) -> str:
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


@click.command()
@click.argument("contact", type=CONTACT, metavar="PHONE")
@click.option(
    "--status",
    type=click.Choice(["delivered", "undelivered", "failed", "sent", "read"]),
    metavar="STATUS",
    help="How messages to the phone end: delivered, undelivered, failed, sent or read.",
)
@click.option(
    "--error-code",
    type=click.IntRange(1, 99999),
    metavar="CODE",
    help="Error code of undelivered or failed messages, such as 30005.",
)
@click.option("--media/--no-media", default=None, help="Whether the phone accepts media.  [default: by country]")
@url_option
@json_option
def phone(
    contact: str, status: str | None, error_code: int | None, media: bool | None, url: str, as_json: bool
) -> None:
    """Show a phone's texts, or set how messages to it will end.

    Messages are delivered unless you set another status. It applies to every message still in transit to the phone,
    and to later ones, until you set another.

    \b
    Examples:
        twiml-app emulator phone +15558675310
        twiml-app emulator phone +15558675310 --status undelivered --error-code 30005
        twiml-app emulator phone +15558675310 --status delivered
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
    print_messages(shown["messages"], "no messages yet")


@click.command()
@click.option("--advance", type=click.IntRange(min=0), metavar="SECONDS", help="Advance the clock by this much.")
@click.option("--kind", type=click.Choice(["real", "fast", "step"]), help="Go on with another clock; nothing is lost.")
@click.option("--settle", is_flag=True, help="Run until every message in transit is delivered or has failed.")
@url_option
def clock(advance: int | None, kind: str | None, settle: bool, url: str) -> None:
    """Show the emulator's time, move it, or change how it runs.

    Messages are delivered as time passes. With a step clock, time only moves when you move it. With any other clock,
    --settle waits; the real one cannot be advanced.

    \b
    Examples:
        twiml-app emulator clock --settle
        twiml-app emulator clock --advance 3600
        twiml-app emulator clock --kind step
    """
    form = [("Seconds", str(advance))] if advance is not None else []
    form += [("Kind", kind)] if kind else []
    form += [("Settle", "true")] if settle else []
    shown = call_emulator(url, "POST" if form else "GET", "clock", form)
    click.echo(shown["now"])
    if not shown.get("settled", True):
        raise click.ClickException("messages are still in transit: a send queue is long or your app is slow")


@click.command()
@click.argument("count", type=click.IntRange(min=0))
@click.option(
    "--status",
    type=click.IntRange(400, 599),
    default=503,
    show_default=True,
    metavar="STATUS",
    help="HTTP status of the answers.",
)
@url_option
def outage(count: int, status: int, url: str) -> None:
    """Fail the next COUNT requests to the REST API.

    They are answered with 503, or with --status. Use it to test how your app handles an outage. A COUNT of 0 ends the
    outage.

    \b
    Examples:
        twiml-app emulator outage 3
        twiml-app emulator outage 1 --status 500
        twiml-app emulator outage 0
    """
    call_emulator(url, "POST", "outage", [("Requests", str(count)), ("Status", str(status))])
    if count:
        requests = "request" if count == 1 else f"{count} requests"
        click.echo(f"the next {requests} to the REST API will fail with {status}")
    else:
        click.echo("no outage: requests to the REST API succeed again")


@click.command()
@url_option
def reset(url: str) -> None:
    """Reset the emulator to its initial state.

    Everything added since the start is deleted: messages, numbers, phone settings and logs. The seed and the numbers
    that the emulator was started with are restored.

    \b
    Example:
        twiml-app emulator reset
    """
    call_emulator(url, "POST", "reset")
    click.echo("the emulator was reset to its initial state")
