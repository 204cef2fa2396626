"""What a handler asks for is stored together with its answer, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.journal.program import Clock, Program, claim_message, query, replied
from tests.webhook_requests import SID
from twiml_app import InboundMessage, StatusCallback
from twiml_app.errors import CannotStore, ClaimLost
from twiml_app.journal.archive import Filter
from twiml_app.pending import Effect, Transaction, collection
from twiml_app.receiver import Receiver


def asking(name: str, committed: list[str]) -> Effect:
    """Return an effect that stores its name."""

    def write(execute: Transaction) -> None:
        execute("INSERT INTO meta VALUES (?, 'asked for')", (name,))

    return Effect("work", {"name": name}, write, lambda: committed.append(name))


def ask(name: str, committed: list[str]) -> None:
    """Ask for an effect, as a handler does."""
    collected = collection()
    assert collected is not None
    collected.add(asking(name, committed))


def stored(program: Program) -> list[str]:
    """Return the names of the effects that were stored."""
    return [name for (name,) in query(program.engine, "SELECT name FROM meta WHERE value = 'asked for' ORDER BY name")]


def test_effect_is_stored_with_the_answer_and_not_again_by_a_retry(program: Program) -> None:
    """A retried webhook must not charge a customer twice."""
    committed: list[str] = []
    program.during = lambda _: ask("report", committed)

    assert program.text().body == program.text().body
    assert (stored(program), committed) == (["report"], ["report"])


def test_handler_that_fails_leaves_no_effect(program: Program) -> None:
    """The retry runs the handler again, which then asks again."""
    committed: list[str] = []

    def fail(_: InboundMessage) -> None:
        ask("report", committed)
        raise ValueError("a bug")

    program.during = fail

    assert program.text().status == 500
    assert (stored(program), committed) == ([], [])


def test_effect_that_cannot_be_stored_leaves_the_exchange_unanswered(program: Program) -> None:
    """Without its effect, the reply would promise something that never happens."""
    broken = Effect("work", {}, lambda execute: execute("INSERT INTO missing VALUES (1)"), lambda: None)

    def ask_for_it(_: InboundMessage) -> None:
        collected = collection()
        assert collected is not None
        collected.add(broken)

    program.during = ask_for_it

    assert program.text().status == 503
    program.during = lambda _: None
    assert program.text().status == 200
    assert program.ran == [SID, SID]


def test_effect_is_refused_where_the_answer_is_allowed_without_a_journal(database_url: str) -> None:
    """TWIML_STORE_FAILURE=answer gives up the memory of answers, but work would be lost for good."""
    program = Program(database_url, TWIML_STORE_FAILURE="answer")
    broken = Effect("work", {}, lambda execute: execute("INSERT INTO missing VALUES (1)"), lambda: None)

    def ask_for_it(_: InboundMessage) -> None:
        collected = collection()
        assert collected is not None
        collected.add(broken)

    program.during = ask_for_it

    assert program.text().status == 503


@pytest.mark.parametrize("database_url", ["sqlite with claims as rows", "postgres"], indirect=True)
def test_claim_that_was_lost_stores_no_effect(database_url: str) -> None:
    """The process that took the event over asks for the same."""
    clock, committed = Clock(), list[str]()
    program, other = Program(database_url, clock), Program(database_url, clock)
    claim = claim_message(program)
    query(other.engine, "DELETE FROM exchanges")

    with pytest.raises(ClaimLost):
        program.journal.finish(claim, replied("hi", (asking("report", committed),)), wait_s=10)
    assert (stored(program), committed) == ([], [])


def test_status_handler_that_fails_loses_only_its_own_effects(program: Program) -> None:
    """Every handler of a status callback stands for itself."""
    committed: list[str] = []

    @program.receiver.router.status("delivered")
    def second(status: StatusCallback) -> None:
        ask("second", committed)

    @program.receiver.router.status("delivered")
    def third(status: StatusCallback) -> None:
        ask("third", committed)
        raise ValueError("a bug")

    assert program.status("delivered").status == 204
    assert (stored(program), committed) == (["second"], ["second"])


def test_handlers_that_are_run_again_store_their_effects(program: Program) -> None:
    """What a retry by hand asks for counts as well."""
    program.status("delivered", Fail="yes")
    (kept,) = program.archive.latest(Filter(), 1)
    program.archive.settle(kept.id, {"handler": "ok"}, "handled", [asking("report", [])])

    assert stored(program) == ["report"]


@pytest.mark.parametrize(
    ("leave", "problem"),
    [
        pytest.param(lambda receiver: setattr(receiver, "journal", None), "set TWIML_DATABASE_URL", id="no journal"),
        pytest.param(Receiver.detach_journal, "this command stores nothing", id="command"),
    ],
)
def test_effects_are_refused_without_a_journal(
    program: Program, leave: Callable[[Receiver], object], problem: str
) -> None:
    """The handler fails, and says why."""
    problems: list[Exception] = []

    def ask_for_it(_: InboundMessage) -> None:
        try:
            ask("report", [])
        except CannotStore as error:
            problems.append(error)
            raise

    program.during = ask_for_it
    leave(program.receiver)

    assert program.text().status == 500
    assert problem in str(problems[0])


def test_exchange_shows_what_was_asked_for(program: Program) -> None:
    """The journal exports it, and a replay compares it."""
    program.during = lambda _: ask("report", [])
    program.text()
    program.during = lambda _: None
    program.text(sid="SM" + "6" * 32)
    exchanges = [kept.exchange for kept in program.archive.all(Filter())]

    assert [exchange.effects for exchange in exchanges if exchange] == [({"kind": "work", "name": "report"},), ()]


def test_imported_effects_are_exported_again(program: Program) -> None:
    """A recording survives the way through a journal."""
    program.during = lambda _: ask("report", [])
    program.text()
    (kept,) = program.archive.all(Filter())
    assert kept.exchange is not None
    program.archive.add([replace(kept.exchange, received_at=1.0)], keep_until=1e12)
    found = [each.exchange for each in program.archive.all(Filter())]

    assert [each.effects for each in found if each] == [kept.exchange.effects] * 2
