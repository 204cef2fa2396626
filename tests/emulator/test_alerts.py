"""The webhook of the debugger: each entry is posted once, and its own failures are not reported."""

from __future__ import annotations

import pytest

from tests.emulator.program import CONTACT, NOTHING, NUMBER, PASSWORD, Answer, Program, codes, emulator, say, send
from twiml_app.alerts import Alert
from twiml_app.emulator import ACCOUNT_SID, Emulator
from twiml_app.emulator.alerts import MAX_WAITING
from twiml_app.errors import ConfigurationError
from twiml_app.events import parse_event

BROKEN = Answer(b"sorry", 500, "text/plain")


def alerts_of(program: Program) -> list[Alert]:
    """Return the alerts that a program received, as its handlers would get them."""
    events = [parse_event(request.form) for request in program.at("/alert")]
    return [event for event in events if isinstance(event, Alert)]


def reporting(program: Program, *answers: Answer, **options: object) -> Emulator:
    """Return an emulator whose debugger has a webhook, and a program whose Message URL fails."""
    twilio = emulator(debugger_url=program.answers("/alert", *(answers or (NOTHING,))), **options)
    twilio.add_number(NUMBER, program.answers("/message", BROKEN))
    return twilio


def test_entry_of_the_debugger_is_posted_with_the_request_that_failed(program: Program) -> None:
    """A handler needs to know which text was lost, and where."""
    with reporting(program) as twilio:
        sid = twilio.phone(CONTACT).text("hello").inbound.sid
        before = program.at("/alert")
        twilio.settle()
        (entry,) = twilio.debugger

    (request,), (alert,) = program.at("/alert"), alerts_of(program)
    assert (before, request.method, request.signed) == ([], "POST", "HMAC_SHA1")
    assert (alert.sid, alert.account_sid, alert.level, alert.error_code) == (entry.sid, ACCOUNT_SID, "error", 11200)
    assert (alert.resource_sid, alert.message, alert.contact, alert.number) == (sid, entry.text, CONTACT, NUMBER)
    assert alert.timestamp == "2026-11-23T00:00:00.000Z"
    assert alert.webhook["request"]["url"] == program.bare("/message")
    assert alert.webhook["request"]["parameters"]["Body"] == "hello"


def test_failed_status_callback_is_reported_with_its_parameters(program: Program) -> None:
    """It is a request about a message that was sent."""
    with reporting(program) as twilio:
        send(twilio, status_callback=program.answers("/status", BROKEN))
        twilio.settle()

    alerts = alerts_of(program)
    assert {alert.error_code for alert in alerts} == {11200}
    assert {(alert.contact, alert.number) for alert in alerts} == {(CONTACT, NUMBER)}
    assert "delivered" in [alert.webhook["request"]["parameters"]["MessageStatus"] for alert in alerts]


def test_entry_without_a_request_is_posted_too(program: Program) -> None:
    """Not all entries are about a webhook."""
    with reporting(program) as twilio:
        program.answers("/message", say("hello"))
        message = twilio.phone(CONTACT).text("hello").inbound
        twilio._parts.debugger.add(30018, "pre-registration", message=message)
        twilio.settle()

    assert [(alert.error_code, alert.webhook) for alert in alerts_of(program)] == [(30018, {})]


def test_credentials_of_the_url_are_sent() -> None:
    """The application authenticates alerts like all webhooks."""
    with Program(auth="basic") as program, reporting(program) as twilio:
        twilio.phone(CONTACT).text("hello")
        twilio.settle()

        assert [alert.error_code for alert in alerts_of(program)] == [11200]
        assert [logged.url for logged in twilio.webhooks if PASSWORD in logged.url] == []


@pytest.mark.parametrize("answer", [BROKEN, Answer(status=401), Answer(raw=b"")], ids=["500", "401", "nothing"])
def test_failure_of_the_webhook_itself_is_not_reported(
    program: Program, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise each failure would be followed by the next."""
    with reporting(program, answer) as twilio:
        twilio.phone(CONTACT).text("hello")

        assert twilio.settle()
        assert codes(twilio.debugger) == [11200]

    assert "the webhook of the debugger failed" in caplog.text


def test_no_url_means_no_requests(program: Program, twilio: Emulator) -> None:
    """Most tests read the debugger instead."""
    program.answers("/message", BROKEN)
    twilio.phone(CONTACT).text("hello")
    twilio.settle()

    assert (codes(twilio.debugger), program.paths) == ([11200], ["/message"])


def test_entries_that_wait_are_limited(program: Program) -> None:
    """A stepped clock may never move."""
    with reporting(program) as twilio:
        entry = twilio._parts.debugger.add
        message = twilio.phone(CONTACT).text("hello").inbound
        for _ in range(MAX_WAITING + 5):
            entry(30007, "filtered", message=message)
        waiting = twilio._parts.schedule._waiting
        twilio.reset()
        twilio.phone(CONTACT).text("again")
        twilio.settle()

    assert waiting == MAX_WAITING
    assert [alert.webhook["request"]["parameters"]["Body"] for alert in alerts_of(program)] == ["again"]


def test_url_of_another_scheme_is_refused() -> None:
    """It could never be called."""
    with pytest.raises(ConfigurationError, match="debugger_url: it must begin with http"):
        emulator(debugger_url="ftp://sms.example.com/alert")
