"""``explain``: whether the application would accept a saved request, and why it refuses one."""

from __future__ import annotations

import http.client
import io
from typing import BinaryIO

import click

from ..config import Settings
from ..errors import RequestRefused
from ..events import Event, InboundMessage, StatusCallback
from ..journal import Archive
from ..logs import format_time, mask
from ..receiver import Admission
from ..webhook import Endpoint, WebhookRequest
from .common import find_state, journal_option, plain_errors, project_values
from .journal import find_engine


@click.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--last", is_flag=True, help="Explain the latest refused request in the journal.")
@click.option(
    "--scheme", type=click.Choice(["http", "https"]), default="http", show_default=True, help="Scheme of the request."
)
@journal_option
def explain(file: BinaryIO | None, last: bool, scheme: str, app_name: str | None) -> None:
    """Explain whether a saved request would be accepted and, if not, what would have matched.

    FILE contains the request as sent: request line, headers, an empty line, body; - reads standard input. The settings
    are those of the environment.

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
        state = find_state(app_name)
        settings = state.settings if state else Settings.read(project_values())
        request = read_saved(file.read(), scheme, settings)
    click.echo(f"request      {request.method} {request.path}, {len(request.body)} bytes")
    if not any(request.path.endswith(path) for path in settings.paths.values()):
        click.echo(f"refused      404: the paths are {', '.join(settings.paths.values())}")
        raise SystemExit(1)
    try:
        event = Admission(settings).admit(request)
    except RequestRefused as refused:
        click.echo(f"refused      {refused.status}, answered with: {refused.line}")
        click.echo(f"reason       {refused.reason}")
        raise SystemExit(1) from refused
    click.echo("accepted     by every check that is configured")
    click.echo(f"event        {_event_text(event)}")


def _explain_last(app_name: str | None) -> None:
    """Print the latest refusal in the journal; it cannot be checked again, as its Authorization is not kept."""
    with plain_errors():
        refusals = Archive(find_engine(find_state(app_name))).refusals(1)
    if not refusals:
        click.echo("no request was refused")
        return
    refusal = refusals[0]
    click.echo(f"request      {format_time(refusal.received_at)} {refusal.method} {refusal.url.partition('?')[0]}")
    click.echo(f"refused      {refusal.status}")
    click.echo(f"reason       {refusal.reason}")
    raise SystemExit(1)


def read_saved(saved: bytes, scheme: str, settings: Settings) -> WebhookRequest:
    """Read a request as it was sent; a text editor may have changed its line endings.

    Raises: click.ClickException, if it is not an HTTP request.
    """
    separator = b"\r\n\r\n" if b"\r\n\r\n" in saved else b"\n\n"
    head, _, body = saved.partition(separator)
    line, _, rest = head.partition(b"\n")
    words = line.decode("latin-1").split()
    if len(words) < 2 or not words[1].startswith(("/", "http")):
        raise click.ClickException("the file does not begin with a request line, such as: POST /message HTTP/1.1")
    headers = http.client.parse_headers(io.BytesIO(rest + b"\r\n\r\n"))
    target = words[1] if words[1].startswith("/") else "/" + words[1].partition("://")[2].partition("/")[2]
    endpoint, prefix = _endpoint_and_prefix(target.partition("?")[0], settings)
    return WebhookRequest(
        endpoint=endpoint,
        method=words[0],
        scheme=scheme,
        host=headers.get("Host", ""),
        target=target,
        prefix=prefix,
        headers={name.lower(): value for name, value in headers.items()},
        body=_sized(body, headers.get("Content-Length", "")),
    )


def _endpoint_and_prefix(path: str, settings: Settings) -> tuple[Endpoint, str]:
    for endpoint, own in settings.paths.items():
        if path.endswith(own):
            return endpoint, path.removesuffix(own)
    return "message", ""


def _sized(body: bytes, length: str) -> bytes:
    """Cut off line endings that an editor has added."""
    return body[: int(length)] if length.isdigit() else body.rstrip(b"\r\n")


def _event_text(event: Event) -> str:
    if isinstance(event, InboundMessage):
        return f"inbound message {event.message_sid} from {mask(event.from_)} to {mask(event.to)}"
    if isinstance(event, StatusCallback):
        code = f", ErrorCode {event.error_code}" if event.error_code else ""
        return f"status callback {event.message_sid}: {event.message_status}{code}"
    return event.kind
