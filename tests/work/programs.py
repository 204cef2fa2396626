"""An application whose handlers ask for work, and the functions that run as work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, current_app

from tests.journal.program import ROWS, Clock
from tests.webhook_requests import BASIC
from twiml_app import InboundMessage, Router, StatusCallback, enqueue
from twiml_app.app import Twiml, state_of
from twiml_app.assembly import TwimlState
from twiml_app.journal import Engine, WorkArchive, WorkFilter, WorkRow
from twiml_app.testing import Phone
from twiml_app.work import Background, Surroundings, Work
from twiml_app.work.runner import Retries

#: What ran, in order.
RAN: list[Any] = []
#: What functions do meanwhile, for tests that need it.
DURING: list[Callable[[], object]] = []


def note(*values: Any) -> None:
    """Record a call."""
    RAN.append(values)


def fail(*values: Any, attempt: int) -> None:
    """Record an attempt and fail."""
    RAN.append((*values, attempt))
    raise ValueError("a bug")


def fail_once(*values: Any, attempt: int, idempotency_key: str) -> None:
    """Fail in the first attempt."""
    RAN.append((*values, attempt, idempotency_key))
    if attempt == 1:
        raise ValueError("a bug")


async def note_later(*values: Any) -> None:
    """Record a call after something else has had a turn; the context of the application is active."""
    await asyncio.sleep(0)
    RAN.append((current_app.name, *values))


def ask_again(*values: Any, attempt: int) -> None:
    """Ask for more work, and fail in the first attempt."""
    enqueue(note, "asked for by", *values)
    if attempt == 1:
        raise ValueError("a bug")


def leave(*_values: Any) -> None:
    """End the thread, as scripts do."""
    raise SystemExit("done")


class Program:
    """An application with a journal, a clock that only tests move, and work that runs when a test says so."""

    def __init__(self, url: str, *, router: Router | None = None, retries: Retries | None = None) -> None:
        self.clock = Clock()
        self.router = router or Router()
        self.app = Flask("program")
        self.app.config.update(BASIC, TWIML_DATABASE_URL=url.removeprefix(ROWS))
        #: What the handlers do.
        self.handle: Callable[[Any], object] = lambda _: None
        if router is None:
            self.router.default(self._answer)
            self.router.status("delivered")(self._status)
        Twiml(self.app, router=self.router)
        self.delivered: list[tuple[InboundMessage, Any]] = []
        self.exceptions: list[Exception] = []
        self.background = Background()
        self.work = self.another_work(self.background, retries)
        state = replace(state_of(self.app), work=self.work)
        self.app.extensions["twiml"] = state

    def another_work(self, background: Background, retries: Retries | None = None) -> Work:
        """Return the work of another process on the same journal."""
        surroundings = Surroundings(
            context=self.app.app_context,
            on_exception=self.exceptions.append,
            deliver=lambda message, reply: self.delivered.append((message, reply)),
            keep_s=86400.0,
            clock=self.clock,
            sleep=lambda _: None,
            retries=retries or Retries(),
        )
        return Work(self.engine, self.router.schedules, surroundings, background)

    def _answer(self, message: InboundMessage) -> str:
        self.handle(message)
        return "ok"

    def _status(self, status: StatusCallback) -> None:
        self.handle(status)

    @property
    def state(self) -> TwimlState:
        """The state of the extension."""
        return state_of(self.app)

    @property
    def engine(self) -> Engine:
        """The database."""
        engine = self.state.engine
        assert engine is not None
        return engine

    @property
    def phone(self) -> Phone:
        """Somebody's phone."""
        return Phone(self.app)

    def rows(self, **wanted: Any) -> list[WorkRow]:
        """Return the stored work, oldest first."""
        return WorkArchive(self.engine).latest(WorkFilter(**wanted), 1000)[::-1]

    def states(self) -> list[tuple[str, str, int]]:
        """Return the function, the state and the attempts of all work."""
        return [(row.function.rpartition(":")[2], row.state, row.attempt) for row in self.rows()]

    def run(self) -> int:
        """Run what is due now."""
        return self.work.run_until(self.clock())
