"""Deployments: workers of two releases run at the same time, and each leaves to the other what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.conversations.test_postponed import ACCOUNT
from tests.journal.program import Clock, open_journal
from tests.webhook_requests import BASIC, read_settings
from twiml_app import Dialog, InboundMessage, Router
from twiml_app.app import Twiml, state_of
from twiml_app.errors import CallError
from twiml_app.journal import DialogVersions
from twiml_app.testing import Phone
from twiml_app.work import Step


class Worker:
    """A worker of one release of a program with a dialog."""

    def __init__(self, url: str, version: int, **settings: Any) -> None:
        self.app = Flask(f"release {version}")
        self.app.config.update(BASIC, TWIML_DATABASE_URL=url, **settings)
        router = Router()

        @router.dialog("sign up", name="signup", version=version)
        def signup(message: InboundMessage) -> Dialog:
            name = yield f"{version}: Name?"
            town = yield f"{version}: Town?"
            return f"{version}: {name} of {town}"

        Twiml(self.app, router=router)
        self.phone = Phone(self.app)
        state = state_of(self.app)
        assert state.engine
        self.engine = state.engine

    def report(self) -> None:
        """Say which versions there are, as the threads of a worker do."""
        background = state_of(self.app).background
        assert background
        steps: list[Step] = [step for step, _ in background._steps]
        next(step for step in steps if isinstance(step, DialogVersions)).run_due()


@pytest.fixture
def workers(database_url: str) -> Iterator[tuple[Worker, Worker]]:
    """Workers of the old and of the new release."""
    both = Worker(database_url, 1, **ACCOUNT), Worker(database_url, 2, **ACCOUNT)
    yield both
    for each in both:
        each.engine.close()


BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@BOTH
@pytest.mark.parametrize(("begins", "lacks"), [(0, 1), (1, 0)], ids=["old dialog", "new dialog"])
def test_message_for_another_release_is_answered_by_it(workers: tuple[Worker, Worker], begins: int, lacks: int) -> None:
    """It is stored as work, which the worker that lacks the version puts back until another one runs it."""
    has, other = workers[begins], workers[lacks]
    has.report()
    first = has.phone.text("sign up").text
    assert first.endswith("Name?")
    assert other.phone.text("Ann").texts == []
    assert other.phone.run_work() == 0
    assert other.phone.text("Bonn").texts == []
    has.phone.run_work(within_s=5)

    release = begins + 1
    assert has.phone.sends == [f"{release}: Town?", f"{release}: Ann of Bonn"]


@ONE
def test_message_for_a_release_that_is_gone_starts_again(workers: tuple[Worker, Worker]) -> None:
    """No worker of it has reported."""
    old, new = workers
    old.phone.text("sign up")

    assert new.phone.text("Ann").texts == ["Sorry, something changed on our side. Let us start again.", "2: Name?"]


@ONE
def test_message_for_another_release_gets_503_where_nothing_can_be_sent(database_url: str) -> None:
    """Twilio tries again."""
    old, new = Worker(database_url, 1), Worker(database_url, 2)
    old.report()
    old.phone.text("sign up")
    with pytest.raises(CallError) as refused:
        new.phone.text("Ann")

    assert refused.value.status == 503
    assert old.phone.text("Ann").text == "1: Town?"
    old.engine.close()
    new.engine.close()


@BOTH
def test_version_is_there_for_a_minute_after_its_last_report(database_url: str) -> None:
    """A worker reports three times in this time."""
    clock = Clock()
    engine = open_journal(database_url, read_settings(BASIC, TWIML_DATABASE_URL=database_url))
    worker, other = DialogVersions(engine, [("signup", 1)], clock), DialogVersions(engine, [], clock)
    assert not other.is_live("signup", 1)
    assert worker.run_due() == 20.0
    assert other.run_due() == 20.0
    clock.now += 15
    assert worker.run_due() == 5.0
    clock.now += 44
    assert (other.is_live("signup", 1), other.is_live("signup", 2)) == (True, False)
    clock.now += 2

    assert not other.is_live("signup", 1)
    engine.close()
