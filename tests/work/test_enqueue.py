"""``enqueue`` in handlers and elsewhere: what is stored, what is refused, and what then runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from tests.webhook_requests import SID
from tests.work.programs import Program, ask_again, note, note_later
from twiml_app import InboundMessage, StatusCallback, enqueue, enqueue_at, enqueue_in
from twiml_app.errors import CallError, CannotStore
from twiml_app.pending import Collection


def test_work_of_a_handler_runs_after_its_answer_and_with_its_event(program: Program, ran: list[Any]) -> None:
    """The contact is answered at once, however long the function takes."""
    program.handle = lambda message: enqueue(note, message, 5)

    assert program.phone.text("report", ProfileName="Ann").text == "ok"
    assert ran == []
    assert program.run() == 1
    ((message, number),) = ran
    assert (type(message), message.body, message.profile_name, number) == (InboundMessage, "report", "Ann", 5)
    assert program.run() == 0


def test_status_callback_is_the_same_when_its_work_runs(program: Program, ran: list[Any]) -> None:
    """Error codes and the reply that it belongs to are needed there too."""
    given: list[StatusCallback] = []

    def ask(status: StatusCallback) -> None:
        given.append(status)
        enqueue(note, status)

    program.handle = ask
    program.phone.status(SID, "delivered")
    program.run()

    assert ran == [(given[0],)]


def test_handler_that_fails_leaves_no_work(program: Program, ran: list[Any]) -> None:
    """Twilio calls again, and the handler asks again."""

    def ask(message: InboundMessage) -> None:
        enqueue(note, message)
        raise ValueError("a bug")

    program.handle = ask
    with pytest.raises(CallError):
        program.phone.text("report")

    assert program.run() == 0


def test_work_belongs_to_the_contact_of_the_handler(program: Program, ran: list[Any]) -> None:
    """It can be found by the text that caused it, and is erased with the contact."""
    program.handle = lambda _: enqueue(ask_again, 1)
    phone = program.phone
    phone.text("report", MessageSid=SID)
    with pytest.raises(ValueError, match="a bug"):
        program.run()
    program.clock.now += 60
    program.run()

    assert {(row.contact, row.number, row.origin) for row in program.rows()} == {(phone.contact, phone.number, SID)}
    assert len(program.rows()) == 2


def test_work_elsewhere_in_the_application_is_stored_at_once(program: Program, ran: list[Any]) -> None:
    """A view of the web site can have a report made as well."""
    with program.app.app_context():
        asked = enqueue(note, "now")

    assert [row.key for row in program.rows()] == [asked.id]
    program.run()
    assert ran == [("now",)]


@pytest.mark.parametrize(
    ("ask", "after_s"),
    [
        pytest.param(lambda: enqueue_in(60, note), 60, id="seconds"),
        pytest.param(lambda: enqueue_in(timedelta(minutes=2), note), 120, id="timedelta"),
        pytest.param(lambda: enqueue_at(1_800_000_030.0, note), 30, id="epoch"),
        pytest.param(lambda: enqueue_at(datetime.fromtimestamp(1_800_000_090, UTC), note), 90, id="aware"),
        pytest.param(
            lambda: enqueue_at(datetime.fromtimestamp(1_800_000_090, timezone(timedelta(hours=5))), note),
            90,
            id="other zone",
        ),
        pytest.param(lambda: enqueue_at(5, note), 0, id="long ago"),
    ],
)
def test_work_waits_until_it_is_due(program: Program, ran: list[Any], ask: Any, after_s: float) -> None:
    """A reminder that comes early is no reminder."""
    program.handle = lambda _: ask()
    program.phone.text("remind me")
    program.clock.now += after_s - 1
    assert program.run() == (0 if after_s else 1)
    program.clock.now += 1
    assert program.run() == (1 if after_s else 0)


def test_coroutine_function_runs_in_the_application(program: Program, ran: list[Any]) -> None:
    """A client of a language model is often asynchronous."""
    program.handle = lambda _: enqueue(note_later, 1)
    program.phone.text("report")
    program.run()

    assert ran == [("program", 1)]


def test_work_is_refused_while_there_is_no_journal(program: Program) -> None:
    """A command that only tries a handler must not store anything."""
    program.handle = lambda message: enqueue(note, message)
    program.state.receiver.detach_journal()
    with pytest.raises(CallError) as failed:
        program.phone.text("report")

    assert isinstance(failed.value.__cause__, CannotStore)
    assert program.rows() == []


def inner(_message: InboundMessage) -> None:
    """Have the qualified name of another function."""


outer, inner = inner, lambda _message: None


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        pytest.param(lambda: enqueue(lambda: None), "is a lambda or is defined inside of another", id="lambda"),
        pytest.param(lambda: enqueue(outer), "is not this function, so another process would run", id="replaced"),
        pytest.param(lambda: enqueue(cast(Any, "note")), "str cannot be run as work", id="name"),
        pytest.param(lambda: enqueue(note, {1, 2}), "argument 1 of tests.work.programs:note is set", id="set"),
        pytest.param(lambda: enqueue(note, 1, [(1,)]), r"argument 2 of \S+\[0\] is tuple", id="tuple in a list"),
        pytest.param(lambda: enqueue(note, {"a": {2: 1}}), r"\['a'\] has the key 2: keys must be", id="key"),
        pytest.param(lambda: enqueue(note, {"a": datetime.now(UTC)}), r"\['a'\] is datetime", id="datetime in a dict"),
        pytest.param(lambda: enqueue(note, float("nan")), "is nan, which JSON does not have", id="nan"),
        pytest.param(lambda: enqueue(note, "x" * 1_000_000), "take 1000021 characters as JSON", id="large"),
        pytest.param(lambda: enqueue(note, 10**5000), "cannot be stored: Exceeds the limit", id="huge integer"),
        pytest.param(lambda: enqueue(program_less, 1), "does not accept the arguments", id="too many arguments"),
        pytest.param(lambda: enqueue_at(datetime(2027, 1, 1), note), "has no time zone", id="naive"),
        pytest.param(lambda: enqueue_in(-1, note), "the delay is -1", id="negative"),
        pytest.param(lambda: enqueue_in(float("inf"), note), "the delay is inf", id="infinite"),
        pytest.param(lambda: enqueue_in("5", note), "the delay is '5'", id="delay as a string"),  # type: ignore[call-overload]
        pytest.param(lambda: enqueue_at(True, note), "the time is True", id="bool"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_once(program: Program, ask: Any, says: str) -> None:
    """An error in a worker at night is seen by nobody."""
    with program.app.app_context(), pytest.raises(CannotStore, match=says):
        ask()


def program_less() -> None:
    """Take no arguments."""


def test_nested_arguments_have_a_limit(program: Program) -> None:
    """A list that contains itself must not end the process."""
    endless: list[Any] = []
    endless.append(endless)

    with program.app.app_context(), pytest.raises(CannotStore, match="is nested more than 50 times"):
        enqueue(note, endless)


def test_without_a_journal_there_is_nowhere_to_store_work(program: Program) -> None:
    """The error names the setting."""
    program.app.extensions["twiml"] = replace(program.state, work=None)
    with program.app.app_context(), pytest.raises(CannotStore, match="TWIML_DATABASE_URL"):
        enqueue(note)


def test_work_of_a_replayed_event_is_shown_and_not_stored(program: Program) -> None:
    """A replay charges nobody twice, and needs no journal."""
    program.app.extensions["twiml"] = replace(program.state, work=None)
    with program.app.app_context(), Collection() as collected:
        enqueue_in(60, note, 1)
        enqueue_at(1_800_000_000, print, [2])
    for effect in collected.effects:
        effect.committed()
        with pytest.raises(CannotStore, match="TWIML_DATABASE_URL"):
            effect.write(lambda _statement, _parameters=(): [])

    assert [(effect.kind, effect.summary) for effect in collected.effects] == [
        ("work", {"function": "tests.work.programs:note", "arguments": [[{"value": 1}], {}], "in_s": 60.0}),
        (
            "work",
            {"function": "builtins:print", "arguments": [[{"value": [2]}], {}], "at": "2027-01-15T08:00:00+00:00"},
        ),
    ]


def test_function_whose_parameters_are_unknown_is_accepted(program: Program) -> None:
    """Some functions of C do not say what they take."""
    with program.app.app_context():
        enqueue(type, 1)

    assert program.run() == 1
