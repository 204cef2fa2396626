"""Faults of webhooks: what a program receives, and what Twilio makes of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.program import (
    CONTACT,
    NOTHING,
    NUMBER,
    XML,
    Answer,
    Program,
    codes,
    emulator,
    say,
    send,
)
from twiml_app.emulator import Emulator, Fault


def test_duplicate_arrives_twice_and_is_answered_once(twilio: Emulator, program: Program) -> None:
    """A program that handles it twice would do its work twice; Twilio sends the first answer."""
    program.answers("/message", say("first"), say("second"))
    twilio.faults.add(Fault("webhook-duplicate", count=1))
    reply = twilio.phone(CONTACT).text("hello")
    first, second = program.received

    assert reply.texts == ["first"]
    assert first.form["MessageSid"] == second.form["MessageSid"] == reply.inbound.sid
    assert first.headers["i-twilio-idempotency-token"] != second.headers["i-twilio-idempotency-token"]
    assert (first.signed, second.signed) == ("HMAC_SHA1", "HMAC_SHA1")
    assert reply.problems == []


def test_retry_repeats_the_request_and_uses_its_answer(twilio: Emulator, program: Program) -> None:
    """Twilio never saw the first answer: only a second one with the same content keeps the promise."""
    program.answers("/message", say("first"), say("second"))
    twilio.faults.add(Fault("webhook-retry", count=1))
    reply = twilio.phone(CONTACT).text("hello")
    first, second = program.received

    assert reply.texts == ["second"]
    assert (first.form, first.headers) == (second.form, second.headers)
    assert reply.problems == []


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_retry_comes_after_the_challenge(auth: str) -> None:
    """The request whose answer is lost is the one that the program handled."""
    with Program(auth) as program, emulator() as twilio:
        twilio.add_number(NUMBER, program.answers("/message", say("first"), say("second")))
        twilio.faults.add(Fault("webhook-retry", count=1))

        assert twilio.phone(CONTACT).text("hello").texts == ["second"]
        assert [request.status for request in program.received] == [401, 200, 200]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        pytest.param("webhook-late", "no answer in time (the fault webhook-late)", id="late"),
        pytest.param("webhook-cut", "the connection broke before the answer (the fault webhook-cut)", id="cut"),
    ],
)
def test_answer_that_never_arrives_is_not_used(twilio: Emulator, program: Program, kind: str, problem: str) -> None:
    """The program has done its work, and Twilio asks the fallback URL."""
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))
    twilio.faults.add(Fault(kind, count=1))
    reply = twilio.phone(CONTACT).text("hello")

    assert program.paths == ["/message", "/fallback"]
    assert (reply.texts, program.received[1].form["ErrorCode"]) == (["sorry"], "11200")
    assert [(entry.code, entry.text.startswith(problem)) for entry in reply.problems] == [(11200, True)]


def test_late_answer_is_asked_for_again_if_the_url_says_so(twilio: Emulator, program: Program) -> None:
    """Only the first answer is late: with ``rp=rt`` the retry brings the stored one."""
    twilio.add_number(NUMBER, program.answers("/message", say("first"), say("second")) + "#rc=1&rp=rt")
    twilio.faults.add(Fault("webhook-late", count=1))
    reply = twilio.phone(CONTACT).text("hello")
    first, second = program.received

    assert (reply.texts, reply.problems) == (["second"], [])
    assert first.headers["i-twilio-idempotency-token"] == second.headers["i-twilio-idempotency-token"]


def test_dropped_webhook_does_not_arrive(twilio: Emulator, program: Program) -> None:
    """Not even the retry that Twilio makes by default reaches the program; the fallback URL is called."""
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))
    twilio.faults.add(Fault("webhook-drop", count=1))
    reply = twilio.phone(CONTACT).text("hello")

    assert (program.paths, reply.texts, codes(reply.problems)) == (["/fallback"], ["sorry"], [11205])
    assert program.received[0].form["ErrorCode"] == "11205"


@pytest.mark.parametrize("key_id", ["", "SK1"], ids=["token", "shared key"])
@pytest.mark.parametrize(
    ("kind", "is_signed"),
    [pytest.param("webhook-wrong-signature", True, id="wrong"), pytest.param("webhook-no-signature", False, id="none")],
)
def test_signature_is_wrong_or_missing(
    twilio: Emulator, program: Program, kind: str, is_signed: bool, key_id: str
) -> None:
    """A program that answers these requests does not check the signature."""
    if key_id:
        program.secrets = ("shared",)
        twilio.sign_with(key_id, "shared")
    twilio.faults.add(Fault(kind, count=1))
    replies = [twilio.phone(CONTACT).text("hello") for _ in range(2)]
    forged, genuine = program.received

    assert (forged.signed, "x-twilio-signature" in forged.headers) == ("", is_signed)
    assert genuine.signed == ("HMAC_SHA256" if key_id else "HMAC_SHA1")
    assert [reply.text for reply in replies] == ["hello", "hello"]


@pytest.mark.parametrize(
    ("kind", "requests"),
    [
        pytest.param("webhook-wrong-credentials", 2, id="wrong"),
        pytest.param("webhook-no-credentials", 1, id="none"),
    ],
)
def test_credentials_are_wrong_or_missing(kind: str, requests: int) -> None:
    """The program refuses the request with its challenge, and Twilio reports that; the next message is let in."""
    with Program("basic") as program, emulator() as twilio:
        twilio.add_number(NUMBER, program.answers("/message", say("hello")))
        twilio.faults.add(Fault(kind, count=1))
        refused, answered = [twilio.phone(CONTACT).text("hello") for _ in range(2)]

    assert (refused.texts, codes(refused.problems), answered.texts) == ([], [11200], ["hello"])
    assert [request.status for request in program.received] == [401] * requests + [401, 200]
    assert {request.signed for request in program.received} == {"HMAC_SHA1"}


@pytest.mark.parametrize(
    ("options", "posted"),
    [
        pytest.param({"event": "status"}, ["/message", "/status", "/status", "/status"], id="status"),
        pytest.param({"event": "message"}, ["/message", "/message", "/status", "/status"], id="message"),
        pytest.param({"path": "POST /st"}, ["/message", "/status", "/status", "/status"], id="path"),
        pytest.param({"contact": "+15558675311"}, ["/message", "/status", "/status"], id="another contact"),
        pytest.param({"number": NUMBER}, ["/message", "/message", "/status", "/status"], id="number"),
    ],
)
def test_fault_can_be_for_some_webhooks(
    twilio: Emulator, program: Program, options: dict[str, Any], posted: list[str]
) -> None:
    """Status callbacks and messages take different ways in a program."""
    status_url = program.answers("/status", NOTHING)
    program.answers(
        "/message", Answer(f'{XML}<Response><Message action="{status_url}">hi</Message></Response>'.encode())
    )
    twilio.faults.add(Fault("webhook-duplicate", count=1, **options))
    twilio.phone(CONTACT).text("hello")
    twilio.settle()

    assert program.paths == posted


def test_status_callback_that_is_dropped_is_reported(twilio: Emulator, program: Program) -> None:
    """Nobody sends it again: the program learns the status of the message only by asking for it."""
    twilio.faults.add(Fault("webhook-drop", count=1))
    send(twilio, status_callback=program.answers("/status", NOTHING))
    twilio.settle()

    assert [request.form["MessageStatus"] for request in program.received] == ["delivered"]
    assert codes(twilio.debugger) == [11205]


def test_duplicate_of_a_webhook_that_fails_is_sent_as_well(twilio: Emulator, program: Program) -> None:
    """The failure of the first request is reported, and that of the second is not."""
    program.answers("/message", Answer(status=500))
    twilio.faults.add(Fault("webhook-duplicate", count=1))
    reply = twilio.phone(CONTACT).text("hello")

    assert ([request.status for request in program.received], codes(reply.problems)) == ([500, 500], [11200])
