"""The log of webhooks: every request to the program is kept, and passed to a watcher."""

from __future__ import annotations

import pytest

from twiml_app.caller.types import ConnectFailed, OutgoingRequest
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.webhook_log import MAX_REQUESTS, LoggedWebhook, WebhookLog
from twiml_app.webhook import WebhookResponse

SID = "SM" + "5" * 32
OK = WebhookResponse(status=204)


def asking(
    url: str = "http://a.example/message", body: bytes = f"Body=hi&MessageSid={SID}".encode()
) -> OutgoingRequest:
    """Make a request of a webhook."""
    return OutgoingRequest(method="POST", url=url, headers=(), body=body, connect_timeout_s=1, read_timeout_s=1)


def webhook_log(answer: WebhookResponse | OSError) -> WebhookLog:
    """Make a wire on which every request takes a quarter of a second."""
    times = iter(number / 4 for number in range(10_000))

    def transport(request: OutgoingRequest) -> WebhookResponse:
        if isinstance(answer, OSError):
            raise answer
        return answer

    return WebhookLog(transport, SteppedClock(1000.0), seconds=lambda: next(times))


def test_request_is_kept_with_its_answer() -> None:
    """What was asked, of which message, what came back, and how long it took."""
    wired = webhook_log(OK)

    assert wired(asking()) == OK
    assert wired.all() == [
        LoggedWebhook(
            date=1000.0,
            method="POST",
            url="http://a.example/message",
            status=204,
            problem="",
            milliseconds=250,
            message_sid=SID,
        )
    ]


@pytest.mark.parametrize(
    ("sent", "sid"),
    [
        pytest.param(asking(body=f"SmsSid={SID}&SmsStatus=sent".encode()), SID, id="a legacy status"),
        pytest.param(asking(f"http://a.example/message?MessageSid={SID}", b""), SID, id="a GET"),
        pytest.param(asking(body=b"\xff\xfe"), "", id="no form"),
    ],
)
def test_message_is_named_where_it_can_be_told(sent: OutgoingRequest, sid: str) -> None:
    """Several texts at once are told apart by it."""
    wired = webhook_log(OK)
    wired(sent)

    assert [logged.message_sid for logged in wired.all()] == [sid]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        pytest.param(ConnectFailed("no connection to a.example"), "no connection to a.example", id="with words"),
        pytest.param(TimeoutError(), "TimeoutError", id="without"),
    ],
)
def test_request_without_an_answer_is_kept_with_the_reason(error: OSError, problem: str) -> None:
    """And the caller learns of it as before."""
    wired = webhook_log(error)
    with pytest.raises(type(error)):
        wired(asking())

    assert [(logged.status, logged.problem) for logged in wired.all()] == [(0, problem)]


def fail(logged: LoggedWebhook) -> None:
    """Fail at every request."""
    raise ValueError(logged)


def test_watcher_is_told_and_may_fail() -> None:
    """Whoever looks on must not stand in the way."""
    seen: list[LoggedWebhook] = []
    wired = webhook_log(OK)
    wired.watcher = seen.append
    wired(asking())
    wired.watcher = fail

    assert wired(asking()) == OK
    assert seen == wired.all()[:1]


def test_only_the_latest_are_kept() -> None:
    """An emulator may run for weeks."""
    wired = webhook_log(OK)
    for number in range(MAX_REQUESTS + 5):
        wired(asking(f"http://a.example/{number}"))

    assert (len(wired.all()), wired.all()[0].url) == (MAX_REQUESTS, "http://a.example/5")
    wired.clear()
    assert wired.all() == []
