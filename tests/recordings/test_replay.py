"""Replay: recorded exchanges are sent again, and the report shows exactly the answers that changed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from flask import Flask, redirect, request, session, url_for
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings.exchanges import EMPTY, exchange
from tests.servers import LIMIT_S
from tests.webhook_requests import ACCOUNT, OTHER_ACCOUNT, SID, TOKEN
from twiml_app import InboundMessage, Media, Message, Redirect, Router, StatusCallback
from twiml_app.app import Twiml
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.caller.types import OutgoingRequest
from twiml_app.errors import CallError
from twiml_app.receiver.replay_proofs import ReplayProofs
from twiml_app.recordings.format import Exchange
from twiml_app.recordings.replay import Destination, ProvingTransport, Replayed, Sender, SendExchange, Sent, replay
from twiml_app.served_app import in_process, sender
from twiml_app.twiml import DECLARATION, MessagingResponse
from twiml_app.webhook import WebhookResponse

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_PUBLIC_URL": "https://sms.example.com"}


def echo(sent: Exchange) -> Sent:
    """Return the recorded answer."""
    return Sent(sent.answer)


@given(st.integers(1, 40), st.integers(1, 8))
def test_results_come_in_recorded_order(count: int, parallel: int) -> None:
    """The report is read next to the recording, however many requests were sent in parallel."""
    exchanges = [exchange(number) for number in range(count)]

    results = [*replay(exchanges, echo, parallel=parallel)]

    assert [result.exchange for result in results] == exchanges
    assert all(result.agrees and result.updated() is result.exchange for result in results)


def test_one_at_a_time_is_sent_in_recorded_order() -> None:
    """A handler that keeps state must see the conversation as it was."""
    sent: list[str] = []

    def send(each: Exchange) -> Sent:
        sent.append(each.form["Body"])
        return Sent(each.answer)

    assert len([*replay([exchange(number) for number in range(9)], send)]) == 9
    assert sent == [*"012345678"]


def test_several_at_once_are_under_way_together() -> None:
    """--parallel is there to find what breaks only under load."""
    together = threading.Barrier(3, timeout=LIMIT_S)

    def send(each: Exchange) -> Sent:
        together.wait()
        return Sent(each.answer)

    assert len([*replay([exchange(number) for number in range(6)], send, parallel=3)]) == 6


@pytest.mark.parametrize(
    ("pace", "slept"),
    [
        pytest.param(0.0, [], id="as fast as possible"),
        pytest.param(1.0, [10.0, 4.0], id="as recorded"),
        pytest.param(10.0, [1.0, 0.4], id="ten times as fast"),
    ],
)
@pytest.mark.parametrize("parallel", [1, 2])
def test_pace_keeps_the_recorded_times(pace: float, slept: list[float], parallel: int) -> None:
    """Rate limits and loops show only at the recorded pace; a clock that was set back must not add a pause."""
    waited: list[float] = []
    exchanges = [exchange(at=at) for at in (100.0, 110.0, 105.0, 110.0, 114.0)]

    assert len([*replay(exchanges, echo, pace=pace, parallel=parallel, sleep=waited.append)]) == 5
    assert waited == pytest.approx(slept)


def test_nothing_to_replay() -> None:
    """An empty recording is not an error."""
    assert [*replay([], echo, pace=1.0)] == []


def test_call_without_answer_is_a_difference_and_keeps_the_recorded_answer() -> None:
    """An application that is down must neither count as unchanged nor empty the recordings."""

    def send(_: Exchange) -> Sent:
        raise CallError("no connection to 127.0.0.1", url="http://127.0.0.1/")

    (result,) = replay([exchange()], send)

    assert result == Replayed(exchange(), None, ("no answer: no connection to 127.0.0.1",))
    assert (result.agrees, result.updated()) == (False, exchange())


def test_accepted_answer_carries_no_secret() -> None:
    """The token of a status URL replaces the credentials, and recordings are kept in git."""
    answer = replace(EMPTY, body=b'<Response><Message action="http://a:b@h/s?in_reply_to=1&amp;token=x"/></Response>')

    (result,) = replay([exchange()], lambda _: Sent(answer))

    assert result.updated().answer.body == (
        b'<Response><Message action="http://h/s?in_reply_to=1&amp;token=scrubbed"/></Response>'
    )


def new_app(router: Router, **settings: str) -> Flask:
    """Return an application with the handlers of a test."""
    app = Flask(__name__)
    app.config.update({"TWIML_DATABASE_URL": "off"} | SETTINGS | settings)
    Twiml(app, router=router)
    return app


def send_to(app: Flask) -> SendExchange:
    """Return a function that sends to an application in this process, as the command line does."""
    target, transport = in_process(app)
    proving = ProvingTransport(transport, ReplayProofs(target.settings.secret_keys))
    caller = Caller(proving, token=target.token)
    return lambda each: target.destination().send(caller, each)


def watching() -> tuple[Router, list[InboundMessage | StatusCallback]]:
    """Return a router, and the list in which its handlers keep their events."""
    router, seen = Router(), list[InboundMessage | StatusCallback]()

    @router.default
    def keep(message: InboundMessage) -> None:
        seen.append(message)

    @router.status("delivered")
    def kept(status: StatusCallback) -> None:
        seen.append(status)

    return router, seen


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="basic"),
        pytest.param({"TWILIO_AUTH_TOKEN": TOKEN}, id="basic and signature"),
        pytest.param({"TWIML_AUTH_TOKENS": json.dumps({ACCOUNT: TOKEN})}, id="an account's own token"),
        pytest.param({"TWIML_ACCOUNTS": OTHER_ACCOUNT, "TWIML_AUTH_TOKENS": TOKEN}, id="another account"),
        pytest.param({"TWIML_MESSAGE_PATH": "/other"}, id="another path"),
    ],
)
def test_exchanges_are_sent_as_the_application_demands(settings: dict[str, str]) -> None:
    """Authentication is never off, and a recording of one installation must run at another."""
    router, seen = watching()
    form = inbound_form("Zo\udceb & +", message_sid=SID, account_sid="AC" + "9" * 32)
    get = exchange(form=form, method="GET", url=f"https://old.example/x?{form.encode()}")
    post = exchange(form=form, url="https://old.example/x?step=2&token=scrubbed&in_reply_to=SM1")
    status = exchange(
        kind="status", endpoint="status", form=status_form(SID, "delivered"), answer=WebhookResponse(status=204)
    )
    fallback = exchange(endpoint="fallback", form=form)

    results = [*replay([get, post, status, fallback], send_to(new_app(router, **settings)))]

    assert [result.differences for result in results] == [()] * 4
    assert [each.replayed for each in seen] == [True] * 3
    assert [each.form.get("Body") for each in seen] == ["Zo\ufffd & +"] * 2 + [None]
    assert dict(seen[1].query) == {"step": "2", "in_reply_to": "SM1"}


def test_error_statuses_are_compared_too() -> None:
    """A recorded 500 agrees with a 500; a recorded success does not."""
    router = Router()

    @router.default
    def fails(message: InboundMessage) -> str:
        raise ValueError(message.body)

    failed = exchange(answer=WebhookResponse(status=500, content_type="text/plain", body=b"the handler failed\n"))
    results = [*replay([failed, exchange()], send_to(new_app(router)))]

    assert [result.answer.status for result in results if result.answer] == [500, 500]
    assert "status 500" in str(results[1].differences)


def test_unreachable_destination_is_an_error_of_the_call() -> None:
    """The replay reports it per exchange and continues, so it must not end with a socket error."""
    destination = Destination(base_url="http://127.0.0.1:1", paths={"message": "/message"})

    def refuse(request: object) -> WebhookResponse:
        raise OSError("connection refused")

    with pytest.raises(CallError):
        destination.send(Caller(refuse), exchange())


@pytest.mark.parametrize("parallel", [1, 3])
def test_replay_logs_in_once_per_thread(parallel: int) -> None:
    """A challenge per exchange would double the requests."""
    app = new_app(watching()[0])
    target, transport = in_process(app)
    answered: list[int] = []

    def listen(request: OutgoingRequest) -> WebhookResponse:
        response = transport(request)
        answered.append(response.status)
        return response

    send = Sender(target.destination(), lambda cookies: target.caller(listen, cookies=cookies))
    results = [*replay([exchange(number) for number in range(9)], send, parallel=parallel)]

    assert [result.answer.status for result in results if result.answer] == [200] * 9
    assert 1 <= answered.count(401) <= parallel


def test_cookies_expire_by_the_recorded_times() -> None:
    """A replay takes seconds, but Twilio had forgotten the cookies of a conversation that resumed the next day."""
    router = Router()

    @router.default
    def count(message: InboundMessage) -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    exchanges = [exchange(at=hours * 3600.0) for hours in (1, 2, 24, 25)]
    results = [*replay(exchanges, sender(new_app(router)))]

    texts = [MessagingResponse.parse(result.answer.body).messages[0].text for result in results if result.answer]
    assert texts == ["1", "2", "1", "2"]


def test_application_that_raises_does_not_end_the_replay() -> None:
    """In testing mode Flask passes on exceptions outside of handlers; the other exchanges have results all the same."""
    app = new_app(watching()[0])
    app.testing = True

    @app.before_request
    def fail() -> None:
        if "fail" in request.args:
            raise ValueError("not this one")

    failing = exchange(url="https://sms.example.com/message?fail=1")
    results = [*replay([exchange(), failing, exchange()], sender(app))]

    assert [result.agrees for result in results] == [True, False, True]
    assert "fail raised ValueError: not this one at" in results[1].differences[0]


def test_endless_redirect_in_process_is_no_answer() -> None:
    """The report names the problem as for any other address."""
    app = new_app(watching()[0])
    app.before_request(lambda: redirect("/message", code=307))

    (result,) = replay([exchange()], sender(app))

    assert (result.answer, result.differences) == (None, ("no answer: too many redirects",))


def test_handler_that_raised_is_named_if_the_answer_differs() -> None:
    """A report that shows only the status would send people to the log."""
    router = Router()

    @router.default
    def fails(message: InboundMessage) -> str:
        raise ValueError(message.body)

    failed = exchange(answer=WebhookResponse(status=500, content_type="text/plain", body=b"the handler failed\n"))
    agreeing, differing = replay([failed, exchange()], sender(new_app(router)))

    assert agreeing.differences == ()
    assert differing.differences[-2].endswith(".fails raised ValueError: 0")
    assert differing.differences[-1].startswith("    at ")


def test_own_urls_agree_at_another_address() -> None:
    """A recording of production is replayed on localhost, where url_for returns other URLs."""
    router = Router()

    @router.message("ask")
    def ask(message: InboundMessage) -> Redirect:
        return Redirect(url_for("twiml.message", step=2, _external=True))

    @router.default
    def picture(message: InboundMessage) -> Message:
        url = url_for("twiml.healthz", _external=True)
        return Message(f"See {url}", Media(url))

    def answer(twiml: str) -> WebhookResponse:
        return replace(EMPTY, body=DECLARATION + f"<Response>{twiml}</Response>".encode())

    host = "https://sms.example.com:8443"
    media = f"<Message><Body>See {host}/healthz</Body><Media>{host}/healthz</Media></Message>"
    asked = inbound_form("ask", message_sid=SID)
    exchanges = [
        exchange(url=f"{host}/message", answer=answer(media)),
        exchange(url=f"{host}/message", form=asked, answer=answer(f"<Redirect>{host}/message?step=2</Redirect>")),
        exchange(url=f"{host}/message", form=asked, answer=answer(f"<Redirect>{host}/message?step=3</Redirect>")),
    ]

    results = [*replay(exchanges, send_to(new_app(router, TWIML_PUBLIC_URL="")))]

    assert [result.agrees for result in results] == [True, True, False]
    assert results[2].differences[-2:] == (
        "-   POST https://sms.example.com:8443/message?step=3",
        "+   POST http://localhost/message?step=2",
    )
    assert results[2].updated().answer.body == exchanges[1].answer.body
