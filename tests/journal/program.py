"""A program with a journal, for the tests in this folder: in this process, or in its own process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from tests.servers import LIMIT_S, ROOT, clean_environment
from tests.webhook_requests import AUTHORIZATION, BASIC, SID, read_settings, webhook
from twiml_app import Alert, InboundMessage, Router, StatusCallback
from twiml_app.caller.forms import alert_form, inbound_form, status_form
from twiml_app.config import Settings
from twiml_app.events import parse_event
from twiml_app.journal import DurableJournal, Ledger, open_engine, sqlite_path
from twiml_app.journal.archive import Archive, Filter
from twiml_app.journal.engine import Engine
from twiml_app.journal.sqlite import SqliteStore
from twiml_app.journal.stores import Row
from twiml_app.pending import Effect
from twiml_app.receiver import Claim, Outcome
from twiml_app.receiver.receiver import Receiver
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import TWIML_TYPE, Form, WebhookRequest, WebhookResponse

#: In front of a database URL: where there are no locks for single events, such as on macOS, every event is a row.
ROWS = "rows+"


class Clock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        #: Called after each sleep, in the thread that slept.
        self.on_sleep: Callable[[], object] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


class Program:
    """An application with a journal; its handlers record their calls."""

    made: ClassVar[list[Program]] = []

    def __init__(self, url: str, clock: Callable[[], float] = time.time, **more: object) -> None:
        self.settings = read_settings(BASIC, TWIML_DATABASE_URL=url.removeprefix(ROWS), **more)
        self.engine = open_journal(url, self.settings)
        self.made.append(self)
        sleep = clock.sleep if isinstance(clock, Clock) else time.sleep
        monotonic = clock if isinstance(clock, Clock) else time.monotonic
        self.journal = DurableJournal(self.engine, self.settings, clock=clock, monotonic=monotonic, sleep=sleep)
        self.ran: list[str] = []
        self.statuses: list[StatusCallback] = []
        self.alerts: list[Alert] = []
        self.during: Callable[[InboundMessage], object] = lambda _: None
        router = Router()
        router.default(self._answer)
        router.status("delivered", "failed", "sent")(self._record_status)
        router.alert(self._record_alert)
        self.receiver = Receiver(router, self.settings, journal=self.journal, clock=clock)
        self.archive = Archive(self.engine)
        self.ledger = Ledger(self.engine)

    def _answer(self, message: InboundMessage) -> str:
        self.ran.append(message.message_sid)
        self.during(message)
        return f"answer {len(self.ran)} to {message.body}"

    def _record_status(self, status: StatusCallback) -> None:
        self.statuses.append(status)
        if status.form.get("Fail"):
            raise ValueError("asked to fail")

    def _record_alert(self, alert: Alert) -> None:
        self.alerts.append(alert)
        if alert.form.get("Fail"):
            raise ValueError("asked to fail")

    def text(self, body: str = "hello", sid: str = SID, **more: str) -> WebhookResponse:
        """Receive a message."""
        return self.send(inbound_form(body, message_sid=sid, fields=more))

    def status(self, status: str, sid: str = SID, error_code: int | None = None, **more: str) -> WebhookResponse:
        """Receive a status callback."""
        return self.send(status_form(sid, status, error_code=error_code, fields=more), endpoint="status")

    def alert(self, error_code: int = 11200, sid: str = "NO1", **more: str) -> WebhookResponse:
        """Receive an alert about a text."""
        request = ("https://sms.example.com/message", inbound_form("hello"))
        form = alert_form(error_code, sid=sid, resource_sid=SID, request=request)
        return self.send(Form([*form.pairs, *more.items()]), endpoint="alert")

    def send(self, form: Form, **more: object) -> WebhookResponse:
        """Receive any form."""
        return self.receiver.handle(webhook(form, headers=AUTHORIZATION, **more))  # type: ignore[arg-type]


def open_journal(url: str, settings: Settings) -> Engine:
    """Return the engine of a journal; with ``ROWS`` in front of the URL, the system has no locks for single events."""
    if url.startswith(ROWS):
        path, durable = sqlite_path(settings.database_url, ROOT), settings.durability == "power"
        return Engine(lambda: SqliteStore(path, durable=durable, lock_events=False))
    engine = open_engine(settings, ROOT)
    assert engine is not None
    return engine


def query(engine: Engine, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
    """Run one statement in a transaction and return its rows."""
    return engine.run(lambda execute: execute(statement, parameters), durable=False)


def rows(program: Program) -> list[tuple[str, str, str]]:
    """Return the sid, state and outcome of each exchange."""
    return sorted((each.sid, each.state, each.outcome) for each in program.archive.all(Filter()))


def contents(folder: Path) -> bytes:
    """Return all bytes of the files of a journal."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def request_of(form: Form) -> WebhookRequest:
    """Return an authenticated request."""
    return webhook(form, headers=AUTHORIZATION)


def claim_message(program: Program, sid: str = SID) -> Claim:
    """Claim the message of ``program.text()``, as a request does whose handler then runs for a long time."""
    message = parse_event(inbound_form("hello", message_sid=sid))
    claim = program.journal.claim(request_of(message.form), message, wait_s=10)
    assert isinstance(claim, Claim)
    return claim


def replied(text: str, effects: tuple[Effect, ...] = ()) -> Outcome:
    """Return the outcome of a handler that replied with this text."""
    response = MessagingResponse()
    response.message(text)
    return Outcome(
        WebhookResponse(status=200, body=str(response).encode(), content_type=TWIML_TYPE), "replied", effects=effects
    )


def bodies(response: WebhookResponse) -> list[str]:
    """Return the texts that a response sends."""
    return [message.text for message in MessagingResponse.parse(response.body).messages]


PRELUDE = """
    import json, os, sys
    sys.path.insert(0, {root!r})
    from tests.journal.program import Program
"""


def start_script(script: str) -> subprocess.Popen[str]:
    """Start a script in its own process, with Program imported."""
    source = textwrap.dedent(PRELUDE.format(root=str(ROOT))) + textwrap.dedent(script)
    command = [sys.executable, "-c", source]
    return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True)


def run_script(script: str) -> int:
    """Run a script in its own process, and return its exit status."""
    process = start_script(script)
    process.communicate(timeout=LIMIT_S)
    return process.returncode
