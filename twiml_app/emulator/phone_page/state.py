"""The page itself, its files, and the state that it begins with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ...segments import MAX_UNITS, segment
from ..context import Context
from ..media import DEFAULT_LIMITS
from ..resources import DELIVERY_OUTCOMES
from .documents import BASE, PICTURES, Documents, error_codes, fault_kinds
from .events import EventLog
from .exchange import Document, PageAnswer, PageRequest, PageRule, answer, refusal

if TYPE_CHECKING:
    from jinja2 import Template

TITLE = "twiml_app phone"
#: The phone that texts first; it is fictitious.
DEFAULT_CONTACT = "+15558675310"
#: How long Twilio waits for an answer, https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
ANSWER_MS = 15_000
#: The longest time by which a text can be late.
MAX_LATE_S = 86_400
#: How many messages a page shows at first.
PAGE = 50

_FILE = re.compile(r"[a-z0-9_-]{1,40}\.(css|js|svg|png|ico)")
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
}


class State:
    """Serves the page and its state; ``program_state`` returns what the state says of the program."""

    def __init__(
        self, context: Context, documents: Documents, events: EventLog, program_state: Callable[[], Document]
    ) -> None:
        self._context = context
        self._documents = documents
        self._events = events
        self._program_state = program_state

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path="/", views={"GET": self.page})
        yield PageRule(path=f"{BASE}/static/<name>", views={"GET": self.file})
        yield PageRule(path=f"{BASE}/state", views={"GET": self.state})
        yield PageRule(path=f"{BASE}/segments", views={"POST": self.segments})

    def page(self, request: PageRequest) -> PageAnswer:
        """Return the page."""
        html = _template().render(title=TITLE, state=self._state())
        return PageAnswer(content=html.encode(), content_type="text/html; charset=utf-8")

    def file(self, request: PageRequest, name: str) -> PageAnswer:
        """Return a script, a style sheet or an image of the page.

        Raises: ApiError.
        """
        found = _FILE.fullmatch(name)
        path = files(__package__).joinpath("static", name)
        if not found or not path.is_file():
            raise refusal("there is no such file", 404)
        return PageAnswer(content=path.read_bytes(), content_type=_TYPES[found[1]])

    def state(self, request: PageRequest) -> PageAnswer:
        """Return the state."""
        return answer(self._state())

    def segments(self, request: PageRequest) -> PageAnswer:
        """Return how a text is split into segments."""
        found = segment(request.text("body"))
        return answer({"encoding": found.encoding, "segments": found.count, "units": found.units})

    def _state(self) -> Document:
        documents, context = self._documents, self._context
        return {
            "event": self._events.last,
            "title": TITLE,
            "account_sid": documents.account_sid(),
            "url": context.base_url,
            "clock": documents.clock(),
            "numbers": documents.numbers(),
            "default_contact": DEFAULT_CONTACT,
            "phones": documents.phones(),
            "faults": documents.faults(),
            "fault_kinds": fault_kinds(),
            "outcomes": list(DELIVERY_OUTCOMES),
            "error_codes": error_codes(),
            **self._program_state(),
            "limits": {
                "body": MAX_UNITS,
                "media_bytes": DEFAULT_LIMITS.max_bytes,
                "media_count": DEFAULT_LIMITS.max_count,
                "answer_ms": ANSWER_MS,
                "page": PAGE,
                "late_s": MAX_LATE_S,
            },
            "media_types": list(PICTURES),
        }


@cache
def _template() -> Template:
    from jinja2 import Environment

    text = files(__package__).joinpath("templates", "page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, auto_reload=False).from_string(text)
