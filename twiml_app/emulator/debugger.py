"""The debugger: what Twilio would complain about, with its number, and what to do about it.

https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .clocks import Clock
from .resources import DebuggerEntry, Message
from .store import Condition, Store

#: Entries that are kept; the oldest go first.
MAX_ENTRIES = 1000

_WARNINGS = frozenset({11240, 11241, 11242, 11243, 12200, 14109, 14110, 14111, *range(14101, 14107), 14108})

_WHAT_TO_DO: Mapping[int, str] = {
    11100: "Give an absolute http or https URL.",
    11200: "Look into the application's log: it must answer 2xx within 15 seconds; for a 401 write user:password@ in"
    " the URL.",
    11203: "Answer within the time limit, and do the slow part afterwards.",
    11205: "Is the application running, and does it listen at this address and port?",
    11206: "The application must answer in HTTP; is the port that of another protocol, or is it https?",
    11210: "Correct the host name of the URL.",
    11215: "The URL redirects in a circle: configure the one it ends at.",
    11220: "Does the application speak TLS at this port? For plain HTTP write http://.",
    11235: "Give the application a certificate for the host name of the URL.",
    11236: "Renew the application's certificate.",
    11237: "Give the application a certificate that a public authority has signed, or use http:// on this machine.",
    11240: "Correct the edge after e= in the fragment of the URL.",
    11243: "After rp= may stand 4xx, 5xx, ct, rt and all, with commas between them.",
    11750: "A TwiML document may have 64 kB.",
    12100: "Answer with well-formed XML: build it with MessagingResponse, which escapes what needs it.",
    12101: 'Begin the document with <?xml version="1.0" encoding="UTF-8"?>.',
    12102: "The root of the document must be <Response>.",
    12200: "Check names and attributes against https://www.twilio.com/docs/messaging/twiml, upper case and lower.",
    12300: "Answer TwiML with Content-Type: text/xml, or a plain text with text/plain.",
    14101: "Give the to attribute a number in the form +15558675310.",
    14102: "Give the from attribute a number of yours.",
    14103: "Give a Message a text or media; an Sms a text of up to 160 characters.",
    14104: "The method attribute is GET or POST.",
    14105: "Give statusCallback and action an http or https URL, or a relative one.",
    14106: "Let the chain of Redirects come to an end.",
    14107: "Two programs may be answering each other: stop replying to automatic texts.",
    14108: "Take a number that can send SMS.",
    14109: "Send no more than 10 Messages in one answer.",
    14110: "An answer to a message holds Message and Redirect.",
    14111: "Verify the number, or upgrade the trial account.",
    21610: "The person has sent STOP: nothing may be sent until they send START.",
    21611: "The number's queue is full: send more slowly, or from several numbers.",
    21617: "A text may have 1600 characters: Message(text, split=True) cuts it.",
    21620: "Is the media's URL public, and does its content type fit the bytes?",
}


class Debugger:
    """Keeps what went wrong."""

    def __init__(self, store: Store, clock: Clock, new_sid: Callable[[str], str]) -> None:
        #: Told of every entry as it is made.
        self.watcher: Callable[[DebuggerEntry], None] | None = None
        self._store = store
        self._clock = clock
        self._new_sid = new_sid

    def add(self, code: int, problem: str, *, message: Message, url: str = "") -> DebuggerEntry:
        """Keep an entry of a message."""
        now = self._clock.now()
        entry = DebuggerEntry(
            sid=self._new_sid("NO"),
            account_sid=message.account_sid,
            date_created=now,
            date_updated=now,
            code=code,
            level="warning" if code in _WARNINGS else "error",
            text=f"{problem.rstrip('.')}. {_WHAT_TO_DO.get(code, '')}".strip(),
            message_sid=message.sid,
            url=url,
        )
        self._store.save(entry)
        self._store.keep_newest(DebuggerEntry, MAX_ENTRIES)
        if self.watcher:
            self.watcher(entry)
        return entry

    def entries(self) -> list[DebuggerEntry]:
        """Return the entries, the oldest first."""
        return self._store.find(DebuggerEntry, oldest_first=True)

    def entries_of(self, message_sid: str) -> list[DebuggerEntry]:
        """Return the entries of a message, the oldest first."""
        return self._store.find(DebuggerEntry, Condition("message_sid", "=", message_sid), oldest_first=True)
