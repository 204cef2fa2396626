"""Faults of status callbacks: in another order, and before the answer to the request that sent the message."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator.program import CONTACT, NOTHING, NUMBER, Answer, Program, Received, emulator, say, send
from twiml_app.emulator import Emulator, Fault
from twiml_app.emulator.status_changes import EARLY_S


def statuses(program: Program) -> list[str]:
    """Return the statuses that were posted, in the order of arrival."""
    return [request.form["MessageStatus"] for request in program.at("/status")]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param("delivered", ["delivered", "sent"], id="delivered"),
        pytest.param("undelivered", ["undelivered", "sent"], id="undelivered"),
        pytest.param("read", ["delivered", "read", "sent"], id="read"),
        pytest.param("failed", ["failed"], id="failed"),
    ],
)
def test_final_status_arrives_before_the_others(
    twilio: Emulator, program: Program, outcome: str, expected: list[str]
) -> None:
    """A program that believes the latest callback would end with a message that is only sent."""
    twilio.phone(CONTACT).will(outcome)
    twilio.faults.add("status-reorder")
    send(twilio, status_callback=program.answers("/status", NOTHING))
    twilio.settle()

    assert statuses(program) == expected
    assert [message.status for message in twilio.outbox] == [outcome]


def test_statuses_of_a_service_arrive_in_reverse_order(program: Program) -> None:
    """A message of a service is accepted first, and its callbacks begin with queued."""
    service = "MG" + "1" * 32
    seed = {"numbers": [{"phone_number": NUMBER}], "services": [{"sid": service, "numbers": [NUMBER]}]}
    with emulator(seed=seed) as twilio:
        twilio.faults.add(Fault("status-reorder", seconds=60))
        client = twilio.client()
        url = program.answers("/status", NOTHING)
        client.messages.create(to=CONTACT, messaging_service_sid=service, body="hello", status_callback=url)
        twilio.settle()

    assert statuses(program) == ["delivered", "sent", "queued"]


def test_reordering_of_some_callbacks_is_the_same_in_every_run(program: Program) -> None:
    """A program that fails with one order has to fail with it again."""
    runs = []
    for _ in range(2):
        program.received.clear()
        with emulator() as twilio:
            twilio.faults.add(Fault("status-reorder", probability=0.5, seed=1))
            for _ in range(8):
                send(twilio, status_callback=program.answers("/status", NOTHING))
            twilio.settle()
        runs.append([(request.form["MessageSid"], request.form["MessageStatus"]) for request in program.received])

    assert runs[0] == runs[1]
    assert len(runs[0]) == 16
    assert any(runs[0].index((sid, "delivered")) < runs[0].index((sid, "sent")) for sid, _ in runs[0])
    assert any(runs[0].index((sid, "delivered")) > runs[0].index((sid, "sent")) for sid, _ in runs[0])


@pytest.mark.parametrize("clock", ["step", "fast"])
def test_callback_arrives_before_the_answer_to_its_request(program: Program, clock: str) -> None:
    """A program does not know the SID yet when it is told of its status."""
    with emulator(clock=clock) as twilio:
        called_at: list[float] = []

        def note(request: Received) -> Answer:
            called_at.append(time.monotonic())
            return NOTHING

        twilio.faults.add(Fault("status-before-answer", count=1))
        message = send(twilio, status_callback=program.answers("/status", note))
        answered_at = time.monotonic()
        early = statuses(program)
        twilio.settle()

    assert (message.status, bool(early)) == ("queued", True)
    assert called_at[0] < answered_at
    assert sorted(statuses(program)) == ["delivered", "sent"]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="no status callback"),
        pytest.param({"schedule_type": "fixed", "send_at": "2026-11-23T01:00:00Z"}, id="scheduled"),
    ],
)
def test_answer_does_not_wait_for_a_callback_that_does_not_come_soon(
    program: Program, parameters: dict[str, Any]
) -> None:
    """The fault waits for a message that has a callback."""
    service = "MG" + "1" * 32
    seed = {"numbers": [{"phone_number": NUMBER}], "services": [{"sid": service, "numbers": [NUMBER]}]}
    if parameters:
        parameters["status_callback"] = program.answers("/status", NOTHING)
    with emulator(seed=seed) as twilio:
        rule = twilio.faults.add("status-before-answer")
        began = time.monotonic()
        twilio.client().messages.create(to=CONTACT, messaging_service_sid=service, body="hello", **parameters)

        assert time.monotonic() - began < EARLY_S
        assert twilio.faults.all() == [rule]
        assert program.received == []


def test_handler_gets_the_callback_while_it_sends(program: Program) -> None:
    """The program sends in one thread, and gets the status in another, while a test waits for neither."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        status_url = program.answers("/status", NOTHING)
        seen: list[list[str]] = []

        def answer(request: Received) -> Answer:
            send(twilio, status_callback=status_url)
            seen.append(statuses(program))
            return say("sent")

        program.answers("/message", answer)
        twilio.faults.add(Fault("status-before-answer", count=1))
        reply = twilio.phone(CONTACT).text("hello")

    assert (reply.text, seen) == ("sent", [["sent"]])
