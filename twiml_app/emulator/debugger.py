"""The debugger: errors and warnings that Twilio would report, with their codes and advice on how to fix them.

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

#: How many entries are kept; the oldest are deleted first.
MAX_ENTRIES = 1000

_RETRIEVAL_FAILURE = 11200
_WARNINGS = frozenset({11240, 11241, 11242, 11243, 12200, 14109, 14110, 14111, *range(14101, 14107), 14108})

_WHAT_TO_DO: Mapping[int, str] = {
    11100: "Use an absolute http or https URL.",
    11200: "The application must answer with a 2xx status: see its log.",
    11203: "Answer within the time limit, and do the slow part afterwards.",
    11205: "Is the application running, and does it listen on this address and port?",
    11206: "The application must speak HTTP: does the port belong to another protocol, or does it need https?",
    11210: "Correct the host name of the URL.",
    11215: "The URL redirects in a loop: configure a URL that answers.",
    11220: "Does the application speak TLS on this port? For plain HTTP, use http://.",
    11235: "Give the application a certificate for the host name of the URL.",
    11236: "Renew the application's certificate.",
    11237: "Give the application a certificate that a public authority has signed, or use http:// on this machine.",
    11240: "Correct the edge after e= in the fragment of the URL.",
    11243: "rp= accepts 4xx, 5xx, ct, rt and all, separated by commas.",
    11750: "A TwiML document can have at most 64 kB.",
    12100: "Answer with well-formed XML: build it with MessagingResponse, which escapes special characters.",
    12101: 'Begin the document with <?xml version="1.0" encoding="UTF-8"?>.',
    12102: "The root of the document must be <Response>.",
    12200: "Compare the names of elements and attributes, including their case, with"
    " https://www.twilio.com/docs/messaging/twiml.",
    12300: "Send TwiML with Content-Type: text/xml, or plain text with text/plain.",
    14101: "Set the to attribute to a number such as +15558675310.",
    14102: "Set the from attribute to one of your numbers.",
    14103: "A Message needs text or media; an Sms needs text of at most 160 characters.",
    14104: "The method attribute must be GET or POST.",
    14105: "statusCallback and action must be http or https URLs, absolute or relative.",
    14106: "Make sure that the chain of Redirects ends.",
    14107: "Two programs may be replying to each other: stop replying to automatic messages.",
    14108: "Use a number that can send SMS.",
    14109: "Send at most 10 Messages in one answer.",
    14110: "An answer to a message can contain Message and Redirect.",
    14111: "Verify the number, or upgrade the trial account.",
    21610: "The contact has sent STOP: they can be sent messages again once they send START.",
    21611: "The number's queue is full: send more slowly, or from several numbers.",
    21617: "A message can have at most 1600 characters: Message(text, split=True) splits a longer text.",
    21620: "Is the media URL public, and does its content type match the file?",
}
#: Advice for an HTTP error status; 0 is a timeout.
_BY_STATUS: Mapping[int, str] = {
    0: "The application must answer within 15 seconds: answer at once, and send slow results through the REST API.",
    401: "Compare the user and the password in the URL with the application's TWIML_CREDENTIALS.",
    403: "Do the application and the emulator have the same TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN? For details, run"
    " twiml-app explain --last.",
    404: "The application has no route at this path: twiml-app check lists its paths.",
    405: "The application does not accept this method at this path.",
}
_NO_CREDENTIALS = "Add the application's credentials to the URL: http://user:password@host."
_FAILED = "The application failed: the reason is in its log."

LoggedT = TypeVar("LoggedT")


def what_to_do(code: int) -> str:
    """Return the advice for an error code; empty if there is none."""
    return _WHAT_TO_DO.get(code, "")


def notify(watcher: Callable[[LoggedT], None] | None, logged: LoggedT) -> None:
    """Call the watcher, if there is one; an exception in it is logged."""
    if watcher is None:
        return
    try:
        watcher(logged)
    except Exception:
        logger.exception("a watcher of the emulator raised an exception")


class Debugger:
    """Records errors and warnings."""

    def __init__(self, store: ResourceStore, clock: Clock, new_sid: Callable[[str], str]) -> None:
        #: Called with every new entry.
        self.watcher: Callable[[DebuggerEntry], None] | None = None
        #: Posts every new entry to the webhook of the debugger.
        self.alert: Callable[[DebuggerEntry], None] | None = None
        self._store = store
        self._clock = clock
        self._new_sid = new_sid

    def add_failure(self, error: CallError, called: str, *, message: MessageRecord) -> DebuggerEntry:
        """Add an entry for a failed call of a URL; ``called`` is the configured URL, including credentials."""
        advice = _WHAT_TO_DO.get(error.code, "") if error.code != _RETRIEVAL_FAILURE else _advice(error.status, called)
        return self.add(error.code, error.problem, message=message, url=error.url, advice=advice)

    def add(
        self, code: int, problem: str, *, message: MessageRecord, url: str = "", advice: str | None = None
    ) -> DebuggerEntry:
        """Add an entry for a message; the default advice is that for the error code."""
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
        notify(self.alert, entry)
        return entry

    def entries(self) -> list[DebuggerEntry]:
        """Return the entries, oldest first."""
        return self._store.find(DebuggerEntry, oldest_first=True)

    def entries_of(self, message_sid: str) -> list[DebuggerEntry]:
        """Return the entries of a message, oldest first."""
        return self._store.find(DebuggerEntry, Condition("message_sid", "=", message_sid), oldest_first=True)


def _advice(status: int, called: str) -> str:
    """Return the advice for a URL that answered with an error status, or too late."""
    if status == 401 and "@" not in urlsplit(called).netloc:
        return _NO_CREDENTIALS
    return _FAILED if status >= 500 else _BY_STATUS.get(status, _WHAT_TO_DO[_RETRIEVAL_FAILURE])
