"""A program whose handler keeps state, for the tests in this folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import ClassVar

from tests.journal.program import bodies, open_journal, query
from tests.webhook_requests import AUTHORIZATION, BASIC, read_settings, webhook
from twiml_app import Conversation, InboundMessage, Router
from twiml_app.caller import inbound_form, random_sid
from twiml_app.conversations import ConversationKeeper
from twiml_app.journal import ConversationStore, DurableJournal
from twiml_app.journal.archive import Archive
from twiml_app.receiver import Receiver
from twiml_app.webhook import WebhookResponse

CONTACT = "+15005550001"
NUMBER = "+15005550006"


class Counting:
    """An application that appends each text to the list ``texts`` of the conversation, and replies with the list."""

    made: ClassVar[list[Counting]] = []

    def __init__(self, url: str, clock: Callable[[], float] = time.time, **more: object) -> None:
        self.settings = read_settings(BASIC, TWIML_DATABASE_URL=url.removeprefix("rows+"), **more)
        self.engine = open_journal(url, self.settings)
        self.made.append(self)
        self.store = ConversationStore(self.engine, clock)
        self.journal = DurableJournal(self.engine, self.settings, clock=clock)
        self.keeper = ConversationKeeper(
            self.store, hours=self.settings.conversation_hours, may_wait=self.journal.may_wait, clock=clock
        )
        #: Called while the handler runs.
        self.during: Callable[[InboundMessage, Conversation], object] = lambda _message, _conversation: None
        self.router = Router()
        self.router.message("stateless")(lambda _message: "no state")
        self.router.default(self._answer)
        self.receiver = Receiver(self.router, self.settings, journal=self.journal, conversations=self.keeper, now=clock)
        self.archive = Archive(self.engine)

    def _answer(self, message: InboundMessage, conversation: Conversation) -> str:
        conversation["texts"] = [*conversation.get("texts", []), message.body]
        self.during(message, conversation)
        return " ".join(conversation.get("texts", []))

    def send(
        self, body: str, sid: str = "", contact: str = CONTACT, number: str = NUMBER, **fields: str
    ) -> WebhookResponse:
        """Receive a message."""
        form = inbound_form(body, from_=contact, to=number, message_sid=sid or random_sid("SM"), fields=fields)
        return self.receiver.handle(webhook(form, headers=AUTHORIZATION))

    def text(self, body: str, **more: str) -> str:
        """Receive a message, and return its reply, or the status of a failure."""
        response = self.send(body, **more)
        return next(iter(bodies(response)), "") if response.status == 200 else str(response.status)

    def tickets(self) -> int:
        """Return how many tickets there are."""
        return int(query(self.engine, "SELECT count(*) FROM conversation_tickets")[0][0])

    def kept(self) -> int:
        """Return how many conversations are kept."""
        return int(query(self.engine, "SELECT count(*) FROM conversations")[0][0])


class Background:
    """Runs a function in a thread, and keeps what it returns."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.result: object = None
        self._function = function
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.result = self._function()

    def wait(self) -> object:
        """Wait for the end, and return the result."""
        self._thread.join()
        return self.result
