"""Connect the parts of the phone page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..clock_control import ClockControl
from ..context import Context
from ..debugger import Debugger
from ..delivery import Delivery
from ..inbound import Inbound
from ..opt_outs import OptOuts
from ..phones import Phones
from ..program import Program
from ..resources import DebuggerEntry, IncomingNumber, MessageRecord, PhoneSettings, Resource
from ..rest.api import Api
from ..schedule import Schedule
from ..webhook_log import LoggedWebhook, WebhookLog
from ..webhooks import Webhooks
from .controls import Controls, MessageStatuses
from .conversations import Conversations
from .documents import Documents
from .events import EventLog
from .exchange import PageRule
from .exports import Exports
from .feed import Feed
from .inspector import Inspector
from .messages import Messages
from .page import PhonePage
from .recording import Recorder
from .run_again import RunAgain
from .state import State
from .texting import Texting

_KINDS: dict[type[Resource], str] = {
    MessageRecord: "message",
    DebuggerEntry: "debugger",
    IncomingNumber: "numbers",
    PhoneSettings: "phone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The parts of the emulator that the page uses."""

    context: Context
    schedule: Schedule
    clock_control: ClockControl
    debugger: Debugger
    inbound: Inbound
    delivery: Delivery
    opt_outs: OptOuts
    phones: Phones
    webhooks: Webhooks
    webhook_log: WebhookLog
    #: The host that the emulator listens on.
    host: str
    program: Program | None
    reset: Callable[[], None]


class PageAssembly:
    """The page, connected to the emulator, and what happens there connected to the page's events."""

    def __init__(self, used: Used, api: Api) -> None:
        self._events = EventLog()
        self._conversations = Conversations(used.context.store)
        self._documents = Documents(used.context, used.opt_outs)
        self._texting = Texting(
            used.context, used.schedule, used.inbound, used.webhook_log, self._conversations, self._documents
        )
        self._recorder = Recorder(used.webhook_log, self._conversations)
        self._run_again = RunAgain(used.context, used.program, self._recorder, self._events)
        self._follow(used)
        #: The page and, behind it, the REST API.
        self.application = PhonePage(used.host, api, self._rules(used))

    def clear(self) -> None:
        """Let pages load everything again, after a reset."""
        self._texting.clear()
        self._run_again.clear()
        self._events.note("reset")

    def stop(self) -> None:
        """End the streams."""
        self._events.stop()

    def _rules(self, used: Used) -> Iterator[PageRule]:
        """Yield the paths of the page."""
        context, conversations, documents = used.context, self._conversations, self._documents
        views = (
            State(context, documents, self._events, self._run_again.state),
            Messages(context, conversations, documents),
            Feed(self._events, conversations, documents),
            Inspector(used.webhook_log, used.debugger, used.inbound, conversations, documents),
            self._texting,
            MessageStatuses(context, used.delivery, used.opt_outs, used.phones, conversations, documents),
            Controls(context, used.clock_control, documents, reset=used.reset),
            Exports(context, used.inbound, used.webhooks, conversations, self._recorder, used.program),
            self._run_again,
        )
        for view in views:
            yield from view.rules()

    def _follow(self, used: Used) -> None:
        """Note what happens in the emulator as events."""
        events = self._events
        used.context.store.on_change = self._note_change
        used.webhook_log.on_logged = self._note_webhook
        used.context.faults.on_change = lambda: events.note("faults")
        used.clock_control.on_change = lambda: events.note("clock")

    def _note_change(self, kind: type[Resource], sid: str) -> None:
        if name := _KINDS.get(kind):
            self._events.note(name, "" if name == "numbers" else sid)

    def _note_webhook(self, logged: LoggedWebhook) -> None:
        self._events.note("webhook", message_sid=logged.message_sid, logged=logged)
