"""The phone page as a WSGI application in front of the REST API: check the request, call the view, send the answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from ...errors import ApiError, ConfigurationError
from ...logs import logger
from .documents import BASE
from .exchange import PageAnswer, PageRule, refusal
from .reading import RawRequest, read_request
from .security import HEADERS, is_loopback, refuse_strangers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: How many requests to the page run at the same time, apart from streams: a text waits for the program's answer.
MAX_REQUESTS = 50


class PhonePage:
    """Answers the requests of the page, and passes all others on to the REST API."""

    def __init__(self, host: str, api: WSGIApplication, rules: Iterable[PageRule]) -> None:
        self._host = host
        self._api = api
        self._map = Map([Rule(rule.path, endpoint=rule, methods=[*rule.views]) for rule in rules], merge_slashes=False)
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ.get("PATH_INFO", "")
        if path != "/" and not path.startswith(f"{BASE}/"):
            return self._api(environ, start_response)
        return self._response(self._answer(RawRequest(environ)))(environ, start_response)

    def _answer(self, raw: RawRequest) -> PageAnswer:
        if not self._free.acquire(blocking=False):
            return _refused(refusal("too many requests to the page at the same time", 503))
        try:
            return self._view(raw)
        except ApiError as error:
            return _refused(error)
        except ConfigurationError as error:
            return _refused(refusal(str(error), 409))
        except Exception:
            logger.exception("the phone page raised an exception at %s %s", raw.method, raw.path)
            return _refused(refusal("the emulator failed: its log says why", 500))
        finally:
            self._free.release()

    def _view(self, raw: RawRequest) -> PageAnswer:
        """Check a request, and call its view.

        Raises: ApiError; ConfigurationError.
        """
        if not is_loopback(self._host):
            raise refusal("the phone page is only served on this machine: start the emulator on 127.0.0.1", 403)
        is_writing = raw.method not in ("GET", "HEAD")
        refuse_strangers(dict(raw.headers), scheme=raw.scheme, is_writing=is_writing, is_page=raw.path == "/")
        rule, values = self._match(raw)
        view = rule.views["GET" if raw.method == "HEAD" else raw.method]
        return view(read_request(raw), **values)

    def _match(self, raw: RawRequest) -> tuple[PageRule, dict[str, Any]]:
        """Return the rule of a path, and the values in it.

        Raises: ApiError.
        """
        try:
            rule, values = self._map.bind("", path_info=raw.path).match(method=raw.method)
        except MethodNotAllowed as error:
            raise refusal("this method is not allowed here", 405) from error
        except HTTPException as error:
            raise refusal("there is no such page", 404) from error
        return rule, dict(values)

    def _response(self, answer: PageAnswer) -> Response:
        if answer.stream is not None:
            response = Response(answer.stream, answer.status, content_type=answer.content_type)
        else:
            content = answer.content if answer.document is None else json.dumps(answer.document).encode()
            response = Response(content, answer.status, content_type=answer.content_type)
        response.headers.update(HEADERS)
        response.headers.update(answer.headers)
        return response


def _refused(error: ApiError) -> PageAnswer:
    return PageAnswer(document={"error": error.message}, status=error.status)
