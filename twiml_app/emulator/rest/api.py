"""The REST API as a WSGI application: match the path, authenticate the caller, call the view, render the response."""

from __future__ import annotations

import functools
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
from ..faults import Fault
from ..quoting import shown
from ..resources import API_2008, API_2010, Account
from ..twilio_hosts import is_twilio_host
from .access import CHALLENGE, Access, refuse_strange_host, refuse_web_pages
from .api_faults import end_by, hints_about, is_cut_by, refuse_by, take_fault
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
#: Larger bodies are refused: the forms of clients are much smaller.
MAX_BODY_BYTES = 1_000_000
#: Longer paths and messages are cut in the request log.
MAX_LOGGED_PATH = 2000
MAX_LOGGED_MESSAGE = 1000
#: Media can come from anyone: a browser should display them, but run nothing that is in them.
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


class _Request(Request):
    max_content_length = MAX_BODY_BYTES
    max_form_memory_size = MAX_BODY_BYTES


@dataclass(slots=True)
class _Handling:
    """The state of handling one request."""

    request: Request
    path: str
    extension: str
    #: The HTTP method that the client means, and the view that answers it: GET, POST or DELETE.
    verb: str
    method: str
    form: Parameters = field(default_factory=lambda: Parameters({}))
    started: float = field(default_factory=time.perf_counter)
    rule: Rule | None = None
    running: int = 0
    error: ApiError | None = None
    fault: Fault | None = None

    @property
    def format(self) -> str:
        """The extension, or json where the rule has no other format."""
        return "json" if self.rule and self.rule.is_json else self.extension

    @property
    def is_2008(self) -> bool:
        return self.path.startswith(f"/{API_2008}")

    @property
    def is_old(self) -> bool:
        """Whether the path belongs to an API where no extension means XML."""
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
        self._rules = {rule.path: rule for rule in rules}
        self._map = _map_of(tuple(self._rules))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request.

        Raises: ConnectionError, if a fault cuts the connection instead.
        """
        handling = _begin(_Request(environ))
        response = self._respond(handling)
        if not handling.is_control:
            self._log_request(handling, response)
        if handling.fault:
            end_by(handling.fault, self._context.faults)
        return response(environ, start_response)

    def _respond(self, handling: _Handling) -> Response:
        try:
            answer = self._answer(handling)
            response = self._success(handling, answer)
        except ApiError as error:
            handling.error = error
        except Exception:
            logger.exception("the emulator raised an exception at %s %s", handling.request.method, handling.path)
            handling.error = ApiError(20500, "An internal server error has occurred", status=500)
        return self._refusal(handling, handling.error) if handling.error else response

    def _success(self, handling: _Handling, answer: ApiAnswer) -> Response:
        response = self._response(handling, render(answer, handling.format, is_2008=handling.is_2008))
        if isinstance(answer, RawBody):
            response.headers.update(_HARMLESS)
        # A resource that changed in this second may change again within it: the date would be the same.
        if isinstance(answer, OneResource) and 0 < answer.modified < int(self._context.clock.now()):
            response.last_modified = datetime.fromtimestamp(answer.modified, UTC)
        if handling.request.method in _READING and response.status_code == 200:
            response.add_etag()
            response.make_conditional(handling.request)
            response.headers.pop("Date", None)  # the server adds it
        return response

    def _answer(self, handling: _Handling) -> ApiAnswer:
        """Check and match a request, and call its view.

        Raises: ApiError.
        """
        environ = handling.request.environ
        refuse_strange_host(environ.get("HTTP_HOST", ""), environ.get("SERVER_NAME", ""))
        handling.form = _read_form(handling.request)
        handling.rule, values = self._match(handling.path)
        if not (handling.is_control or (handling.rule and handling.rule.is_open)):
            handling.fault = take_fault(self._context, handling.request, handling.form, values)
            refuse_by(handling.fault)
        rule = _allowed(handling)
        if rule.is_open:
            return rule.views[handling.method](**values)
        caller = self._access.authenticate(handling.request.authorization)
        with self._access.slot(CONTROL if handling.is_control else caller.sid) as handling.running:
            return self._view(handling, rule, caller, values)

    def _match(self, path: str) -> tuple[Rule | None, dict[str, Any]]:
        try:
            rule_path, values = self._map.bind("", path_info=path).match()
        except HTTPException:
            return None, {}
        return self._rules[rule_path], dict(values)

    def _view(self, handling: _Handling, rule: Rule, caller: Account, values: dict[str, Any]) -> ApiAnswer:
        sid = values.pop("account_sid", caller.sid)
        is_writing = handling.method in _WRITING and not rule.reaches_inactive
        account = self._access.find_account(caller, sid, handling.request.path, is_writing=is_writing)
        return rule.views[handling.method](self._api_request(handling, caller, account), **values)

    def _api_request(self, handling: _Handling, caller: Account, account: Account) -> ApiRequest:
        return ApiRequest(
            method=handling.method,
            path=handling.path,
            extension=handling.extension,
            version=API_2008 if handling.is_2008 else API_2010,
            query=_parameters(handling.request.args),
            form=handling.form,
            caller=caller,
            account=account,
            base_url=self._base_url(handling.request),
        )

    def _base_url(self, request: Request) -> str:
        """Return the URL that the client asked, such as that of a proxy which plays Twilio's own hosts."""
        host = request.environ.get("HTTP_HOST")
        if not host:
            return self._context.base_url
        # Twilio's own hosts are asked over TLS, which ends at the proxy that plays them.
        is_secure = request.scheme == "https" or is_twilio_host(host.partition(":")[0])
        return f"{'https' if is_secure else 'http'}://{host}"

    def _refusal(self, handling: _Handling, error: ApiError) -> Response:
        extension = handling.format if handling.is_old else "json"
        more_info = self._context.profile.more_info
        rendered = render_error(error, extension, more_info=more_info, is_2008=handling.is_2008)
        response = self._response(handling, rendered)
        if error.status == 401:
            response.headers["WWW-Authenticate"] = CHALLENGE
        if error.status == 405 and handling.rule:
            response.headers["Allow"] = ", ".join(_http_methods(handling.rule))
        if error.status == 503:
            response.headers["Retry-After"] = "1"
        return response

    def _response(self, handling: _Handling, rendered: Rendered) -> Response:
        response = Response(rendered.body, rendered.status, content_type=rendered.content_type or None)
        if not rendered.content_type:
            del response.headers["Content-Type"]
        response.headers["Twilio-Request-Id"] = self._context.new_sid("RQ")
        response.headers["Twilio-Request-Duration"] = f"{time.perf_counter() - handling.started:.3f}"
        if handling.running:
            response.headers["Twilio-Concurrent-Requests"] = str(handling.running)
        if handling.is_control:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _log_request(self, handling: _Handling, response: Response) -> None:
        error = handling.error
        is_xml = handling.is_old and not handling.format
        self._log.add(
            LoggedRequest(
                date=self._context.clock.now(),
                method=shown(handling.request.method),
                path=shown(handling.request.full_path.rstrip("?"), MAX_LOGGED_PATH),
                status=0 if is_cut_by(handling.fault) else response.status_code,
                code=error.code if error else 0,
                message=shown(error.message, MAX_LOGGED_MESSAGE) if error else "",
                hints=(
                    *hints_about(handling.fault),
                    *hints_for(handling.request, handling.form, status=response.status_code, is_xml=is_xml),
                ),
            )
        )


@functools.cache
def _map_of(paths: tuple[str, ...]) -> Map:
    """Return the map of these paths: Werkzeug takes long to build it, and it is the same in every emulator."""
    return Map([WerkzeugRule(path, endpoint=path) for path in paths], strict_slashes=False, merge_slashes=False)


def _begin(request: Request) -> _Handling:
    found = _EXTENSION.fullmatch(request.path)
    path, extension = (found[1], found[2]) if found else (request.path, "")
    verb = _override(request) or request.method
    method = {"PUT": "POST", "HEAD": "GET"}.get(verb, verb)
    return _Handling(request, path, extension, verb, method)


def _override(request: Request) -> str:
    """Return the method that ``_method`` in the query of a POST asks for, or an empty string."""
    wanted = request.args.get("_method", "").upper()
    return wanted if request.method == "POST" and wanted in _OVERRIDES else ""


def _read_form(request: Request) -> Parameters:
    """Return the form in the body.

    Raises: ApiError, for a body that is cut off or too large.
    """
    try:
        if request.environ.get("wsgi.input_terminated"):
            _gather(request)
        return _parameters(request.form)
    except HTTPException as error:
        raise ApiError(20001, f"The body cannot be read: {error.name}", status=error.code or 400) from error
    except (OSError, ValueError) as error:
        raise ApiError(20001, "The body cannot be read: its chunked encoding is invalid") from error


def _gather(request: Request) -> None:
    """Read a chunked body as a whole: otherwise the part up to the size limit would count as complete."""
    body = request.environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    request.environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    for name in ("wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"):
        request.environ.pop(name, None)


def _parameters(values: Any) -> Parameters:
    return Parameters(dict(values.lists()))


def _allowed(handling: _Handling) -> Rule:
    """Return the matched rule, if it supports the method.

    Raises: ApiError.
    """
    rule, headers = handling.rule, handling.request.headers
    if rule is None:
        raise not_found(handling.request.path)
    if handling.verb not in _http_methods(rule):
        raise ApiError(20004, f"Method not allowed: {shown(handling.verb)}", status=405)
    if handling.method in _WRITING:
        refuse_web_pages(headers.get("Origin", ""), headers.get("Host", ""))
    return rule


def _http_methods(rule: Rule) -> list[str]:
    """Return the HTTP methods that a rule supports."""
    verbs = {"GET": _READING, "POST": ("POST",) if rule.refuses_put else ("POST", "PUT"), "DELETE": ("DELETE",)}
    return [verb for method in rule.views for verb in verbs[method]]
