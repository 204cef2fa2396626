"""The application that is tried, in this process, next to an emulator whose clock is stepped."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlencode

from flask import Flask

from ..app import state_of
from ..assembly import TwimlState
from ..caller import HttpTransport, OutgoingRequest
from ..checks import RETRY_FRAGMENT
from ..credentials import Credentials, basic_header
from ..errors import ConfigurationError
from ..events import Event, InboundMessage, StatusCallback
from ..logs import logger
from ..receiver import Outcome
from ..served_app import connect, emulator_for
from ..webhook import FORM_TYPE
from .recorded import Conversation
from .trials import RESTART

#: Outcomes of a message for which a handler ran to its end.
_HANDLED = ("replied", "silent", "overdue", "reaction")
#: How long a conversation goes on after its last text, in steps of seconds.
_AFTERWARDS_S = (30, 60, 300, 900, 2300)
#: How long the person waits before the next text: messages that failed are sent again meanwhile.
_PAUSE_S = (2, 8, 50)
#: How often work and messages may lead to each other.
_MAX_ROUNDS = 20
SETTLE_S = 20.0
_TIMEOUT_S = 10.0


class Watched:
    """What the receiver did in one run."""

    def __init__(self) -> None:
        #: How often a handler ran to its end for a message, by SID and query of the URL.
        self.handled: Counter[tuple[str, str]] = Counter()
        #: The longest time that each message took, in seconds.
        self.seconds: dict[str, float] = {}
        self.statuses = 0

    def count_webhook(self, event: Event, outcome: Outcome, seconds: float) -> None:
        """Count an answered webhook."""
        self.statuses += isinstance(event, StatusCallback)
        if isinstance(event, InboundMessage):
            self.handled[event.message_sid, json.dumps(dict(event.query))] += outcome.name in _HANDLED
            self.seconds[event.message_sid] = max(seconds, self.seconds.get(event.message_sid, 0.0))

    def count_refusal(self, status: int) -> None:
        """Ignore a refused request."""


class TriedApp:
    """An application and an emulator; a context manager.

    ``start_again`` makes the application again with the same journal, as another process would; None if it cannot.
    ``settle_s`` is how long messages may lead to more messages, in seconds of real time.
    """

    def __init__(
        self, app: Flask, *, start_again: Callable[[], Flask] | None = None, settle_s: float = SETTLE_S
    ) -> None:
        self.settings = state_of(app).settings
        self.emulator = emulator_for(app)
        self.watched = Watched()
        #: What answers, by way of the application that serves since the latest restart.
        self.served = app
        self._url = self.emulator.numbers[0].sms_url + RETRY_FRAGMENT
        self._start_again = start_again
        self._settle_s = settle_s
        self._state = self._connected(app)

    @property
    def can_restart(self) -> bool:
        """Whether ``restart`` works."""
        return self._start_again is not None

    def __enter__(self) -> Self:
        self.emulator.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.emulator.stop()

    def begin(self, conversation: Conversation) -> None:
        """Forget the last run, and have the number of a conversation."""
        self.emulator.reset()
        self._watch()
        number = self.emulator.add_number(conversation.number, self._url)
        if conversation.service:
            spare = self.emulator.add_number(_next_number(conversation.number), self._url)
            self._make_service(number.sid, spare.sid)

    def restart(self) -> None:
        """Serve with a new application from now on.

        Raises: ConfigurationError, if it cannot be made a second time in this process.
        """
        if self._start_again is None:
            return
        try:
            app = self._start_again()
        except Exception as error:  # the modules of a project run again
            raise ConfigurationError(RESTART, f"it cannot be loaded again in one process: {error}") from error
        self._state = self._connected(app)
        self.served.wsgi_app = app.wsgi_app  # type: ignore[method-assign]

    def settle(self) -> bool:
        """Do all that is due now: work, messages, deliveries; return whether it came to an end."""
        for _ in range(_MAX_ROUNDS):
            before = len(self.emulator.outbox)
            ran = self._state.work.run_until(time.time()) if self._state.work else 0
            if self._state.sending:
                self._state.sending.drain()
            if not self.emulator.settle(self._settle_s):
                return False
            if not ran and len(self.emulator.outbox) == before:
                return True
        return False

    def pause(self) -> bool:
        """Do all that becomes due in the next minute; return whether it came to an end."""
        return self._advance(_PAUSE_S)

    def finish(self) -> bool:
        """Do all that becomes due in the next hour; return whether it came to an end."""
        return self._advance(_AFTERWARDS_S)

    def _advance(self, steps: Iterable[float]) -> bool:
        for seconds in steps:
            self.emulator.advance(seconds)
            if not self.settle():
                return False
        return True

    def _connected(self, app: Flask) -> TwimlState:
        """Let an application use the emulator and its clock, and be watched."""
        connect(app, self.emulator)
        state = state_of(app)
        state.receiver.observe(self.watched)
        if state.dialogs:
            state.dialogs.keep_time(self.emulator.clock.now, early_s=state.settings.early_answer_s)
        return state

    def _watch(self) -> None:
        self.watched = Watched()
        self._state.receiver.observe(self.watched)

    def _make_service(self, *number_sids: str) -> None:
        service = self._post("/v1/Services", FriendlyName="recorded", UseInboundWebhookOnNumber="true")
        for sid in number_sids:
            self._post(f"/v1/Services/{service['sid']}/PhoneNumbers", PhoneNumberSid=sid)

    def _post(self, path: str, **form: str) -> Any:
        credentials = Credentials(self.emulator.account_sid, self.emulator.auth_token)
        request = OutgoingRequest(
            method="POST",
            url=self.emulator.url + path,
            headers=(("Authorization", basic_header(credentials)), ("Content-Type", FORM_TYPE)),
            body=urlencode(form).encode(),
            connect_timeout_s=_TIMEOUT_S,
            read_timeout_s=_TIMEOUT_S,
        )
        return json.loads(HttpTransport()(request).body)


def _next_number(number: str) -> str:
    return f"{number[:-1]}{(int(number[-1]) + 1) % 10}"


@contextmanager
def quiet_log() -> Iterator[None]:
    """Log nothing meanwhile: thousands of webhooks go wrong on purpose."""
    level, propagate, handlers = logger.level, logger.propagate, logger.handlers
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate, logger.handlers = False, [logging.NullHandler()]  # also for the loggers below it
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers
