"""Every error this package raises, as one tree.

::

    TwimlAppError
    ├── ConfigurationError        a setting is missing or invalid: the application does not start
    ├── RegistrationError         a handler cannot be registered as written
    ├── RequestRefused            a request is answered with 4xx and one plain line
    │   ├── Unauthorized          401, with a challenge
    │   ├── Forbidden             403, wrong signature, account or status token
    │   ├── Gone                  410, a link to a media file has expired
    │   ├── MalformedRequest      400, not a form
    │   └── RequestTooLarge       413
    ├── ReplyError                a handler's return value cannot be sent
    ├── TwimlError                Twilio would not execute this TwiML
    ├── CallError                 a webhook could not be called
    ├── MediaError                a media file cannot be downloaded or served
    ├── RecordingError            a recording cannot be read
    ├── ApiError                  the emulator's REST API refuses a request
    ├── CannotSend                a message that Twilio would not take, or that has no sender
    ├── CannotStore               work or a message was asked for where it cannot be stored
    ├── NotYet                    a piece of work cannot run yet
    ├── AnswerFailed              the handler of a message that was answered later has raised an exception
    ├── UnknownWork               stored work names a function that the code does not have
    ├── StateError                the state of a conversation cannot be stored
    ├── DialogError               a dialog does what dialogs cannot do
    │   ├── NoAnswer              in a dialog: the contact did not answer a question
    │   ├── StepFailed            in a dialog: the function of a step raised an exception
    │   └── DialogElsewhere       this worker lacks the version of the dialog that is open
    └── JournalError              the base of every error of the journal
        ├── StillRunning          another request is still processing the event
        ├── ClaimLost             another process took over the event, or its row was erased
        └── JournalUnavailable    the store cannot be reached or written to in time
            ├── JournalTooNew     a newer release wrote it, and this one cannot read it
            └── OlderReleaseRunning  a process of an older release uses it
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
        #: Where the handlers are defined: ``file:line name``.
        self.places = places


class RequestRefused(TwimlAppError):
    """A request is answered with an error status and one plain line."""

    status = 400

    def __init__(self, line: str, *, reason: str = "") -> None:
        super().__init__(line)
        #: The line that is sent.
        self.line = line
        #: The reason for the log; it is never sent.
        self.reason = reason or line


class Unauthorized(RequestRefused):
    """The basic credentials are missing or wrong."""

    status = 401

    def __init__(self, line: str, *, reason: str = "", is_probe: bool = False) -> None:
        super().__init__(line, reason=reason)
        #: The request that fetches the challenge: Twilio always tries without credentials first.
        self.is_probe = is_probe


class Forbidden(RequestRefused):
    """The signature is wrong, the account is not served here, or a status token is of another message."""

    status = 403


class Gone(RequestRefused):
    """A link to a media file has expired, or its file is no longer there."""

    status = 410


class MalformedRequest(RequestRefused):
    """The request body is not a form."""

    status = 400


class RequestTooLarge(RequestRefused):
    """The request has too many bytes or fields."""

    status = 413


class ReplyError(TwimlAppError):
    """A handler's return value cannot be sent as a reply."""

    def __init__(self, problem: str, *, handler: str) -> None:
        super().__init__(f"{handler} {problem}")
        #: The handler that returned it.
        self.handler = handler


class TwimlError(TwimlAppError):
    """Twilio would not execute a TwiML document."""

    def __init__(self, problem: str, *, code: int = 12200) -> None:
        super().__init__(problem)
        #: The error code in Twilio's debugger, https://www.twilio.com/docs/api/errors
        self.code = code


class CallError(TwimlAppError):
    """A webhook could not be called: no connection, no answer in time, or too many redirects."""

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
        #: The answer, if there was one; otherwise the status is 0.
        self.status = status
        self.content_type = content_type
        self.body = body
        #: The error code in Twilio's debugger, https://www.twilio.com/docs/api/errors
        self.code = code


class MediaError(TwimlAppError):
    """A media file cannot be downloaded, or a local one cannot be served."""

    def __init__(self, problem: str, *, file: str, status: int = 0) -> None:
        super().__init__(f"{file}: {problem}")
        #: The URL of the file, or the path of a local one.
        self.file = file
        self.problem = problem
        #: The HTTP status of the answer; 0 if there was none, or if the file in it was refused.
        self.status = status


class RecordingError(TwimlAppError):
    """A recording cannot be read; the message names the file and the line."""


class ApiError(TwimlAppError):
    """The emulator's REST API refuses a request, with Twilio's error code."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        #: https://www.twilio.com/docs/api/errors
        self.code = code
        self.message = message
        #: The HTTP status.
        self.status = status


class CannotSend(TwimlAppError):
    """A message that Twilio would not take, or that has no sender; the message of the error says what to change."""

    def __init__(self, argument: str, problem: str, *, code: int | None = None) -> None:
        super().__init__(f"{argument} {problem}")
        #: The argument of ``send`` that has to change.
        self.argument = argument
        self.problem = problem
        #: The error code that Twilio would answer with, https://www.twilio.com/docs/api/errors
        self.code = code


class CannotStore(TwimlAppError):
    """Work or a message was asked for where it cannot be stored; the message says why and what to do."""


class StateError(TwimlAppError):
    """A value cannot be kept in a conversation: it is not JSON, or the state is too long."""


class NotYet(TwimlAppError):
    """A piece of work cannot run yet, and is put back; this is not a failed attempt."""

    def __init__(self, problem: str, *, wait_s: float) -> None:
        super().__init__(problem)
        #: When it is tried again, in seconds from now.
        self.wait_s = wait_s


class AnswerFailed(TwimlAppError):
    """The handler of a message that was answered later has raised an exception, which was reported."""


class UnknownWork(TwimlAppError):
    """Stored work names a function that the code does not have; it is tried again when the code is deployed."""

    def __init__(self, function: str, problem: str) -> None:
        super().__init__(f"{function} cannot be found: {problem}. Deploy the code that has it, or retry the work then")
        #: The name of the function: ``module:name``.
        self.function = function


class DialogError(TwimlAppError):
    """A dialog does what dialogs cannot do; the message says what to write instead."""


class NoAnswer(DialogError):
    """In a dialog: too many texts in a row did not answer the question."""


class StepFailed(DialogError):
    """In a dialog: the function of a step raised an exception, which is stored as a text."""


class DialogElsewhere(DialogError):
    """This worker lacks the version of the open dialog, and leaves the message to a worker that has it."""


class JournalError(TwimlAppError):
    """The base of every error of the journal."""


class JournalUnavailable(JournalError):
    """The store cannot be reached or written to; the cause is chained."""


class StillRunning(JournalError):
    """Another request is still processing the event, for longer than Twilio waits."""


class ClaimLost(JournalError):
    """Another process took over the event, or its row was erased: this answer must not be sent."""


class JournalTooNew(JournalUnavailable):
    """A newer release wrote the journal, and this release cannot read it."""


class OlderReleaseRunning(JournalUnavailable):
    """A process of an older release uses the journal, and would run handlers that this release is running."""
