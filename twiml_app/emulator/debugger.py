"""The debugger: what Twilio would complain about, with its number, and what to do about it.

https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from ..errors import CallError
from ..logs import logger
from .clocks import Clock
from .resources import DebuggerEntry, MessageRecord
from .store import Condition, ResourceStore

#: Entries that are kept; the oldest go first.
MAX_ENTRIES = 1000

_RETRIEVAL_FAILURE = 11200
_WARNINGS = frozenset({11240, 11241, 11242, 11243, 12200, 14109, 14110, 14111, *range(14101, 14107), 14108})

_WHAT_TO_DO: Mapping[int, str] = {
    11100: "Give an absolute http or https URL.",
    11200: "The application must answer 2xx: look into its log.",
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
#: What an answer with an error status says of the reason.
_BY_STATUS: Mapping[int, str] = {
    0: "The application must answer within 15 seconds: answer at once, and send what takes longer by REST.",
    401: "Compare the user and the password in the URL with the application's TWIML_CREDENTIALS.",
    403: "Are TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN the same for the application and here? twiml-app explain --last"
    " says it exactly.",
    404: "The application has nothing at this path: twiml-app check shows those that it has.",
    405: "The application does not take this method here.",
}
_NO_CREDENTIALS = "Write the application's credentials into the URL: http://user:password@ and the host."
_FAILED = "The application failed: the reason is in its log."

LoggedT = TypeVar("LoggedT")


def notify(watcher: Callable[[LoggedT], None] | None, logged: LoggedT) -> None:
    """Tell a watcher, if there is one; what it fails at is its own matter."""
    if watcher is None:
        return
    try:
        watcher(logged)
    except Exception:
        logger.exception("who watches the emulator failed")


class Debugger:
    """Keeps what went wrong."""

    def __init__(self, store: ResourceStore, clock: Clock, new_sid: Callable[[str], str]) -> None:
        #: Told of every entry as it is made.
        self.watcher: Callable[[DebuggerEntry], None] | None = None
        self._store = store
        self._clock = clock
        self._new_sid = new_sid

    def add_failure(self, error: CallError, called: str, *, message: MessageRecord) -> DebuggerEntry:
        """Keep that a URL could not be called; ``called`` is it as it was given, credentials and all."""
        advice = _WHAT_TO_DO.get(error.code, "") if error.code != _RETRIEVAL_FAILURE else _advice(error.status, called)
        return self.add(error.code, error.problem, message=message, url=error.url, advice=advice)

    def add(
        self, code: int, problem: str, *, message: MessageRecord, url: str = "", advice: str | None = None
    ) -> DebuggerEntry:
        """Keep an entry of a message; without an ``advice`` it gets that of its code."""
        now = self._clock.now()
        entry = DebuggerEntry(
            sid=self._new_sid("NO"),
            account_sid=message.account_sid,
            date_created=now,
            date_updated=now,
            code=code,
            level="warning" if code in _WARNINGS else "error",
            text=f"{problem.rstrip('.')}. {_WHAT_TO_DO.get(code, '') if advice is None else advice}".strip(),
            message_sid=message.sid,
            url=url,
        )
        self._store.save(entry)
        self._store.keep_newest(DebuggerEntry, MAX_ENTRIES)
        notify(self.watcher, entry)
        return entry

    def entries(self) -> list[DebuggerEntry]:
        """Return the entries, the oldest first."""
        return self._store.find(DebuggerEntry, oldest_first=True)

    def entries_of(self, message_sid: str) -> list[DebuggerEntry]:
        """Return the entries of a message, the oldest first."""
        return self._store.find(DebuggerEntry, Condition("message_sid", "=", message_sid), oldest_first=True)


def _advice(status: int, called: str) -> str:
    """Return what to do about a URL that answered with an error, or not in time."""
    if status == 401 and "@" not in urlsplit(called).netloc:
        return _NO_CREDENTIALS
    return _FAILED if status >= 500 else _BY_STATUS.get(status, _WHAT_TO_DO[_RETRIEVAL_FAILURE])
