"""Texts from the page: with pictures, late, once more, twice with the same sid; on WhatsApp too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.phone_page.page_client import PNG, PageClient
from tests.emulator.program import CONTACT, MONDAY, NUMBER, Answer, Program, codes, say, twiml
from twiml_app.emulator import Emulator
from twiml_app.emulator.phone_page.texting import MAX_LATE

WHATSAPP = f"whatsapp:{CONTACT}"


def messages(page: PageClient, contact: str = CONTACT, number: str = NUMBER) -> list[Any]:
    """Return the messages of a conversation, oldest first."""
    found: list[Any] = page.get("messages", contact=contact, number=number).json["messages"]
    return found[::-1]


def test_text_is_answered_by_the_program(page: PageClient, twilio: Emulator) -> None:
    """The page is a phone."""
    sent = page.text("hi <b>&\U0001f600")
    twilio.settle()

    assert sent["inbound"]["body"] == "hi <b>&\U0001f600"
    assert [reply["body"] for reply in sent["replies"]] == ["hello"]
    assert [(each["direction"], each["body"], each["status"], each["can"]) for each in messages(page)] == [
        ("inbound", "hi <b>&\U0001f600", "received", ["again", "duplicate"]),
        ("outbound-reply", "hello", "delivered", []),
    ]


def test_picture_reaches_the_program_and_is_shown(page: PageClient, program: Program) -> None:
    """Pictures are uploaded, and served by the emulator, not by another site."""
    uploaded = page.upload("texts", {"contact": CONTACT, "body": "look"}, ("cat.png", "image/png", PNG))

    (shown,) = uploaded.json["inbound"]["media"]
    assert program.received[-1].form["MediaContentType0"] == "image/png"
    assert {**shown, "url": ""} == {"url": "", "content_type": "image/png", "is_image": True, "bytes": len(PNG)}
    picture = page.get(shown["url"])
    assert (picture.content, picture.headers["Content-Type"]) == (PNG, "image/png")


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/vcard", "application/pdf"])
def test_what_a_browser_could_run_is_only_a_download(page: PageClient, kind: str) -> None:
    """An SVG image can have scripts, and everything that is served here is of the page's own origin."""
    content = b"%PDF-" if "pdf" in kind else b"<svg onload='alert(1)'/>"
    uploaded = page.upload("texts", {"contact": CONTACT}, ("file", kind, content))
    saved = page.get(uploaded.json["inbound"]["media"][0]["url"])

    assert saved.content == content
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith("attachment; ")
    assert saved.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert saved.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "kind", "content", "status", "problem"),
    [
        pytest.param("a.html", "text/html", b"<html>", 400, "it is an HTML page", id="page"),
        pytest.param("a.exe", "application/x-msdownload", b"MZ", 400, "it is a program", id="program"),
        pytest.param("a.png", "image/png", b"GIF89a", 400, "its bytes are those of image/gif", id="other bytes"),
        pytest.param("a.png", "image/png", b"", 400, "it is empty", id="empty"),
        pytest.param("a", "application/octet-stream", b"x", 400, "the kind of file is unknown", id="unknown"),
        pytest.param("a.txt", "text/plain", b"x" * (5 * 1024 * 1024 + 1), 413, "bytes together", id="too big"),
        pytest.param("a.txt", "text/plain", b"x" * (6 * 1024 * 1024), 413, "Too Large", id="much too big"),
    ],
)
def test_files_that_twilio_would_refuse_are_refused(
    page: PageClient, name: str, kind: str, content: bytes, status: int, problem: str
) -> None:
    """What works here works there."""
    refused = page.upload("texts", {"contact": CONTACT}, (name, kind, content))

    assert (refused.status, problem in refused.error) == (status, True), refused.error


@pytest.mark.parametrize(
    ("fields", "status", "problem"),
    [
        pytest.param({"body": ""}, 400, "there is nothing to send", id="empty"),
        pytest.param({"body": "x" * 1601}, 400, "at most 1600 characters", id="too long"),
        pytest.param({"contact": "nobody"}, 400, "contact is 'nobody'", id="contact"),
        pytest.param({"number": "+15550001111"}, 409, "is not one of your numbers", id="foreign number"),
        pytest.param({"fault": "api-429"}, 409, "does not happen to a text", id="fault of the API"),
        pytest.param({"late_s": 86_401}, 400, "late_s must be a number from 0 to 86400", id="too late"),
    ],
)
def test_texts_that_cannot_be_sent_are_refused(
    page: PageClient, fields: dict[str, Any], status: int, problem: str
) -> None:
    """The page shows why."""
    refused = page.post("texts", **{"contact": CONTACT, "number": NUMBER, "body": "hi", **fields})

    assert (refused.status, problem in refused.error) == (status, True), refused.error


def test_fault_happens_to_one_text(page: PageClient, program: Program) -> None:
    """A menu of the page offers the faults of texts and webhooks."""
    page.text("hi", fault="webhook-duplicate")
    page.text("again")

    assert [each.form["Body"] for each in program.received] == ["hi", "hi", "again"]


def test_late_text_arrives_when_the_clock_is_there(page: PageClient, twilio: Emulator, program: Program) -> None:
    """A program sees texts in another order than they were written."""
    late = page.post("texts", contact=CONTACT, number="", body="first", late_s=60)
    page.text("second")
    twilio.settle()
    assert (late.status, late.json) == (202, {"due": MONDAY + 60})
    assert [each.form["Body"] for each in program.received] == ["second"]

    twilio.advance(60)
    assert [each.form["Body"] for each in program.received] == ["second", "first"]


def test_number_of_late_texts_is_bounded(page: PageClient, twilio: Emulator) -> None:
    """They are kept in memory; a reset drops them."""
    for _ in range(MAX_LATE):
        assert page.post("texts", contact=CONTACT, number="", body="hi", late_s=60).status == 202
    assert page.post("texts", contact=CONTACT, number="", body="hi", late_s=60).status == 409

    page.post("reset")
    assert page.post("texts", contact=CONTACT, number="", body="hi", late_s=60).status == 202


def test_again_is_another_message_and_duplicate_is_the_same(page: PageClient, program: Program) -> None:
    """The program has to answer one of them, and to recognize the other."""
    uploaded = page.upload("texts", {"contact": CONTACT, "body": "hi"}, ("cat.png", "image/png", PNG)).json
    sid = uploaded["inbound"]["sid"]
    again = page.post(f"messages/{sid}/again")
    duplicate = page.post(f"messages/{sid}/duplicate")

    first, second, third = (each.form for each in program.received)
    assert (again.status, again.json["inbound"]["body"], len(again.json["inbound"]["media"])) == (201, "hi", 1)
    assert second["MessageSid"] == again.json["inbound"]["sid"] != sid
    assert third.pairs == first.pairs
    assert duplicate.json == {"status": 200, "is_same": True, "problem": ""}
    assert [each["body"] for each in messages(page)] == ["hi", "hello", "hi", "hello"]  # nothing is sent twice


def test_duplicate_with_another_answer_or_none_is_noticed(page: PageClient, program: Program) -> None:
    """A program without a journal answers twice."""
    program.answers("/message", say("one"), say("two"), Answer(status=500))
    sid = page.text("hi")["inbound"]["sid"]

    assert page.post(f"messages/{sid}/duplicate").json == {"status": 200, "is_same": False, "problem": ""}
    assert page.post(f"messages/{sid}/duplicate").json == {"status": 500, "is_same": False, "problem": "answered 500"}


def test_replies_are_not_sent_again_by_a_phone(page: PageClient) -> None:
    """A phone sends only its own texts."""
    reply = page.text("hi")["replies"][0]["sid"]

    assert page.post(f"messages/{reply}/again").status == 409
    assert page.post("messages/SM1/again").status == 404


def test_phone_on_whatsapp_needs_no_setting(page: PageClient, twilio: Emulator, program: Program) -> None:
    """Its texts reach the same program, from and to the addresses of WhatsApp."""
    sent = page.post("texts", contact=WHATSAPP, number=NUMBER, body="hi").json
    twilio.settle()
    received = program.received[-1].form

    assert (received["From"], received["To"]) == (WHATSAPP, f"whatsapp:{NUMBER}")
    assert [each["status"] for each in messages(page, WHATSAPP, f"whatsapp:{NUMBER}")] == ["received", "delivered"]
    assert sent["replies"][0]["contact"] == WHATSAPP
    assert page.text("back")["inbound"]["number"] == NUMBER  # still the only number of phones
    assert {each["channel"] for each in page.get("conversations").json["conversations"]} == {"sms", "whatsapp"}


def test_stop_is_answered_by_twilio_and_shown(page: PageClient, twilio: Emulator) -> None:
    """The page marks the conversation."""
    stopped = page.text("STOP")

    assert "unsubscribed" in stopped["twilio_says"]
    assert [each["is_opted_out"] for each in page.get("conversations").json["conversations"]] == [True]
    page.text("START")
    assert [each["is_opted_out"] for each in page.get("conversations").json["conversations"]] == [False]


def test_problem_of_an_answer_is_counted(page: PageClient, twilio: Emulator, program: Program) -> None:
    """The page shows the message in red."""
    program.answers("/message", twiml("<Dial/>"))
    inbound = page.text("hi")["inbound"]

    assert (inbound["problems"], codes(twilio.debugger)) == (1, [14110])
