"""``then=``: the handler answers at once, and what the slow function returns is sent when it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.work.programs import Program
from twiml_app import InboundMessage, Message, Redirect, Router
from twiml_app.errors import RegistrationError, ReplyError

#: What the slow function returns.
RETURNED: list[Any] = []


def make_report(message: InboundMessage, month: str, *, attempt: int) -> Any:
    """Return what the test wants."""
    return RETURNED.pop() if RETURNED else f"{message.body}: {month} in attempt {attempt}"


async def make_slowly(message: InboundMessage, month: str) -> str:
    """Return a text after a while."""
    await asyncio.sleep(0)
    return f"slow {month}"


@pytest.fixture
def reporting(tmp_path: Path) -> Iterator[Callable[[Any], Program]]:
    """Return a function that makes a program with a slow report."""
    made: list[Program] = []

    def make(then: Any) -> Program:
        router = Router()

        @router.message("report <month>", then=then)
        def report(message: InboundMessage, month: str) -> str:
            return f"{month} is being counted"

        made.append(Program(f"sqlite:///{tmp_path}/twiml.db", router=router))
        return made[-1]

    yield make
    made[-1].engine.close()


def test_report_is_sent_after_the_answer(reporting: Callable[[Any], Program]) -> None:
    """One line makes a slow handler out of two functions."""
    program = reporting(make_report)

    assert program.phone.text("Report May").text == "May is being counted"
    assert program.delivered == []
    program.run()
    ((message, reply),) = program.delivered
    assert (message.contact, reply.text) == (program.phone.contact, "Report May: May in attempt 1")


def test_slow_function_may_be_asynchronous(reporting: Callable[[Any], Program]) -> None:
    """A client of a language model often is."""
    program = reporting(make_slowly)
    program.phone.text("report May")
    program.run()

    assert [reply.text for _, reply in program.delivered] == ["slow May"]


@pytest.mark.parametrize(
    ("returned", "texts"),
    [
        pytest.param(None, [], id="nothing"),
        pytest.param(["one", Message("two", media="https://example.com/2.png")], ["one", "two"], id="list"),
        pytest.param(Message("x" * 2000, split=True), ["x" * 1600, "x" * 400], id="split"),
    ],
)
def test_slow_function_returns_what_handlers_return(
    reporting: Callable[[Any], Program], returned: Any, texts: list[str]
) -> None:
    """The same values mean the same."""
    program = reporting(make_report)
    program.phone.text("report May")
    RETURNED[:] = [returned] if returned is not None else [""]
    program.run()

    assert [reply.text for _, reply in program.delivered] == texts


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        pytest.param(Redirect("/other"), "returned Redirect: later replies are a str", id="redirect"),
        pytest.param(5, "returned int", id="number"),
    ],
)
def test_reply_that_cannot_be_sent_later_is_a_failed_attempt(
    reporting: Callable[[Any], Program], returned: Any, says: str
) -> None:
    """The journal says what to return instead."""
    program = reporting(make_report)
    program.phone.text("report May")
    RETURNED[:] = [returned]
    with pytest.raises(ReplyError, match=says):
        program.run()

    assert says in program.rows()[0].error


def wrong(message: InboundMessage) -> str:
    """Lack the month."""
    return ""


def fits(message: InboundMessage, month: str) -> str:
    """Take the month."""
    return month


@pytest.mark.parametrize(
    ("then", "says"),
    [
        pytest.param(wrong, "is called with message, month, in another process", id="parameters"),
        pytest.param(lambda _, **__: "", "is a lambda", id="lambda"),
    ],
)
def test_slow_function_that_could_not_run_is_refused_at_the_start(then: Any, says: str) -> None:
    """Not when the first customer asks for a report."""
    with pytest.raises(RegistrationError, match=says):
        Router().message("report <month>", then=then)(fits)
