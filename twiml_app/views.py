"""The views of the webhook paths and of the health checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from .body_deadlines import BodyDeadlines
from .config import Settings
from .credentials import Credentials
from .health import health_answers
from .media import MediaLinks
from .media_view import MediaView
from .receiver import CHALLENGE, BasicAuth, Receiver
from .webhook import TEXT_TYPE, Endpoint, WebhookResponse
from .wsgi_request import RequestBody, announces_body, read_request
from .wsgi_response import ClosingResponse, flask_response

HEALTH_CHECKS = ("/healthz", "/readyz")
METRICS_PATH = "/metrics"
#: How long the body of a webhook may take to arrive, in seconds; Twilio waits 15 for the answer.
_BODY_LIMIT_S = 10.0


def webhook_views(receiver: Receiver, settings: Settings) -> dict[str, WebhookView]:
    """Return the views of the Message URL, the status URL and the fallback URL, by path."""
    deadlines = BodyDeadlines(_BODY_LIMIT_S)
    return {
        path: WebhookView(receiver, endpoint, path, settings.max_body_bytes, deadlines)
        for endpoint, path in settings.paths.items()
    }


def webhook_blueprint(views: Mapping[str, WebhookView], receiver: Receiver, links: MediaLinks) -> Blueprint:
    """Return the blueprint with the views of the webhook paths, the local files and the health checks."""
    blueprint = Blueprint("twiml", __name__)
    blueprint.register_error_handler(HTTPException, plain_line)
    for path, view in views.items():
        blueprint.add_url_rule(path, view.endpoint, view, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{links.folder}/<name>", "media", MediaView(links))
    for path, answer in health_answers(receiver).items():
        blueprint.add_url_rule(path, path.removeprefix("/"), _health_view(answer))
    return blueprint


class WebhookView:
    """Answers the requests to one of the webhook paths."""

    def __init__(
        self, receiver: Receiver, endpoint: Endpoint, path: str, max_bytes: int, deadlines: BodyDeadlines
    ) -> None:
        self.endpoint: Endpoint = endpoint
        self._receiver = receiver
        self._path = path
        self._max_bytes = max_bytes
        self._deadlines = deadlines

    def __call__(self) -> Response:
        """Answer the current request, as a view of Flask."""
        answer, closes = self.answer(request.environ)
        return flask_response(answer, closes=closes)

    def answer(self, environ: dict[str, Any]) -> tuple[WebhookResponse, bool]:
        """Return the answer to a request, and whether its connection has to be closed."""
        body = RequestBody(environ, self._max_bytes, self._deadlines)
        answer = self._receiver.handle(read_request(environ, self.endpoint, self._path), body.read)
        return answer, body.is_unread


def _health_view(answer: Callable[[], WebhookResponse]) -> Callable[[], Response]:
    return lambda: flask_response(answer(), closes=announces_body(request.environ))


def metrics_view(text: Callable[[], WebhookResponse], credentials: Iterable[Credentials]) -> Callable[[], Response]:
    """Return a view for those who have the credentials."""
    auth = BasicAuth(credentials)

    def view() -> Response:
        is_allowed = auth.accepts(request.headers.get("Authorization", ""))
        answer = text() if is_allowed else WebhookResponse.line(401, "the credentials are wrong", CHALLENGE)
        return flask_response(answer, closes=announces_body(request.environ))

    return view


def plain_line(error: HTTPException) -> Response:
    """Answer requests that Flask refuses (an unknown path, a wrong method) with one plain line."""
    response = error.get_response()
    response.data = f"{error.code} {error.name}\n".encode()
    response.content_type = TEXT_TYPE
    response_type = ClosingResponse if announces_body(request.environ) else Response
    return response_type.force_type(response)  # type: ignore[return-value]
