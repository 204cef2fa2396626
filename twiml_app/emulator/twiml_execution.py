"""Ask the program for TwiML and execute it: Messages, Redirects, and the fallback URL after a failure.

https://www.twilio.com/docs/messaging/twiml
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..caller import Call, Session, Webhook, resolve, without_userinfo
from ..errors import CallError, TwimlError
from ..webhook import Form
from .debugger import Debugger
from .replying import Replying
from .resources import MessageRecord
from .twiml_reader import Document, RedirectStep, SendStep, read_answer
from .webhooks import Webhooks

#: How many documents are executed for one message, before 14106.
MAX_DOCUMENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The URL to call for an inbound message, and the fallback URL to call if it fails."""

    url: str
    method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"


@dataclass(frozen=True, slots=True)
class _Failure:
    """A document that could not be fetched or read."""

    code: int
    url: str


@dataclass(slots=True)
class _Action:
    """The handling of one inbound message: its HTTP session and the replies so far."""

    inbound: MessageRecord
    form: Form
    session: Session = field(default_factory=Session)
    replies: list[MessageRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Next:
    """The document to execute next."""

    url: str
    method: str
    extra: tuple[tuple[str, str], ...] = ()


class TwimlExecution:
    """Fetches TwiML from URLs and executes it."""

    def __init__(self, webhooks: Webhooks, debugger: Debugger, replying: Replying, *, action_transfers: bool) -> None:
        self._webhooks = webhooks
        self._debugger = debugger
        self._replying = replying
        self._action_transfers = action_transfers

    def answer(self, inbound: MessageRecord, route: Route) -> tuple[MessageRecord, ...]:
        """Execute the program's answer to a message; returns the replies in the order of the documents."""
        action = _Action(inbound, self._webhooks.inbound_form(inbound))
        failure = self._follow(action, _Next(route.url, route.method))
        if failure and route.fallback_url:
            error = (("ErrorCode", str(failure.code)), ("ErrorUrl", failure.url))
            self._follow(action, _Next(route.fallback_url, route.fallback_method, error))
        return tuple(action.replies)

    def ask_again(self, inbound: MessageRecord, route: Route) -> Call:
        """Call the URL for a message once more, as if the network had doubled the request; nothing is executed.

        Raises: CallError.
        """
        webhook = Webhook(url=route.url, method=route.method)
        return self._webhooks.call(webhook, self._webhooks.inbound_form(inbound), message=inbound, session=Session())

    def _follow(self, action: _Action, start: _Next) -> _Failure | None:
        """Execute a document and those it redirects to; a failure is reported in the debugger and returned."""
        step: _Next | None = start
        for _ in range(MAX_DOCUMENTS):
            if step is None:
                return None
            try:
                base, document = self._fetch(action, step)
            except (CallError, TwimlError) as error:
                return self._failed(action, step.url, error)
            # The replies of a document are sent even if a later document fails.
            begun = len(action.replies)
            step = self._execute(action, document, base)
            self._replying.begin(action.replies[begun:])
        if step:
            url = without_userinfo(step.url)
            self._debugger.add(14106, f"more than {MAX_DOCUMENTS} documents", message=action.inbound, url=url)
        return None

    def _fetch(self, action: _Action, step: _Next) -> tuple[str, Document]:
        """Return the URL that answered, with its credentials, and the document.

        Raises: CallError; TwimlError.
        """
        form = Form((dict(action.form.pairs) | dict(step.extra)).items())
        webhook = Webhook(url=step.url, method=step.method)
        call = self._webhooks.call(webhook, form, message=action.inbound, session=action.session)
        document = read_answer(call.response.body, call.response.content_type, call.response.status)
        return resolve(step.url, call.url), document

    def _failed(self, action: _Action, url: str, error: CallError | TwimlError) -> _Failure:
        if isinstance(error, CallError):
            self._debugger.add_failure(error, url, message=action.inbound)
            return _Failure(error.code, error.url)
        failed = without_userinfo(url)
        self._debugger.add(error.code, str(error), message=action.inbound, url=failed)
        return _Failure(error.code, failed)

    def _execute(self, action: _Action, document: Document, base: str) -> _Next | None:
        """Execute a document; returns the next one, if any."""
        for problem in document.problems:
            self._debugger.add(problem.code, problem.text, message=action.inbound, url=without_userinfo(base))
        for step in document.steps:
            if isinstance(step, RedirectStep):
                return _Next(resolve(base, step.url), step.method)
            reply = self._replying.compose(step, action.inbound, base)
            if reply:
                action.replies.append(reply)
            if self._action_transfers and step.action:
                return _Next(resolve(base, step.action), step.method, tuple(_outcome(step, reply)))
        return None


def _outcome(step: SendStep, reply: MessageRecord | None) -> Iterable[tuple[str, str]]:
    """Yield the parameters about a reply for the action URL in old profiles."""
    status = "sending" if reply and reply.status == "queued" else "invalid"
    sid = reply.sid if reply else ""
    if not step.is_sms:
        yield from (("MessageSid", sid), ("MessageStatus", status))
    yield from (("SmsSid", sid), ("SmsStatus", status))
