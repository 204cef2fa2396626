"""What happened with a message: requests, proofs, handler, TwiML, replies, callbacks, problems."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.emulator.phone_page.page_client import PageClient
from tests.emulator.program import CONTACT, NOTHING, NUMBER, XML, Answer, Program, say, twiml
from twiml_app.emulator import Emulator


def inspect(page: PageClient, sid: str) -> Any:
    """Return what is known of a message."""
    return page.get(f"messages/{sid}").json


def test_round_trip_of_credentials_the_handler_and_its_answer_are_shown(
    page: PageClient, twilio: Emulator, program: Program
) -> None:
    """Everything between the text and the reply."""
    program.auth = "basic"
    handler = (("X-Twiml-Handler", "hello.greet"), ("X-Twiml-Handler-Ms", "12.5"))
    program.answers("/message", replace(say("hello"), headers=handler))
    twilio.add_number(NUMBER, program.url("/message"))
    shown = inspect(page, page.text("hi")["inbound"]["sid"])
    challenge, answered = shown["requests"]

    assert (challenge["step"], challenge["status"], challenge["user"]) == ("challenge", 401, "")
    assert challenge["verdict"] == "The program asked for credentials; the next request has them."
    assert (answered["what"], answered["step"], answered["status"], answered["user"]) == (
        "message",
        "answer",
        200,
        "sms",
    )
    assert answered["verdict"] == (
        "The program accepted the request (signed with the account's token, with the credentials of sms)."
    )
    assert answered["url"] == program.bare("/message")
    assert (answered["parameters"]["Body"], answered["signature"]) == ("hi", "right")
    assert (answered["handler"], answered["handler_ms"], answered["exception"]) == ("hello.greet", 12.5, "")
    assert answered["body"] == f"{XML}<Response><Message>hello</Message></Response>"
    assert [each["body"] for each in shown["made"]] == ["hello"]
    assert shown["answer_ms"] == 15_000


def test_reply_has_its_text_and_its_callbacks(page: PageClient, twilio: Emulator, program: Program) -> None:
    """The statuses that the program was told of, and what it answered."""
    program.answers("/message", twiml('<Message action="/status">hello</Message>'))
    program.answers("/status", NOTHING)
    sent = page.text("hi")
    twilio.settle()
    shown = inspect(page, sent["replies"][0]["sid"])

    assert shown["parent"] == sent["inbound"]["sid"]
    assert [(each["what"], each["parameters"]["MessageStatus"], each["status"]) for each in shown["requests"]] == [
        ("status", "sent", 204),
        ("status", "delivered", 204),
    ]


def test_reply_without_callbacks_says_why(page: PageClient, twilio: Emulator, program: Program) -> None:
    """Nobody asked for them, or nothing has happened yet, or they are not there."""
    program.answers("/message", say("hello"))
    program.answers("/asked", twiml('<Message action="/status">hello</Message>'))
    program.answers("/status", NOTHING)
    plain = page.text("hi")["replies"][0]["sid"]
    twilio.add_number(NUMBER, program.url("/asked"))
    asked = page.text("hi")["replies"][0]["sid"]
    waits = inspect(page, asked)["untold"]
    page.post(f"messages/{asked}/status", status="delivered")

    assert inspect(page, plain)["untold"] == (
        "Your program is not told how it ends: the reply has no status callback URL."
    )
    assert waits.startswith("Nothing has happened yet: your program is told at the status callback URL of the reply")
    assert inspect(page, asked)["untold"].startswith("It has ended, but no status callback is known")


def test_failure_shows_the_exception_the_fallback_and_what_to_do(
    page: PageClient, twilio: Emulator, program: Program
) -> None:
    """In red."""
    raised = (("X-Twiml-Exception", "ValueError%3A bad (handlers/hello.py%3A12)"), ("X-Twiml-Handler-Ms", "soon"))
    program.answers("/message", Answer(b"oops", 500, "text/plain", raised))
    program.answers("/fallback", say("sorry"))
    twilio.add_number(NUMBER, fallback_url=program.url("/fallback"))
    shown = inspect(page, page.text("hi")["inbound"]["sid"])
    failed, fallback = shown["requests"]

    assert (failed["step"], failed["exception"]) == ("failed", "ValueError: bad (handlers/hello.py:12)")
    assert (failed["handler"], failed["handler_ms"]) == ("", None)
    assert failed["verdict"].startswith("The program answered 500, which is an error")
    assert (fallback["what"], fallback["step"]) == ("fallback", "answer")
    assert [(each["code"], each["level"]) for each in shown["debugger"]] == [(11200, "error")]
    assert "The application failed: the reason is in its log." in shown["debugger"][0]["text"]
    assert shown["message"]["problems"] == 1


@pytest.mark.parametrize(
    ("fault", "steps", "verdict"),
    [
        pytest.param("webhook-drop", [], "", id="never arrives"),
        pytest.param("webhook-wrong-signature", ["answer"], "(signed with another token, without cred", id="signature"),
        pytest.param("webhook-no-signature", ["answer"], "(not signed, without credentials)", id="no signature"),
    ],
)
def test_faults_of_a_webhook_can_be_seen(page: PageClient, fault: str, steps: list[str], verdict: str) -> None:
    """What went wrong on purpose looks like what goes wrong."""
    requests = inspect(page, page.text("hi", fault=fault)["inbound"]["sid"])["requests"]

    assert [each["step"] for each in requests] == steps
    assert all(verdict in each["verdict"] for each in requests)


def test_redirect_and_refusal_are_told_apart(page: PageClient, program: Program) -> None:
    """One goes on, the other does not."""
    program.answers("/message", Answer(status=302, headers=(("Location", "/other"),)))
    program.answers("/other", Answer(status=403))
    redirect, refused = inspect(page, page.text("hi")["inbound"]["sid"])["requests"]

    assert (redirect["step"], redirect["verdict"]) == ("redirect", "The program redirected to /other.")
    assert (refused["step"], refused["verdict"].startswith("The program refused the request")) == ("failed", True)


def test_program_that_does_not_run_is_shown(page: PageClient, twilio: Emulator, program: Program) -> None:
    """The first thing that goes wrong."""
    twilio.add_number(NUMBER, "http://127.0.0.1:1/message")
    (request, _) = inspect(page, page.text("hi")["inbound"]["sid"])["requests"]

    assert (request["status"], request["step"]) == (0, "failed")
    assert request["verdict"].startswith("The program did not answer (signed")


def test_text_to_a_number_without_a_url_says_so(page: PageClient, twilio: Emulator) -> None:
    """Nobody was asked."""
    twilio.add_number("+15017122662")
    sent = page.post("texts", contact=CONTACT, number="+15017122662", body="hi").json

    assert inspect(page, sent["inbound"]["sid"])["unrouted"] == "+15017122662 has no Message URL"
    twilio.client().incoming_phone_numbers(twilio.numbers[-1].sid).delete()
    assert "is not one of your numbers" in inspect(page, sent["inbound"]["sid"])["unrouted"]
