"""Events for pages: as server-sent events that end after some seconds, or as a document."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

from ..webhook_log import LoggedWebhook
from .conversations import Conversations, Pair
from .documents import BASE, Documents, entry_document
from .events import Event, EventLog
from .exchange import Document, PageAnswer, PageRequest, PageRule, answer, refusal

#: How many pages can be connected, each of which holds a thread.
MAX_STREAMS = 20
#: A stream ends by itself after so many seconds, and the browser resumes it.
STREAM_S = 20.0
#: How often something is written, so that a closed page is noticed.
_BEAT_S = 2.0
_RETRY = b"retry: 500\n\n"


class Feed:
    """Gives events to pages, each with what it is about as it is now."""

    def __init__(self, events: EventLog, conversations: Conversations, documents: Documents) -> None:
        self._events = events
        self._conversations = conversations
        self._documents = documents
        self._free = threading.BoundedSemaphore(MAX_STREAMS)

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/events", views={"GET": self.stream})
        yield PageRule(path=f"{BASE}/poll", views={"GET": self.poll})

    def stream(self, request: PageRequest) -> PageAnswer:
        """Return the events as they happen.

        Raises: ApiError, if too many pages are connected.
        """
        after = self._after(request)
        if not self._free.acquire(blocking=False):
            raise refusal(f"{MAX_STREAMS} pages are connected already: use {BASE}/poll", 503)
        return PageAnswer(
            content_type="text/event-stream",
            headers=(("X-Accel-Buffering", "no"),),
            stream=_Stream(self._lines(after), self._free),
        )

    def poll(self, request: PageRequest) -> PageAnswer:
        """Return the events that have happened."""
        after = self._after(request)
        found = self._events.after(after)
        return answer({"events": [*self._described(found)], "last": found[-1].n if found else after})

    def _after(self, request: PageRequest) -> int:
        """Return the number of the last event that a page has.

        Raises: ApiError.
        """
        if request.last_event.isdecimal():
            return int(request.last_event[:20])
        return int(request.number("after", self._events.last, most=1e15))

    def _lines(self, n: int) -> Iterator[bytes]:
        end = time.monotonic() + STREAM_S
        yield _RETRY
        while (left := end - time.monotonic()) > 0 and not self._events.is_stopped:
            if not self._events.wait(n, min(left, _BEAT_S)):
                yield b": \n\n"
                continue
            found = self._events.after(n)
            for document in self._described(found):
                yield f"id: {document['n']}\ndata: {json.dumps(document)}\n\n".encode()
            n = found[-1].n if found else n

    def _described(self, events: list[Event]) -> Iterator[Document]:
        for event in events:
            yield {"n": event.n, **self._describe(event)}

    def _describe(self, event: Event) -> Document:
        """Return the document of an event, with the current state of what it is about."""
        if event.kind == "message":
            return self._message(event.sid)
        if event.kind == "webhook":
            return {"kind": "webhook", **self._pair(event.data["message_sid"]), **_short(event.data["logged"])}
        if event.kind == "debugger":
            return self._entry(event.sid)
        if event.kind == "phone":
            return {"kind": "phone", "phone": self._documents.phone(event.sid)}
        current = {"clock": self._documents.clock, "faults": self._documents.faults, "numbers": self._documents.numbers}
        if event.kind in current:
            return {"kind": event.kind, event.kind: current[event.kind]()}
        return {"kind": event.kind, **event.data}

    def _message(self, sid: str) -> Document:
        placed = self._conversations.find(sid)
        if placed is None:
            return {"kind": "deleted", "sid": sid}
        document = self._documents.message(placed)
        is_opted_out = self._documents.is_opted_out(Pair.of(placed.message))
        pair = {"contact": document["contact"], "number": document["number"]}
        return {"kind": "message", **pair, "message": document, "is_opted_out": is_opted_out}

    def _entry(self, sid: str) -> Document:
        entry = self._documents.find_entry(sid)
        if entry is None:  # the oldest ones are deleted
            return {"kind": "debugger", **self._pair(""), "entry": None}
        return {"kind": "debugger", **self._pair(entry.message_sid), "entry": entry_document(entry)}

    def _pair(self, sid: str) -> Document:
        placed = self._conversations.find(sid)
        pair = Pair.of(placed.message) if placed else Pair("", "")
        return {"contact": pair.contact, "number": pair.number, "sid": sid}


class _Stream:
    """The lines of a stream; closing it makes room for another one."""

    def __init__(self, lines: Iterator[bytes], free: threading.BoundedSemaphore) -> None:
        self._lines = lines
        self._free: threading.BoundedSemaphore | None = free

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        """Make room for another stream."""
        free, self._free = self._free, None
        if free:
            free.release()


def _short(logged: LoggedWebhook) -> Document:
    return {
        "status": logged.status,
        "milliseconds": logged.milliseconds,
        "problem": logged.problem,
        "handler": logged.response_headers.get("X-Twiml-Handler", ""),
    }
