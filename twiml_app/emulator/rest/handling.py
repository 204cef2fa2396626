"""What a client asks with an HTTP request to the REST API: path, format, method and form."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from ...errors import ApiError
from ..faults import Fault
from ..quoting import shown
from ..resources import API_2008, API_2010
from .access import refuse_web_pages
from .parameters import Parameters
from .request import CONTROL, Rule, not_found

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_EXTENSION = re.compile(r"(.*[^/])\.(json|xml|csv)", re.DOTALL)
_READING = ("GET", "HEAD")
_WRITING = ("POST", "DELETE")
_OVERRIDES = ("PUT", "DELETE")
#: Larger bodies are refused: the forms of clients are much smaller.
MAX_BODY_BYTES = 1_000_000


class _Request(Request):
    max_content_length = MAX_BODY_BYTES
    max_form_memory_size = MAX_BODY_BYTES


@dataclass(slots=True)
class Handling:
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
    def is_reading(self) -> bool:
        """Whether the HTTP method promises to change nothing."""
        return self.request.method in _READING

    @property
    def is_writing(self) -> bool:
        """Whether the view changes something."""
        return self.method in _WRITING

    @property
    def is_2008(self) -> bool:
        """Whether the path belongs to the API of 2008."""
        return self.path.startswith(f"/{API_2008}")

    @property
    def is_old(self) -> bool:
        """Whether the path belongs to an API where no extension means XML."""
        return self.path.startswith((f"/{API_2010}", f"/{API_2008}"))

    @property
    def is_control(self) -> bool:
        """Whether the path belongs to the emulator's own API, which Twilio lacks."""
        return self.path.startswith(f"{CONTROL}/")


def begin(environ: WSGIEnvironment) -> Handling:
    """Return the state of handling a request; its body has not been read."""
    request = _Request(environ)
    found = _EXTENSION.fullmatch(request.path)
    path, extension = (found[1], found[2]) if found else (request.path, "")
    verb = _override(request) or request.method
    method = {"PUT": "POST", "HEAD": "GET"}.get(verb, verb)
    return Handling(request, path, extension, verb, method)


def _override(request: Request) -> str:
    """Return the method that ``_method`` in the query of a POST asks for, or an empty string."""
    wanted = request.args.get("_method", "").upper()
    return wanted if request.method == "POST" and wanted in _OVERRIDES else ""


def read_form(request: Request) -> Parameters:
    """Return the form in the body.

    Raises: ApiError, for a body that is cut off or too large.
    """
    try:
        if request.environ.get("wsgi.input_terminated"):
            _gather(request)
        return parameters_of(request.form)
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


def parameters_of(values: Any) -> Parameters:
    """Return the parameters in a form or a query."""
    return Parameters(dict(values.lists()))


def allowed_rule(handling: Handling) -> Rule:
    """Return the matched rule, if it supports the method.

    Raises: ApiError.
    """
    rule, headers = handling.rule, handling.request.headers
    if rule is None:
        raise not_found(handling.request.path)
    if handling.verb not in http_methods(rule):
        raise ApiError(20004, f"Method not allowed: {shown(handling.verb)}", status=405)
    if handling.is_writing:
        refuse_web_pages(headers.get("Origin", ""), headers.get("Host", ""))
    return rule


def http_methods(rule: Rule) -> list[str]:
    """Return the HTTP methods that a rule supports."""
    verbs = {"GET": _READING, "POST": ("POST",) if rule.refuses_put else ("POST", "PUT"), "DELETE": ("DELETE",)}
    return [verb for method in rule.views for verb in verbs[method]]
