"""The REST API as a WSGI application: match the path, authenticate the caller, call the view, render the response."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
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
from ..twilio_hosts import is_twilio_host
from .access import CHALLENGE, Access, refuse_strange_host
from .api_faults import end_by, hints_about, is_cut_by, refuse_by, take_fault
from .handling import Handling, allowed_rule, begin, http_methods, parameters_of, read_form
from .hints import hints_for
from .rendering import Rendered, render, render_error
from .request import CONTROL, ApiAnswer, ApiRequest, OneResource, RawBody, Rule
from .request_log import LoggedRequest, RequestLog

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Longer paths and messages are cut in the request log.
MAX_LOGGED_PATH = 2000
MAX_LOGGED_MESSAGE = 1000
#: Media can come from anyone: a browser should display them, but run nothing that is in them.
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


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
        handling = begin(environ)
        response = self._respond(handling)
        if not handling.is_control:
            self._log_request(handling, response)
        if handling.fault:
            end_by(handling.fault, self._context.faults)
        return response(environ, start_response)

    def _respond(self, handling: Handling) -> Response:
        try:
            answer = self._answer(handling)
            response = self._success(handling, answer)
        except ApiError as error:
            handling.error = error
        except Exception:
            logger.exception("the emulator raised an exception at %s %s", handling.request.method, handling.path)
            handling.error = ApiError(20500, "An internal server error has occurred", status=500)
        return self._refusal(handling, handling.error) if handling.error else response

    def _success(self, handling: Handling, answer: ApiAnswer) -> Response:
        response = self._response(handling, render(answer, handling.format, is_2008=handling.is_2008))
        if isinstance(answer, RawBody):
            response.headers.update(_HARMLESS)
        # A resource that changed in this second may change again within it: the date would be the same.
        if isinstance(answer, OneResource) and 0 < answer.modified < int(self._context.clock.now()):
            response.last_modified = datetime.fromtimestamp(answer.modified, UTC)
        if handling.is_reading and response.status_code == 200:
            response.add_etag()
            response.make_conditional(handling.request)
            response.headers.pop("Date", None)  # the server adds it
        return response

    def _answer(self, handling: Handling) -> ApiAnswer:
        """Check and match a request, and call its view.

        Raises: ApiError.
        """
        environ = handling.request.environ
        refuse_strange_host(environ.get("HTTP_HOST", ""), environ.get("SERVER_NAME", ""))
        handling.form = read_form(handling.request)
        handling.rule, values = self._match(handling.path)
        if not (handling.is_control or (handling.rule and handling.rule.is_open)):
            handling.fault = take_fault(self._context, handling.request, handling.form, values)
            refuse_by(handling.fault)
        rule = allowed_rule(handling)
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

    def _view(self, handling: Handling, rule: Rule, caller: Account, values: dict[str, Any]) -> ApiAnswer:
        sid = values.pop("account_sid", caller.sid)
        is_writing = handling.is_writing and not rule.reaches_inactive
        account = self._access.find_account(caller, sid, handling.request.path, is_writing=is_writing)
        return rule.views[handling.method](self._api_request(handling, caller, account), **values)

    def _api_request(self, handling: Handling, caller: Account, account: Account) -> ApiRequest:
        return ApiRequest(
            method=handling.method,
            path=handling.path,
            extension=handling.extension,
            version=API_2008 if handling.is_2008 else API_2010,
            query=parameters_of(handling.request.args),
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

    def _refusal(self, handling: Handling, error: ApiError) -> Response:
        extension = handling.format if handling.is_old else "json"
        more_info = self._context.profile.more_info
        rendered = render_error(error, extension, more_info=more_info, is_2008=handling.is_2008)
        response = self._response(handling, rendered)
        if error.status == 401:
            response.headers["WWW-Authenticate"] = CHALLENGE
        if error.status == 405 and handling.rule:
            response.headers["Allow"] = ", ".join(http_methods(handling.rule))
        if error.status == 503:
            response.headers["Retry-After"] = "1"
        return response

    def _response(self, handling: Handling, rendered: Rendered) -> Response:
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

    def _log_request(self, handling: Handling, response: Response) -> None:
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
