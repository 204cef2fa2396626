"""An application that sends messages first, next to an emulator: real authentication, journal and client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from tests.journal.program import ROWS, query
from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.app import Twiml, state_of
from twiml_app.assembly import TwimlState
from twiml_app.caller import NUMBER
from twiml_app.emulator import Emulator
from twiml_app.journal import SendRow
from twiml_app.sending import Answer, Api, Send, Sending, SentMessage, cancel, send
from twiml_app.served_app import emulator_for

ACCOUNT, TOKEN = "AC" + "7" * 32, "0123456789abcdef0123456789abcdef"
CONTACT = "+15558675310"
SHORT_CODE = "40404"
SETTINGS = {
    "TWIML_CREDENTIALS": "sms:quite-long-enough",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWIML_PUBLIC_URL": "https://sms.example.com",
    "TWIML_FROM": NUMBER,
}


class Bot:
    """The application and its emulator; ``during`` is what its handler does."""

    def __init__(self, app: Flask, twilio: Emulator) -> None:
        self.app = app
        self.twilio = twilio
        self.statuses: list[StatusCallback] = []
        self.during: Callable[[InboundMessage], object] = lambda _: "hello"

    @property
    def state(self) -> TwimlState:
        """The state of the extension."""
        return state_of(self.app)

    @property
    def sending(self) -> Sending:
        """What sends."""
        sending = self.state.sending
        assert sending
        return sending

    def send(self, body: str = "hello", *, to: str = CONTACT, **options: Any) -> Send:
        """Send a message from outside of handlers."""
        with self.app.app_context():
            return send(to, body, **options)

    def cancel(self, key: str) -> bool | None:
        """Withdraw a message from outside of handlers."""
        with self.app.app_context():
            return cancel(key)

    def row(self, asked: Send) -> SendRow:
        """Return the row of a send."""
        row = self.sending.find(asked.id)
        assert row
        return row

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the body and the state of every send, in the order in which they were asked for."""
        assert self.state.engine
        return query(self.state.engine, "SELECT body, state FROM sends ORDER BY n")

    def texts(self) -> list[str]:
        """Return the texts that the emulator has accepted through its API, oldest first."""
        return [message.body for message in self.twilio.outbox if message.direction == "outbound-api"]

    def advance(self, seconds: float) -> None:
        """Let time pass in steps of a second, while the dispatcher runs."""
        for _ in range(int(seconds)):
            self.sending.drain()
            self.twilio.advance(1)
        self.sending.drain()


class Faulty:
    """An API whose calls do what a test wants before and after they reach the emulator."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[Answer], Answer] = lambda answer: answer
        self.search: Callable[[], object] = lambda: None

    def require(self) -> None:
        """Do what the API does."""
        self._api.require()

    def create(self, row: SendRow, status_url: str, now: float) -> Answer:
        """Create a message."""
        self.before()
        return self.after(self._api.create(row, status_url, now))

    def messages_to(self, row: SendRow) -> list[SentMessage]:
        """List the messages to a contact."""
        self.search()
        return self._api.messages_to(row)


class Scripted:
    """An API that is never reached: it gives prepared answers, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    def require(self) -> None:
        """Do nothing."""

    def create(self, row: SendRow, status_url: str, now: float) -> Answer:  # noqa: ARG002 - as the protocol has it
        """Return the next answer."""
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def messages_to(self, row: SendRow) -> list[SentMessage]:  # noqa: ARG002
        """Return nothing."""
        return []


def faulty(bot: Bot) -> Faulty:
    """Let a bot send through an API with faults."""
    api = Faulty(bot.sending.dispatcher.api)
    bot.sending.connect(api, bot.twilio.clock.now)
    return api


@contextmanager
def serving(database_url: str, **more: Any) -> Iterator[Bot]:
    """Yield a bot on an empty journal."""
    router, app = Router(), Flask("bot")
    app.config.update(SETTINGS | {"TWIML_DATABASE_URL": database_url.removeprefix(ROWS)} | more)
    Twiml(app, router=router)
    with emulator_for(app) as twilio:
        bot = Bot(app, twilio)
        router.default(lambda message: bot.during(message))
        router.status("queued", "sent", "delivered", "undelivered", "failed")(bot.statuses.append)
        yield bot
    engine = bot.state.engine
    assert engine
    engine.close()
