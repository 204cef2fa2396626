"""Status callbacks: the form posted for each status, and how the answer is checked."""

from __future__ import annotations

from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.emulator.program import (
    CONTACT,
    NOTHING,
    NUMBER,
    SERVICE,
    Answer,
    Program,
    codes,
    emulator,
    send,
)
from tests.servers import LIMIT_S
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator


def send_legacy(twilio: Emulator, version: str, **parameters: str) -> None:
    """Send a message through the legacy resource."""
    url = f"{twilio.url}/{version}/Accounts/{ACCOUNT_SID}/SMS/Messages"
    form = urlencode({"From": NUMBER, "To": CONTACT, "Body": "hello"} | parameters).encode()
    headers = {"Authorization": basic_header(Credentials(ACCOUNT_SID, AUTH_TOKEN))}
    with urlopen(Request(url, form, headers), timeout=LIMIT_S) as answer:
        assert answer.status == 201


STATUS = {
    "SmsSid": "SM00000000000000000000000000000002",
    "SmsStatus": "delivered",
    "MessageStatus": "delivered",
    "To": "+15558675310",
    "MessageSid": "SM00000000000000000000000000000002",
    "AccountSid": "AC0123456789abcdef0123456789abcdef",
    "From": "+15017122661",
    "ApiVersion": "2010-04-01",
}


@pytest.mark.parametrize(
    ("profile", "pairs"),
    [
        pytest.param("current", STATUS | {"RawDlrDoneDate": "2611230000"}, id="today"),
        pytest.param("2014", STATUS, id="2014"),
    ],
)
def test_status_is_posted_with_all_parameters(program: Program, profile: str, pairs: dict[str, str]) -> None:
    """A program may use any of them, and all are signed."""
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER)
        send(twilio, status_callback=program.answers("/status", NOTHING))
        assert twilio.settle()
        posted = program.at("/status")

        assert [request.form["MessageStatus"] for request in posted] == ["sent", "delivered"]
        assert dict(posted[-1].form.pairs) == pairs
        assert "RawDlrDoneDate" not in posted[0].form
        assert twilio.debugger == []


def test_failure_is_posted_with_its_error_code(twilio: Emulator, program: Program) -> None:
    """Other statuses have no ErrorCode."""
    twilio.phone(CONTACT).will("undelivered", 30005)
    send(twilio, status_callback=program.answers("/status", NOTHING))
    assert twilio.settle()

    assert [(request.form["MessageStatus"], request.form.get("ErrorCode")) for request in program.at("/status")] == [
        ("sent", None),
        ("undelivered", "30005"),
    ]


def test_status_of_a_service_has_the_sid_of_the_service(program: Program) -> None:
    """The status callback of the service is the default for its messages."""
    url = program.answers("/service", NOTHING)
    services = [{"sid": SERVICE, "numbers": [NUMBER], "status_callback": url}]
    with emulator(seed={"numbers": [{"phone_number": NUMBER}], "services": services}) as twilio:
        twilio.client().messages.create(to=CONTACT, messaging_service_sid=SERVICE, body="hello")
        assert twilio.settle()

        assert [
            (request.form["MessageStatus"], request.form["MessagingServiceSid"]) for request in program.received
        ] == [
            ("queued", SERVICE),
            ("sent", SERVICE),
            ("delivered", SERVICE),
        ]


@pytest.mark.parametrize(
    ("version", "pairs"),
    [
        pytest.param(
            "2010-04-01",
            [
                ("SmsSid", "SM00000000000000000000000000000002"),
                ("SmsStatus", "sent"),
                ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
                ("From", "+15017122661"),
                ("To", "+15558675310"),
                ("ApiVersion", "2010-04-01"),
            ],
            id="2010",
        ),
        pytest.param(
            "2008-08-01",
            [
                ("SmsSid", "SM00000000000000000000000000000002"),
                ("SmsStatus", "sent"),
                ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
                ("From", "5017122661"),
                ("To", "5558675310"),
            ],
            id="2008",
        ),
    ],
)
def test_status_of_a_legacy_resource_has_legacy_parameters(
    program: Program, version: str, pairs: list[tuple[str, str]]
) -> None:
    """Only sent or failed is posted, once, without Message parameters."""
    with emulator() as twilio:
        twilio.add_number(NUMBER)
        send_legacy(twilio, version, StatusCallback=program.answers("/status", NOTHING))
        assert twilio.settle()

        assert [list(request.form.pairs) for request in program.received] == [pairs]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(NOTHING, None, id="204"),
        pytest.param(Answer(content_type=""), None, id="200 without a body"),
        pytest.param(Answer(b"OK", content_type="text/plain; charset=utf-8"), None, id="text"),
        pytest.param(Answer(b"<Response/>"), None, id="TwiML"),
        pytest.param(Answer(b"<html/>", content_type="Text/HTML"), None, id="HTML page"),
        pytest.param(Answer(b'{"ok": true}', content_type="application/json"), 12300, id="JSON"),
        pytest.param(Answer(b"OK", content_type=""), 12300, id="no content type"),
        pytest.param(Answer(status=500), 11200, id="500"),
        pytest.param(Answer(status=403), 11200, id="403"),
        pytest.param(Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), 11206, id="another protocol"),
        pytest.param(Answer(status=302, headers=(("Location", "/status"),)), 11215, id="redirect loop"),
        pytest.param(
            Answer(status=302, headers=(("Location", "ftp://127.0.0.1/"),)), 11100, id="redirect to an FTP URL"
        ),
    ],
)
def test_answer_to_a_status_is_checked(twilio: Emulator, program: Program, answer: Answer, code: int | None) -> None:
    """It has no effect, but the debugger reports the errors that Twilio reports."""
    twilio.phone(CONTACT).will("sent")
    message = send(twilio, status_callback=program.answers("/status", answer))
    assert twilio.settle()

    assert [(entry.code, entry.message_sid, entry.url) for entry in twilio.debugger] == (
        [(code, message.sid, program.bare("/status"))] if code else []
    )
    assert message.fetch().status == "sent"


def test_status_that_reaches_nobody_is_told(twilio: Emulator, dead_url: str) -> None:
    """The program is not running: the message is delivered all the same."""
    message = send(twilio, status_callback=f"{dead_url}/status")
    assert twilio.settle()

    assert codes(twilio.debugger) == [11205, 11205]
    assert message.fetch().status == "delivered"
