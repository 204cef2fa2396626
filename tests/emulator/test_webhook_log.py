"""The log of webhooks: every request to the program is recorded, and passed to a watcher."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.emulator.program import CONTACT, NOTHING, NUMBER, XML, Program, say
from twiml_app.caller.types import ConnectFailed, OutgoingRequest
from twiml_app.emulator import Emulator
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.webhook_log import MAX_BODY, MAX_CHARACTERS, MAX_REQUESTS, LoggedWebhook, WebhookLog
from twiml_app.webhook import WebhookResponse

SID = "SM" + "5" * 32
OK = WebhookResponse(status=204)


def asking(
    url: str = "http://a.example/message", body: bytes = f"Body=hi&MessageSid={SID}".encode()
) -> OutgoingRequest:
    """Make a webhook request."""
    return OutgoingRequest(method="POST", url=url, headers=(), body=body, connect_timeout_s=1, read_timeout_s=1)


def webhook_log(answer: WebhookResponse | OSError) -> WebhookLog:
    """Make a log in which every request takes a quarter of a second."""
    times = iter(number / 4 for number in range(10_000))

    def transport(request: OutgoingRequest) -> WebhookResponse:
        if isinstance(answer, OSError):
            raise answer
        return answer

    return WebhookLog(transport, SteppedClock(1000.0), seconds=lambda: next(times))


def test_request_is_recorded_with_its_answer() -> None:
    """The entry also has the sid of the message, and the duration."""
    log = webhook_log(OK)

    assert log(asking()) == OK
    assert log.all() == [
        LoggedWebhook(
            date=1000.0,
            method="POST",
            url="http://a.example/message",
            status=204,
            problem="",
            milliseconds=250,
            message_sid=SID,
            parameters={"Body": "hi", "MessageSid": SID},
            number=1,
        )
    ]


def test_token_of_a_status_url_is_not_recorded() -> None:
    """Anybody who reads the log could post a status with it."""
    log = webhook_log(OK)
    log(asking("http://a.example/status?in_reply_to=SM1&token=secret-token"))

    assert [each.url for each in log.all()] == ["http://a.example/status?in_reply_to=SM1&token=***"]


@pytest.mark.parametrize(
    ("sent", "sid"),
    [
        pytest.param(asking(body=f"SmsSid={SID}&SmsStatus=sent".encode()), SID, id="legacy status"),
        pytest.param(asking(f"http://a.example/message?MessageSid={SID}", b""), SID, id="GET"),
        pytest.param(asking(body=b"\xff\xfe"), "", id="not a form"),
    ],
)
def test_entry_has_the_sid_of_the_message_if_there_is_one(sent: OutgoingRequest, sid: str) -> None:
    """It distinguishes the requests of concurrent messages."""
    log = webhook_log(OK)
    log(sent)

    assert [logged.message_sid for logged in log.all()] == [sid]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        pytest.param(
            ConnectFailed("no connection to a.example"), "no connection to a.example", id="exception with a message"
        ),
        pytest.param(TimeoutError(), "TimeoutError", id="exception without a message"),
    ],
)
def test_request_without_an_answer_is_recorded_with_the_reason(error: OSError, problem: str) -> None:
    """The exception is still raised to the caller."""
    log = webhook_log(error)
    with pytest.raises(type(error)):
        log(asking())

    assert [(logged.status, logged.problem) for logged in log.all()] == [(0, problem)]


def fail(logged: LoggedWebhook) -> None:
    """Raise an exception for every request."""
    raise ValueError(logged)


def test_watcher_is_called_and_may_raise() -> None:
    """A watcher must not affect the request."""
    seen: list[LoggedWebhook] = []
    log = webhook_log(OK)
    log.watcher = seen.append
    log(asking())
    log.watcher = fail

    assert log(asking()) == OK
    assert seen == log.all()[:1]


def test_only_the_latest_requests_are_kept() -> None:
    """An emulator may run for weeks."""
    log = webhook_log(OK)
    for number in range(MAX_REQUESTS + 5):
        log(asking(f"http://a.example/{number}"))

    assert (len(log.all()), log.all()[0].url) == (MAX_REQUESTS, "http://a.example/5")
    log.clear()
    assert log.all() == []


def test_big_answers_displace_old_requests() -> None:
    """A program that answers with long documents does not fill the memory."""
    log = webhook_log(WebhookResponse(status=200, body=b"x" * (MAX_BODY + 1)))
    for _ in range(MAX_CHARACTERS // MAX_BODY + 5):
        log(asking())

    kept = log.all()
    assert {len(each.body) for each in kept} == {MAX_BODY}
    assert sum(each.size for each in kept) <= MAX_CHARACTERS
    assert kept[-1].number - kept[0].number == len(kept) - 1 > 100


def test_entry_of_a_real_webhook_has_parameters_proofs_and_the_answer(twilio: Emulator, program: Program) -> None:
    """It shows what the program was asked, how it could trust that, and what it said."""
    program.auth = "basic"
    handler = (("X-Twiml-Handler", "hello.greet"), ("X-Twiml-Handler-Ms", "1.5"))
    program.answers("/message", replace(say("hello"), headers=handler))
    twilio.add_number(NUMBER, program.url("/message"))
    reply = twilio.phone(CONTACT).text("hi")

    challenged, answered = twilio.webhooks
    assert [(each.status, each.has_credentials, each.user) for each in twilio.webhooks] == [
        (401, False, ""),
        (200, True, "sms"),
    ]
    assert challenged.response_headers["WWW-Authenticate"] == 'Basic realm="My Realm"'
    assert (answered.signed, answered.signature) == (True, "right")
    assert (answered.parameters["Body"], answered.parameters["MessageSid"]) == ("hi", reply.inbound.sid)
    assert answered.body == f"{XML}<Response><Message>hello</Message></Response>"
    assert answered.response_headers == {
        "Content-Type": "text/xml",
        "X-Twiml-Handler": "hello.greet",
        "X-Twiml-Handler-Ms": "1.5",
    }


@pytest.mark.parametrize(
    ("fault", "signature"),
    [
        pytest.param("webhook-wrong-signature", "wrong", id="another token"),
        pytest.param("webhook-no-signature", "", id="none"),
    ],
)
def test_entry_says_whether_the_signature_is_that_of_the_account(
    twilio: Emulator, program: Program, fault: str, signature: str
) -> None:
    """A program that answers such a request does not check signatures."""
    program.answers("/message", NOTHING)
    twilio.phone(CONTACT).text("hi", fault=fault)

    assert [each.signature for each in twilio.webhooks] == [signature]


def test_signature_with_a_shared_key_is_right(twilio: Emulator) -> None:
    """It has another algorithm and another secret."""
    twilio.sign_with("CR1", "a-shared-secret-of-32-characters")
    twilio.phone(CONTACT).text("hi")

    assert [each.signature for each in twilio.webhooks] == ["right"]
