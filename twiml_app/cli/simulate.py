"""``simulate``: send one inbound message or status callback as Twilio does."""

from __future__ import annotations

import mimetypes
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from ..app import load_environment
from ..caller import ACCOUNT_SID, CONTACT, NUMBER, Caller, HttpTransport, Webhook, inbound_form, random_sid, status_form
from ..events import InboundMessage, parse_event
from ..reactions import Reaction
from ..segments import segment
from ..served_app import in_process
from ..testing import Reply, read_reply
from ..webhook import Form
from .common import announce_handlers, app_option, pairs, plain_errors, yes_option
from .output import describe_reaction, json_option, print_json
from .printed import printed_aside
from .trial import trial_app


@click.command()
@click.argument("text", default="")
@click.option("--contact", metavar="PHONE", default=CONTACT, show_default=True, help="Address of the other person.")
@click.option("--number", metavar="PHONE", default=NUMBER, show_default=True, help="Our number.")
@click.option("--media", multiple=True, metavar="URL[=TYPE]", help="Attach this media file; repeatable.")
@click.option(
    "--status", metavar="STATUS", help="Send a status callback instead: sent, delivered, undelivered, failed."
)
@click.option("--error-code", type=int, help="ErrorCode of the status callback.")
@click.option("--sid", help="MessageSid to send; with --url, reuse one to simulate a duplicate.  [default: a new one]")
@click.option("--field", multiple=True, metavar="NAME=VALUE", help="Set any parameter of the webhook; repeatable.")
@click.option("--get", is_flag=True, help="Use the method GET.")
@click.option(
    "--url",
    envvar="TWIML_SIMULATE_URL",
    show_envvar=True,
    help="Call this URL (including credentials) over HTTP; signed if TWILIO_AUTH_TOKEN is set. The list of processes"
    " shows a password in it, but not in the variable.",
)
@yes_option
@app_option
@json_option
def simulate(
    text: str,
    contact: str,
    number: str,
    media: tuple[str, ...],
    status: str | None,
    error_code: int | None,
    sid: str | None,
    field: tuple[str, ...],
    get: bool,
    url: str | None,
    yes: bool,
    app_name: str | None,
    as_json: bool,
) -> None:
    """Send one message or status callback, and show the answer.

    It is signed and authenticated. It goes to the application in this process, with a temporary journal, or to a URL.
    Handlers run for real, and event.replayed is false. What they send or enqueue, and what a dialog remembers, is
    thrown away with the journal.

    \b
    Examples:
        twiml-app simulate "order 2 coffee"
        twiml-app simulate --media https://example.com/cat.jpg
        twiml-app simulate --status undelivered --error-code 30005
        TWIML_SIMULATE_URL=https://user:password@sms.example.com/message twiml-app simulate hello
    """
    _require_one_event(text, media, status, error_code)
    given = pairs(field, "--field")
    with plain_errors():
        method = "GET" if get else "POST"
        destination = _at_url(url, method) if url else _in_process(app_name, method, bool(status), yes)
        fields = {"AccountSid": destination.account_sid} | given
        if status:
            event_sid = sid or random_sid()
            form = status_form(event_sid, status, error_code=error_code, from_=number, to=contact, fields=fields)
        else:
            files = dict(_media_file(each) for each in media)
            form = inbound_form(text, from_=contact, to=number, media=files, message_sid=sid or "", fields=fields)
        started = time.perf_counter()
        with printed_aside():
            reply = read_reply(destination.caller, destination.webhook, form)
        milliseconds = (time.perf_counter() - started) * 1000
    _print_reply(reply, _reaction_in(form), milliseconds, as_json)


def _require_one_event(text: str, media: tuple[str, ...], status: str | None, error_code: int | None) -> None:
    """Require the options of a message or those of a status callback.

    Raises: click.UsageError.
    """
    if error_code is not None and not status:
        raise click.UsageError("--error-code needs a status callback: give --status too")
    if status and (text or media):
        raise click.UsageError("a status callback has no text and no media: give TEXT or --media, or --status")


def _reaction_in(form: Form) -> Reaction | None:
    """Return the reaction that a text is, None for anything else."""
    event = parse_event(form)
    return event.reaction if isinstance(event, InboundMessage) else None


@dataclass(frozen=True, slots=True)
class _Simulated:
    """A caller, and the webhook that it calls."""

    caller: Caller
    webhook: Webhook
    account_sid: str


def _at_url(url: str, method: str) -> _Simulated:
    """Return the caller for a URL."""
    load_environment(Path.cwd())
    caller = Caller(HttpTransport(), token=os.environ.get("TWILIO_AUTH_TOKEN", ""))
    return _Simulated(caller, Webhook(url=url, method=method), os.environ.get("TWILIO_ACCOUNT_SID", ACCOUNT_SID))


def _in_process(app_name: str | None, method: str, is_status: bool, yes: bool) -> _Simulated:
    """Return the caller for the application in this process.

    Raises: ConfigurationError; RegistrationError; click.ClickException; click.Abort.
    """
    app = trial_app(app_name)
    announce_handlers(app, yes=yes)
    target, transport = in_process(app)
    path = target.settings.status_path if is_status else target.settings.message_path
    webhook = replace(target.webhook(path), method=method)
    return _Simulated(target.caller(transport), webhook, target.account_sid)


def _media_file(option: str) -> tuple[str, str]:
    """Split ``URL=TYPE``; without a type it is guessed from the ending of the URL."""
    url, _, content_type = option.rpartition("=")
    if url and "/" in content_type and "://" not in content_type:
        return url, content_type
    return option, mimetypes.guess_type(option)[0] or "image/jpeg"


def _print_reply(reply: Reply, reaction: Reaction | None, milliseconds: float, as_json: bool) -> None:
    answer = reply.call.response
    sent = [{"text": each.text, "segments": segment(each.text).count if each.text else 0} for each in reply.messages]
    if as_json:
        printed = {"status": answer.status, "messages": sent, "media": reply.media, "twiml": reply.twiml}
        print_json(printed | ({"reaction": asdict(reaction)} if reaction else {}))
        return
    if reaction:
        click.echo(describe_reaction(reaction))
    requests = len(reply.call.attempts)
    click.echo(f"{answer.status} {answer.content_type or '(no content)'}, {requests} requests, {milliseconds:.0f} ms")
    for each in sent:
        click.echo(f"> {each['text']}  [{each['segments']} segment{'s' if each['segments'] != 1 else ''}]")
    for url in reply.media:
        click.echo(f"> {url}")
    if not reply.messages:
        click.echo("nothing is sent")
    if answer.body:
        click.echo(f"\n{reply.twiml}")
