"""``explain``: whether the application would accept a saved request, and why it refuses one."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import click
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from ..alerts import Alert
from ..app import build_app, load_environment, outermost, state_of
from ..assembly import TwimlState
from ..caller import OutgoingRequest, WsgiTransport
from ..errors import RequestRefused
from ..events import Event, InboundMessage, StatusCallback
from ..journal import Archive
from ..logs import format_time, logger, mask
from ..receiver import REPLAY_HEADER, Claim, Outcome, StoredReply
from ..routing import Router
from ..webhook import WebhookRequest, WebhookResponse, base_of
from .common import find_state, import_app, plain_errors
from .journal_access import find_engine, journal_option

_CHALLENGED = "no credentials were sent; Twilio sends them with its next request, after this challenge"


@click.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--last", is_flag=True, help="Explain the latest refused request in the journal.")
@click.option(
    "--scheme", type=click.Choice(["http", "https"]), default="http", show_default=True, help="Scheme of the request."
)
@journal_option
def explain(file: BinaryIO | None, last: bool, scheme: str, app_name: str | None) -> None:
    """Explain why a request was refused, or would be.

    If a signature does not match, it says what would have matched. FILE contains the request as sent: request line,
    headers, an empty line, body; - reads standard input. The request gets the same answer as from the server, but no
    handler runs.

    \b
    Example:
        twiml-app explain refused.http --scheme https
        twiml-app explain --last
    """
    if last:
        _explain_last(app_name)
        return
    if file is None:
        raise click.UsageError("give a FILE, or --last")
    with plain_errors():
        app = import_app(app_name) if app_name else _app_without_handlers()
        saved = read_saved(file.read(), scheme)
        observed = Observer()
        answer = answer_saved(app, saved, observed)
    click.echo(f"request: {saved.method} {urlsplit(saved.url).path}, {len(saved.body)} bytes")
    if answer.status >= HTTPStatus.BAD_REQUEST:
        _print_refusal(answer, observed, state_of(app))
        raise SystemExit(1)
    if observed.event:
        click.echo(f"accepted: by every check that is configured\nevent: {_event_text(observed.event)}")
    else:
        click.echo(f"answered: {_status_text(answer.status)}, without an event")


def _print_refusal(answer: WebhookResponse, observed: Observer, state: TwimlState) -> None:
    refused = _status_text(answer.status)
    if answer.status == HTTPStatus.NOT_FOUND:
        refused += f": the paths are {', '.join(_mount(state) + path for path in state.settings.paths.values())}"
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        refused += f": the methods are {', '.join(sorted(answer.header('allow').split(', ')))}"
    click.echo(f"refused: {refused}")
    line = answer.body.decode("utf-8", "replace").partition("\n")[0]
    click.echo(f"answer: {'a page in HTML' if 'html' in answer.content_type else line}")
    if observed.refused:
        click.echo(f"reason: {observed.refused.reason}")
    elif answer.status == HTTPStatus.UNAUTHORIZED:
        click.echo(f"reason: {_CHALLENGED}")


def _status_text(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase.lower()}"


def _explain_last(app_name: str | None) -> None:
    """Print the latest refusal in the journal; it cannot be checked again, as its Authorization is not kept."""
    with plain_errors():
        refusals = Archive(find_engine(find_state(app_name))).refusals(1)
    if not refusals:
        click.echo("no request was refused")
        return
    refusal = refusals[0]
    click.echo(f"request: {format_time(refusal.received_at)} {refusal.method} {refusal.url.partition('?')[0]}")
    click.echo(f"refused: {_status_text(refusal.status)}")
    click.echo(f"reason: {refusal.reason}")
    raise SystemExit(1)


class Observer:
    """A journal that records the decision of the receiver, and gives it an answer, so that no handler runs."""

    def __init__(self) -> None:
        self.request: WebhookRequest | None = None
        self.event: Event | None = None
        self.refused: RequestRefused | None = None

    def claim(self, request: WebhookRequest, event: Event, *, wait_s: float, by_token: bool = False) -> StoredReply:  # noqa: ARG002 - as the protocol has it
        """Record an event that was accepted."""
        self.request, self.event = request, event
        return StoredReply(WebhookResponse(status=200), "")

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Record the reason for a refusal."""
        self.request, self.refused = request, refused

    def stored_reply(self, message: InboundMessage, *, wait_s: float) -> None:
        """Find no answer of another URL."""

    def finish(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Do nothing: no event is claimed."""

    def fail(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Do nothing: no event is claimed."""

    def check(self) -> None:
        """Do nothing: it can always be written to."""


def _app_without_handlers() -> Flask:
    """Return an application with the settings of the working directory, which need no handlers.

    Raises: ConfigurationError.
    """
    load_environment(Path.cwd())
    return build_app({"TWIML_DATABASE_URL": "off"}, Path.cwd(), router=Router())


def answer_saved(app: Flask, saved: OutgoingRequest, observer: Observer) -> WebhookResponse:
    """Return the answer of an application to a saved request; neither its handlers nor its hooks run.

    Raises: click.ClickException, for a path that another view of the application serves.
    """
    state = state_of(app)
    state.receiver.journal = observer

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Any:
        return _dispatch(app, environ)(environ, start_response)

    send = WsgiTransport(outermost(wsgi_app, app, state))
    with _without_log():
        return send(replace(saved, url=_inside(saved.url, state)))


def _dispatch(app: Flask, environ: dict[str, Any]) -> Response:
    with app.request_context(environ):
        if request.routing_exception is None and request.blueprint != "twiml":
            problem = f"{request.path} is not a webhook: the view {request.endpoint} of the application serves it"
            raise click.ClickException(problem)
        try:
            return app.make_response(app.dispatch_request())
        except HTTPException as error:
            return app.make_response(app.handle_user_exception(error))


@contextmanager
def _without_log() -> Iterator[None]:
    """Keep the receiver from logging what the command prints."""
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _mount(state: TwimlState) -> str:
    """Return the path in front of the application's own paths, as Twilio calls them."""
    return urlsplit(base_of(state.settings.public_url, state.url_prefix)).path


def _inside(url: str, state: TwimlState) -> str:
    """Return a URL as the application sees it, if a proxy removes the path of its public URL."""
    parts, mount = urlsplit(url), _mount(state)
    own = [state.url_prefix + each for each in state.settings.paths.values()]
    if parts.path in own or not parts.path.startswith(f"{mount}/"):
        return url
    return parts._replace(path=state.url_prefix + parts.path.removeprefix(mount)).geturl()


def read_saved(saved: bytes, scheme: str) -> OutgoingRequest:
    """Read a request as it was sent; a text editor may have changed its line endings.

    Raises: click.ClickException, if it is not an HTTP request.
    """
    separator = b"\r\n\r\n" if b"\r\n\r\n" in saved else b"\n\n"
    head, _, body = saved.partition(separator)
    line, _, rest = head.partition(b"\n")
    words = line.decode("utf-8", "replace").split()
    if len(words) < 2 or not words[1].startswith(("/", "http")):
        raise click.ClickException("the file does not begin with a request line, such as: POST /message HTTP/1.1")
    headers = http.client.parse_headers(io.BytesIO(rest + b"\r\n\r\n"))
    target = words[1] if words[1].startswith("/") else "/" + words[1].partition("://")[2].partition("/")[2]
    return OutgoingRequest(
        method=words[0],
        url=f"{scheme}://localhost{target}",  # the header Host overrides it
        headers=tuple((name, value) for name, value in headers.items() if name.lower() != REPLAY_HEADER.lower()),
        body=_sized(body, headers.get("Content-Length", "")),
        connect_timeout_s=0,
        read_timeout_s=0,
    )


def _sized(body: bytes, length: str) -> bytes:
    """Cut off line endings that an editor has added."""
    return body[: int(length)] if length.isdigit() else body.rstrip(b"\r\n")


def _event_text(event: Event) -> str:
    if isinstance(event, InboundMessage):
        kind = f", a reaction: {event.reaction.kind}" if event.reaction else ""
        return f"inbound message {event.message_sid} from {mask(event.from_)} to {mask(event.to)}{kind}"
    if isinstance(event, StatusCallback):
        code = f", ErrorCode {event.error_code}" if event.error_code else ""
        return f"status callback {event.message_sid}: {event.message_status}{code}"
    if isinstance(event, Alert):
        return f"alert {event.sid}: {event.level} {event.error_code or 'without an error code'}"
    return event.kind
