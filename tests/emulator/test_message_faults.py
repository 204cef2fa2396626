"""Faults of a delivery: error codes, full queues, landlines, closed windows, automatic replies, other senders."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, NOTHING, NUMBER, SERVICE, Program, codes, emulator, say, send
from twiml_app.emulator import Emulator, Fault

GERMAN, BRITISH = "+4930123456", "+442071838750"
WHATSAPP, OURS = f"whatsapp:{CONTACT}", f"whatsapp:{NUMBER}"
TEMPLATE = "HX" + "0" * 32
OTHER = "+15017122662"
POOL: dict[str, Any] = {
    "numbers": [{"phone_number": NUMBER}, {"phone_number": OTHER}],
    "services": [{"sid": SERVICE, "numbers": [NUMBER, OTHER], "use_inbound_webhook_on_number": True}],
}


@pytest.mark.parametrize(
    ("fault", "posted", "code"),
    [
        pytest.param(Fault("message-failed"), ["failed"], 30008, id="failed"),
        pytest.param(Fault("message-failed", error_code=30007), ["failed"], 30007, id="filtered"),
        pytest.param(Fault("message-undelivered"), ["sent", "undelivered"], 30003, id="unreachable"),
        pytest.param(Fault("message-undelivered", error_code=30005), ["sent", "undelivered"], 30005, id="unknown"),
        pytest.param(Fault("message-queue-full"), ["failed"], 30001, id="full queue"),
        pytest.param(Fault("message-landline"), ["sent", "undelivered"], 30006, id="landline"),
    ],
)
def test_message_ends_with_the_error_code_as_often_as_asked_for(
    twilio: Emulator, program: Program, fault: Fault, posted: list[str], code: int
) -> None:
    """A phone may be off for one message, and on again for the next."""
    status_url = program.answers("/status", NOTHING)
    twilio.faults.add(Fault(fault.kind, count=1, contact=CONTACT, error_code=fault.error_code))
    for _ in range(2):
        send(twilio, status_callback=status_url)
    twilio.settle()
    first, second = twilio.outbox
    of_first = [request.form for request in program.received if request.form["MessageSid"] == first.sid]

    assert (first.status, first.error_code, second.status) == (posted[-1], code, "delivered")
    assert [form["MessageStatus"] for form in of_first] == posted
    assert of_first[-1]["ErrorCode"] == str(code)
    assert [message.sid for message in twilio.phone(CONTACT).inbox] == [second.sid]


def test_phone_that_was_set_to_fail_fails_without_a_fault(twilio: Emulator) -> None:
    """What ``will`` says comes first, and does not use up a fault."""
    rule = twilio.faults.add(Fault("message-failed", count=1, error_code=30007))
    twilio.phone(CONTACT).will("failed", 30004)
    send(twilio)
    twilio.settle()

    assert [message.error_code for message in twilio.outbox] == [30004]
    assert twilio.faults.all() == [rule]


@pytest.mark.parametrize(("to", "status"), [(BRITISH, "undelivered"), (GERMAN, "")], ids=["UK", "Germany"])
def test_landline_is_refused_at_once_in_most_countries(twilio: Emulator, to: str, status: str) -> None:
    """In the US, Canada and the UK Twilio tries, and reports 30006 later."""
    twilio.faults.add(Fault("message-landline", contact=to))
    refusals = []
    try:
        twilio.client().messages.create(to=to, from_=NUMBER, body="hello")
    except TwilioRestException as refused:
        refusals.append((refused.status, refused.code))
    twilio.settle()

    assert refusals == ([] if status else [(400, 21614)])
    assert [(message.status, message.error_code) for message in twilio.outbox] == ([(status, 30006)] if status else [])


def test_reply_to_a_landline_is_reported(twilio: Emulator) -> None:
    """A reply has no client that could be told."""
    twilio.faults.add(Fault("message-landline", contact=GERMAN))
    reply = twilio.phone(GERMAN).text("hello")

    assert [(message.status, message.error_code) for message in reply.messages] == [("failed", 21614)]
    assert codes(reply.problems) == [21614]


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        pytest.param({"to": WHATSAPP, "from_": OURS, "body": "hello"}, ("failed", 63016), id="text"),
        pytest.param({"to": WHATSAPP, "from_": OURS, "content_sid": TEMPLATE}, ("delivered", None), id="template"),
        pytest.param({"to": CONTACT, "from_": NUMBER, "body": "hello"}, ("delivered", None), id="SMS"),
    ],
)
def test_only_templates_are_delivered_after_the_window_has_closed(
    twilio: Emulator, parameters: dict[str, Any], outcome: tuple[str, int | None]
) -> None:
    """WhatsApp takes a free text only within 24 hours of the contact's last one."""
    twilio.faults.add("message-window-closed")
    twilio.client().messages.create(**parameters)
    twilio.settle()

    assert [(message.status, message.error_code) for message in twilio.outbox] == [outcome]


def test_phone_replies_by_itself(twilio: Emulator, program: Program) -> None:
    """The program cannot tell whether a person has read its message."""
    program.answers("/message", say("noted"))
    twilio.faults.add(Fault("message-auto-reply", count=1, text="Driving, call you later"))
    send(twilio)
    twilio.settle()

    (received,) = program.received
    assert received.form["Body"] == "Driving, call you later"
    assert (received.form["From"], received.form["To"]) == (CONTACT, NUMBER)
    assert [message.body for message in twilio.outbox] == ["hello", "noted"]


def test_automatic_reply_to_a_number_that_is_not_ours_goes_nowhere(program: Program) -> None:
    """Without a seed a client may send from any number, but nobody answers there; neither at one that was deleted."""
    with emulator() as twilio:
        rule = twilio.faults.add("message-auto-reply")
        send(twilio)
        twilio.settle()
        unused = twilio.faults.all() == [rule]
        number = twilio.add_number(NUMBER, program.answers("/message", say("noted")))
        send(twilio)
        twilio.advance(1.5)
        twilio.client().incoming_phone_numbers(number.sid).delete()
        twilio.settle()

    assert (unused, [each.happened for each in twilio.faults.all()]) == (True, [1])
    assert program.received == []


def test_service_sends_from_another_number(program: Program) -> None:
    """A contact gets the messages of one conversation from two numbers, and may reply to either."""
    with emulator(seed=POOL) as twilio:
        create = twilio.client().messages.create
        for n in range(3):
            if n == 1:
                twilio.faults.add(Fault("message-other-number", count=1))
            create(to=CONTACT, messaging_service_sid=SERVICE, body="hello")
            twilio.settle()
        senders = [message.from_ for message in twilio.outbox]

    assert senders == [NUMBER, OTHER, OTHER]


def test_service_with_one_number_sends_from_it() -> None:
    """There is no other."""
    seed = {"numbers": POOL["numbers"][:1], "services": [{"sid": SERVICE, "numbers": [NUMBER]}]}
    with emulator(seed=seed) as twilio:
        rule = twilio.faults.add("message-other-number")
        for _ in range(2):
            twilio.client().messages.create(to=CONTACT, messaging_service_sid=SERVICE, body="hello")
            twilio.settle()

        assert [message.from_ for message in twilio.outbox] == [NUMBER, NUMBER]
        assert twilio.faults.all() == [rule]
