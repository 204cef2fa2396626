"""Statuses that are forced, phones, the clock, faults and the reset."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.phone_page.page_client import PageClient
from tests.emulator.program import CONTACT, MONDAY, NOTHING, NUMBER, Program, send, twiml
from twiml_app.emulator import Emulator
from twiml_app.emulator.fault_kinds import FAULT_KINDS


def reply_in_transit(page: PageClient, program: Program) -> str:
    """Return the sid of a reply that is queued."""
    program.answers("/message", twiml('<Message action="/status">hello</Message>'))
    program.answers("/status", NOTHING)
    return str(page.text("hi")["replies"][0]["sid"])


def reported(program: Program) -> list[str]:
    """Return the statuses that were reported to the program."""
    return [each.form["MessageStatus"] for each in program.at("/status")]


def test_delivered_is_forced_with_its_callbacks(page: PageClient, twilio: Emulator, program: Program) -> None:
    """The program hears of each status, once, and nothing of it happens again when it would have been due."""
    sid = reply_in_transit(page, program)
    forced = page.post(f"messages/{sid}/status", status="delivered").json["message"]
    twilio.settle()

    assert (forced["status"], forced["can"]) == ("delivered", [])
    assert reported(program) == ["sent", "delivered"]
    assert [message.status for message in twilio.phone(CONTACT).inbox] == ["delivered"]


@pytest.mark.parametrize(
    ("moved", "status", "code", "final"),
    [
        pytest.param(0, "failed", 30005, "failed", id="before it is sent"),
        pytest.param(0.5, "failed", 30005, "undelivered", id="after it is sent"),
        pytest.param(0, "opted_out", 21610, "failed", id="opted out"),
    ],
)
def test_failure_is_forced_with_a_code(
    page: PageClient, twilio: Emulator, program: Program, moved: float, status: str, code: int, final: str
) -> None:
    """Handlers of errors can be tried without waiting for one."""
    sid = reply_in_transit(page, program)
    twilio.advance(moved)
    forced = page.post(f"messages/{sid}/status", status=status, error_code=30005).json["message"]
    twilio.settle()

    assert (forced["status"], forced["error"]["code"]) == (final, code)
    assert forced["error"]["text"]
    assert forced["error"]["advice"]
    assert reported(program)[-1] == final
    if status == "opted_out":
        with pytest.raises(TwilioRestException, match="unsubscribed"):
            send(twilio)


def test_later_messages_of_a_queue_still_leave(page: PageClient, twilio: Emulator, program: Program) -> None:
    """A forced one makes room for the next."""
    program.answers("/message", twiml("<Message>1</Message><Message>2</Message><Message>3</Message>"))
    first, second, _ = (reply["sid"] for reply in page.text("hi")["replies"])
    page.post(f"messages/{first}/status", status="failed", error_code=30005)
    page.post(f"messages/{second}/status", status="delivered")
    twilio.settle()

    assert sorted(message.status for message in twilio.outbox) == ["delivered", "delivered", "failed"]


def test_finished_message_cannot_be_forced_except_to_read(page: PageClient, twilio: Emulator) -> None:
    """At Twilio, a final status does not change."""
    contact, number = f"whatsapp:{CONTACT}", f"whatsapp:{NUMBER}"
    sid = page.post("texts", contact=contact, number=NUMBER, body="hi").json["replies"][0]["sid"]
    twilio.settle()
    shown = page.get("messages", contact=contact, number=number).json["messages"][0]
    refused = page.post(f"messages/{sid}/status", status="failed")

    assert (refused.status, refused.error) == (409, "the message is delivered: it is too late to change that")
    assert shown["can"] == ["read"]
    assert page.post(f"messages/{sid}/status", status="read").json["message"]["status"] == "read"


def test_phone_decides_what_becomes_of_messages(page: PageClient, twilio: Emulator) -> None:
    """The outcome "sent" leaves time to force one."""
    phone = page.post("phones", contact="+1 (555) 867-5310", outcome="sent", takes_media=False).json["phone"]
    sid = page.text("hi")["replies"][0]["sid"]
    twilio.settle()
    message = page.get(f"messages/{sid}").json["message"]

    assert phone == {"contact": CONTACT, "outcome": "sent", "error_code": None, "takes_media": False}
    assert page.get("state").json["phones"] == [phone]
    assert (message["status"], message["can"]) == ("sent", ["delivered", "failed", "opted_out"])
    assert page.post("phones", contact=CONTACT, outcome="lost").status == 400
    assert page.post("phones", contact=CONTACT, outcome="sent", takes_media="no").status == 400


def test_clock_is_advanced_settled_and_switched(page: PageClient, twilio: Emulator) -> None:
    """One hour later; and a pending message keeps the time at which it is due."""
    service = twilio.client().messaging.v1.services.create("News")
    twilio.client().messaging.v1.services(service.sid).phone_numbers.create(twilio.numbers[0].sid)
    at = "2026-11-23T02:00:00Z"
    twilio.client().messages.create(
        to=CONTACT, body="later", messaging_service_sid=service.sid, send_at=at, schedule_type="fixed"
    )
    assert page.post("clock", advance=3600).json["clock"]["now"] == MONDAY + 3600

    real = page.post("clock", kind="real").json["clock"]
    assert (real["kind"], real["can_advance"], real["speed"]) == ("real", False, 1.0)
    moved = page.post("clock", advance=600).json["clock"]
    assert (moved["kind"], MONDAY + 4200 <= moved["now"] < MONDAY + 7200) == ("real", True)
    assert page.post("clock", advance=366 * 24 * 3600 + 1).status == 400
    fast = page.post("clock", kind="fast").json["clock"]
    assert MONDAY + 4200 <= fast["now"] < MONDAY + 7200

    page.post("clock", kind="step")
    assert [message.status for message in twilio.outbox] == ["scheduled"]
    page.post("clock", advance=3600, settle=True)
    assert [(message.body, message.status) for message in twilio.outbox] == [("later", "delivered")]


def test_fast_clock_can_be_moved(page: PageClient, twilio: Emulator) -> None:
    """What is due on the way happens then, in its order."""
    page.post("texts", contact=CONTACT, number="", body="late", late_s=86_400)
    page.post("clock", kind="fast")
    page.post("clock", advance=86_400)
    assert twilio.settle()

    for _ in range(200):
        if twilio.outbox:
            break
        page.post("clock", settle=True)
    assert [message.body for message in twilio.outbox] == ["hello"]


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_fault_can_be_set_and_lifted(page: PageClient, kind: str) -> None:
    """Things go wrong on purpose, and right again."""
    added = page.post("faults", kind=kind, count=2, probability=0.5, seed=3, contact=CONTACT)

    assert (added.status, added.json["kind"], added.json["left"]) == (201, kind, 2)
    assert page.get("state").json["faults"] == [added.json]
    assert page.delete(f"faults/{added.json['id']}").json == {"faults": []}
    assert page.delete(f"faults/{added.json['id']}").status == 404


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"kind": "api-418"}, id="unknown"),
        pytest.param({"kind": "api-429", "count": 0}, id="never"),
        pytest.param({"kind": "api-429", "count": "many"}, id="not a number"),
        pytest.param({"kind": "api-429", "probability": 2}, id="more than always"),
        pytest.param({"kind": "api-429", "seconds": 5}, id="without effect"),
        pytest.param({"kind": ["api-429"]}, id="type"),
    ],
)
def test_faults_that_cannot_happen_are_refused(page: PageClient, options: dict[str, Any]) -> None:
    """The page shows why."""
    assert page.post("faults", **options).status == 400


def test_all_faults_can_be_lifted_and_everything_reset(page: PageClient, twilio: Emulator) -> None:
    """One click leads back to the beginning."""
    page.post("faults", kind="api-429")
    assert page.delete("faults").json == {"faults": []}
    page.text("hi")
    page.post("reset")

    assert page.get("conversations").json == {"conversations": [], "more": False}
    assert [each["number"] for each in page.get("state").json["numbers"]] == [NUMBER]
