"""Every error this package raises, as one tree.

::

    TwimlAppError
    ├── ConfigurationError        a setting that is missing or wrong: the application does not start
    ├── RegistrationError         a handler that cannot be registered as it is written
    ├── RequestRefused            a request answered with 4xx and one plain line
    │   ├── Unauthorized          401, with a challenge
    │   ├── Forbidden             403, a signature or an account that is not ours
    │   ├── MalformedRequest      400, not a form
    │   └── RequestTooLarge       413
    ├── ReplyError                what a handler returned cannot be sent
    ├── TwimlError                TwiML that Twilio would not execute
    ├── CallError                 a webhook that could not be called
    ├── RecordingError            a recording that cannot be read
    ├── ApiError                  a request that the emulator's REST API refuses
    └── JournalError              the durable side
        ├── StillRunning          another request is at the same event, for longer than Twilio waits
        ├── ClaimLost             another process has taken an event over, or its row was erased
        └── JournalUnavailable    it cannot be reached
            └── JournalTooNew     it was written by a release that this one cannot follow
"""

from __future__ import annotations


class TwimlAppError(Exception):
    """The base of every error raised by this package."""


class ConfigurationError(TwimlAppError):
    """A setting is missing or has a value that cannot be used."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        #: The name of the setting, as it is written in the environment.
        self.setting = setting
        self.problem = problem


class RegistrationError(TwimlAppError):
    """A handler cannot be registered; the message names the places in the source."""

    def __init__(self, problem: str, *places: str) -> None:
        super().__init__(problem + "".join(f"\n  at {place}" for place in places))
        #: Where the handlers concerned stand: ``file:line name``.
        self.places = places


class RequestRefused(TwimlAppError):
    """A request is answered with an error status and one plain line."""

    status = 400

    def __init__(self, line: str, *, reason: str = "") -> None:
        super().__init__(line)
        #: What the sender is told.
        self.line = line
        #: What the log is told: never sent.
        self.reason = reason or line


class Unauthorized(RequestRefused):
    """The basic credentials are missing or wrong."""

    status = 401

    def __init__(self, line: str, *, reason: str = "", is_probe: bool = False) -> None:
        super().__init__(line, reason=reason)
        #: The first request of a challenge: Twilio always asks without credentials first.
        self.is_probe = is_probe


class Forbidden(RequestRefused):
    """The signature or the account is not one that is served."""

    status = 403


class MalformedRequest(RequestRefused):
    """The request does not carry a form."""

    status = 400


class RequestTooLarge(RequestRefused):
    """The request has more bytes or more fields than are read."""

    status = 413


class ReplyError(TwimlAppError):
    """What a handler returned cannot be sent as a reply."""

    def __init__(self, problem: str, *, handler: str) -> None:
        super().__init__(f"{handler} {problem}")
        #: The handler that returned it.
        self.handler = handler


class TwimlError(TwimlAppError):
    """A TwiML document that Twilio would not execute as it stands."""

    def __init__(self, problem: str, *, code: int = 12200) -> None:
        super().__init__(problem)
        #: The number under which Twilio's debugger would list it, https://www.twilio.com/docs/api/errors
        self.code = code


class CallError(TwimlAppError):
    """A webhook could not be called: no connection, no answer in time, or no end of redirects."""

    def __init__(
        self,
        problem: str,
        *,
        url: str,
        code: int = 11200,
        status: int = 0,
        content_type: str = "",
        body: bytes = b"",
    ) -> None:
        super().__init__(f"{url}: {problem}")
        self.url = url
        self.problem = problem
        #: The answer, where there was one; its status is 0 where there was none.
        self.status = status
        self.content_type = content_type
        self.body = body
        #: The number under which Twilio's debugger would list it, https://www.twilio.com/docs/api/errors
        self.code = code


class RecordingError(TwimlAppError):
    """A recording cannot be read; the message names file and line."""


class ApiError(TwimlAppError):
    """The emulator's REST API refuses a request, with Twilio's number for the reason."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        #: https://www.twilio.com/docs/api/errors
        self.code = code
        self.message = message
        #: The HTTP status.
        self.status = status


class JournalError(TwimlAppError):
    """Something is wrong with the journal."""


class JournalUnavailable(JournalError):
    """The store cannot be reached or written to; the cause is chained."""


class StillRunning(JournalError):
    """Another request is at the same event, for longer than Twilio waits."""


class ClaimLost(JournalError):
    """Another process has taken an event over, or its row was erased: this answer is not the one that counts."""


class JournalTooNew(JournalUnavailable):
    """The journal was written by a release that this one cannot follow."""
