"""The REST API as a WSGI application: finds what answers a path, lets the caller in, and writes the answer."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.routing import Rule as WerkzeugRule
from werkzeug.wrappers import Request, Response

from ...errors import ApiError
from ...logs import logger
from ..context import Context
from ..quoting import shown
from ..resources import API_2008, API_2010, Account
from .access import CHALLENGE, Access, refuse_strange_host, refuse_web_pages
from .hints import hints_for
from .parameters import Parameters
from .rendering import Rendered, render, render_error
from .request import CONTROL, ApiAnswer, ApiRequest, OneResource, RawBody, Rule, not_found
from .request_log import LoggedRequest, RequestLog

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_EXTENSION = re.compile(r"(.*[^/])\.(json|xml|csv)", re.DOTALL)
_READING = ("GET", "HEAD")
_WRITING = ("POST", "DELETE")
_OVERRIDES = ("PUT", "DELETE")
#: More is no form of a client.
MAX_BODY_BYTES = 1_000_000
#: What is kept of a request.
MAX_LOGGED_PATH = 2000
MAX_LOGGED_MESSAGE = 1000
#: Media come from anybody: a browser shall show them, and run nothing.
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


class _Request(Request):
    max_content_length = MAX_BODY_BYTES
    max_form_memory_size = MAX_BODY_BYTES


@dataclass(slots=True)
class _Handling:
    """One request on its way through, and what is known of it so far."""

    request: Request
    path: str
    extension: str
    #: What is meant, in HTTP's words; and what answers it: GET, POST or DELETE.
    verb: str
    method: str
    form: Parameters = field(default_factory=lambda: Parameters({}))
    started: float = field(default_factory=time.perf_counter)
    rule: Rule | None = None
    running: int = 0
    error: ApiError | None = None

    @property
    def format(self) -> str:
        """The extension, or json where there is nothing else."""
        return "json" if self.rule and self.rule.is_json else self.extension

    @property
    def is_2008(self) -> bool:
        return self.path.startswith(f"/{API_2008}")

    @property
    def is_old(self) -> bool:
        """Whether the path is one where no extension means XML."""
        return self.path.startswith((f"/{API_2010}", f"/{API_2008}"))

    @property
    def is_control(self) -> bool:
        return self.path.startswith(f"{CONTROL}/")


class Api:
    """Answers the requests of Twilio's clients."""

    def __init__(self, context: Context, access: Access, log: RequestLog, rules: Iterable[Rule]) -> None:
        self._context = context
        self._access = access
        self._log = log
        self._map = Map(
            [WerkzeugRule(rule.path, endpoint=rule) for rule in rules], strict_slashes=False, merge_slashes=False
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        exchange = _begin(_Request(environ))
        response = self._respond(exchange)
        if not exchange.is_control:
            self._note(exchange, response)
        return response(environ, start_response)

    def _respond(self, exchange: _Handling) -> Response:
        try:
            answer = self._answer(exchange)
            response = self._success(exchange, answer)
        except ApiError as error:
            exchange.error = error
        except Exception:
            logger.exception("the emulator failed at %s %s", exchange.request.method, exchange.path)
            exchange.error = ApiError(20500, "An internal server error has occurred", status=500)
        return self._refusal(exchange, exchange.error) if exchange.error else response

    def _success(self, exchange: _Handling, answer: ApiAnswer) -> Response:
        response = self._response(exchange, render(answer, exchange.format))
        if isinstance(answer, RawBody):
            response.headers.update(_HARMLESS)
        # What was changed in this very second may change in it again, and the date would not tell.
        if isinstance(answer, OneResource) and 0 < answer.modified < int(self._context.clock.now()):
            response.last_modified = datetime.fromtimestamp(answer.modified, UTC)
        if exchange.request.method in _READING and response.status_code == 200:
            response.add_etag()
            response.make_conditional(exchange.request)
        return response

    def _answer(self, exchange: _Handling) -> ApiAnswer:
        """Raises: ApiError."""
        environ = exchange.request.environ
        refuse_strange_host(environ.get("HTTP_HOST", ""), environ.get("SERVER_NAME", ""))
        exchange.form = _read_form(exchange.request)
        exchange.rule, values = self._match(exchange.path)
        if not (exchange.is_control or (exchange.rule and exchange.rule.is_open)):
            self._access.refuse_in_outage()
        rule = _allowed(exchange)
        if rule.is_open:
            return rule.views[exchange.method](**values)
        caller = self._access.authenticate(exchange.request.authorization)
        with self._access.slot(CONTROL if exchange.is_control else caller.sid) as exchange.running:
            return self._view(exchange, rule, caller, values)

    def _match(self, path: str) -> tuple[Rule | None, dict[str, Any]]:
        try:
            rule, values = self._map.bind("", path_info=path).match()
        except HTTPException:
            return None, {}
        return rule, dict(values)

    def _view(self, exchange: _Handling, rule: Rule, caller: Account, values: dict[str, Any]) -> ApiAnswer:
        sid = values.pop("account_sid", caller.sid)
        is_writing = exchange.method in _WRITING and not rule.reaches_inactive
        account = self._access.find_account(caller, sid, exchange.request.path, is_writing=is_writing)
        return rule.views[exchange.method](self._ask(exchange, caller, account), **values)

    def _ask(self, exchange: _Handling, caller: Account, account: Account) -> ApiRequest:
        return ApiRequest(
            method=exchange.method,
            path=exchange.path,
            extension=exchange.extension,
            version=API_2008 if exchange.is_2008 else API_2010,
            query=_parameters(exchange.request.args),
            form=exchange.form,
            caller=caller,
            account=account,
        )

    def _refusal(self, exchange: _Handling, error: ApiError) -> Response:
        extension = exchange.format if exchange.is_old else "json"
        more_info = self._context.profile.more_info
        rendered = render_error(error, extension, more_info=more_info, is_2008=exchange.is_2008)
        response = self._response(exchange, rendered)
        if error.status == 401:
            response.headers["WWW-Authenticate"] = CHALLENGE
        if error.status == 405 and exchange.rule:
            response.headers["Allow"] = ", ".join(_http_methods(exchange.rule))
        if error.status == 503:
            response.headers["Retry-After"] = "1"
        return response

    def _response(self, exchange: _Handling, rendered: Rendered) -> Response:
        response = Response(rendered.body, rendered.status, content_type=rendered.content_type or None)
        if not rendered.content_type:
            del response.headers["Content-Type"]
        response.headers["Twilio-Request-Id"] = self._context.new_sid("RQ")
        response.headers["Twilio-Request-Duration"] = f"{time.perf_counter() - exchange.started:.3f}"
        if exchange.running:
            response.headers["Twilio-Concurrent-Requests"] = str(exchange.running)
        if exchange.is_control:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _note(self, exchange: _Handling, response: Response) -> None:
        error = exchange.error
        is_xml = exchange.is_old and not exchange.format
        self._log.add(
            LoggedRequest(
                date=self._context.clock.now(),
                method=shown(exchange.request.method),
                path=shown(exchange.request.full_path.rstrip("?"), MAX_LOGGED_PATH),
                status=response.status_code,
                code=error.code if error else 0,
                message=shown(error.message, MAX_LOGGED_MESSAGE) if error else "",
                hints=hints_for(exchange.request, exchange.form, status=response.status_code, is_xml=is_xml),
            )
        )


def _begin(request: Request) -> _Handling:
    found = _EXTENSION.fullmatch(request.path)
    path, extension = (found[1], found[2]) if found else (request.path, "")
    verb = _override(request) or request.method
    method = {"PUT": "POST", "HEAD": "GET"}.get(verb, verb)
    return _Handling(request, path, extension, verb, method)


def _override(request: Request) -> str:
    """Return what ``_method`` in the query of a POST says is meant."""
    wanted = request.args.get("_method", "").upper()
    return wanted if request.method == "POST" and wanted in _OVERRIDES else ""


def _read_form(request: Request) -> Parameters:
    """Raises: ApiError, for a body that was cut off or is too large."""
    try:
        if request.environ.get("wsgi.input_terminated"):
            _gather(request)
        return _parameters(request.form)
    except HTTPException as error:
        raise ApiError(20001, f"The body cannot be read: {error.name}", status=error.code or 400) from error
    except (OSError, ValueError) as error:
        raise ApiError(20001, "The body cannot be read: its chunks are not as HTTP has them") from error


def _gather(request: Request) -> None:
    """Put together a body that comes in chunks: what is read of it no further would count as all of it."""
    body = request.environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    request.environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    for name in ("wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"):
        request.environ.pop(name, None)


def _parameters(values: Any) -> Parameters:
    return Parameters(dict(values.lists()))


def _allowed(exchange: _Handling) -> Rule:
    """Return the rule, if it has an answer to what is asked.

    Raises: ApiError.
    """
    rule, headers = exchange.rule, exchange.request.headers
    if rule is None:
        raise not_found(exchange.request.path)
    if exchange.verb not in _http_methods(rule):
        raise ApiError(20004, f"Method not allowed: {shown(exchange.verb)}", status=405)
    if exchange.method in _WRITING:
        refuse_web_pages(headers.get("Origin", ""), headers.get("Host", ""))
    return rule


def _http_methods(rule: Rule) -> list[str]:
    """Return the methods of HTTP that are answered."""
    verbs = {"GET": _READING, "POST": ("POST",) if rule.refuses_put else ("POST", "PUT"), "DELETE": ("DELETE",)}
    return [verb for method in rule.views for verb in verbs[method]]
