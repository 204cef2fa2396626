"""Receiver: the whole way of a webhook, from plain data to plain data, without a server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhook_requests import (
    ACCOUNT,
    AUTHORIZATION,
    BASIC,
    SID,
    SIGNED,
    TOKEN,
    authorized,
    read_settings,
    signed,
    webhook,
)
from twiml_app import InboundMessage, Media, Message, Router, StatusCallback
from twiml_app.caller.forms import CONTACT, NUMBER, inbound_form, status_form
from twiml_app.errors import (
    ClaimLost,
    ConfigurationError,
    JournalUnavailable,
    RegistrationError,
    RequestRefused,
    StillRunning,
)
from twiml_app.events import Event
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.claims import Claim, Outcome, StoredReply
from twiml_app.receiver.receiver import REPLAY_HEADER, Receiver
from twiml_app.webhook import TEXT_TYPE, TWIML_TYPE, Endpoint, Form, WebhookRequest, WebhookResponse

EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
ENDPOINTS: tuple[Endpoint, ...] = ("message", "status", "fallback")
STATUS_SID = "SM" + "7" * 32


def twiml(inside: str) -> bytes:
    """Return a document that holds some markup."""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'.encode()


@dataclass
class Program:
    """Handlers of each kind; what they were called with is kept, and some fail."""

    router: Router = field(default_factory=Router)
    called: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        @self.router.message("fail")
        def fail(message: InboundMessage) -> str:
            raise ValueError("a bug")

        @self.router.message("long")
        def long(message: InboundMessage) -> str:
            return "x" * 1601

        @self.router.message("silent")
        def silent(message: InboundMessage) -> None:
            self.called.append("silent")

        @self.router.default
        def echo(message: InboundMessage) -> str:
            self.called.append(f"echo {message.body}")
            return f"you said {message.body}"

        @self.router.opt_out("STOP", "START", "HELP")
        def told(message: InboundMessage) -> str:
            self.called.append(f"told {message.body}")
            return "not sent"

    def receiver(
        self, *parts: Mapping[str, object], journal: Memory | None = None, clock: Callable[[], float] = lambda: 0.0
    ) -> Receiver:
        """Make a receiver of these handlers, with basic credentials and some more settings."""
        return Receiver(
            self.router, read_settings(BASIC, *parts), journal=journal, on_exception=self.errors.append, clock=clock
        )


@pytest.fixture
def program() -> Program:
    """The handlers."""
    return Program()


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "twiml_app")


def text(body: str, *, endpoint: Endpoint = "message", **fields: str) -> WebhookRequest:
    """Make an authenticated message."""
    return authorized(webhook(inbound_form(body, message_sid=SID, fields=fields), endpoint=endpoint))


def status(message_status: str, error_code: int | None = None) -> WebhookRequest:
    """Make an authenticated status callback."""
    form = status_form(STATUS_SID, message_status, error_code=error_code)
    return authorized(webhook(form, endpoint="status"))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_first_request_is_challenged_and_nothing_runs(program: Program, endpoint: Endpoint, method: str) -> None:
    """Twilio asks without credentials before each call: a handler that ran then would run twice."""
    answer = program.receiver().handle(webhook(endpoint=endpoint, method=method))

    assert answer == WebhookResponse(
        status=401,
        body=b"send the credentials of the Message URL\n",
        content_type=TEXT_TYPE,
        headers=(("WWW-Authenticate", 'Basic realm="twiml_app"'),),
    )
    assert program.called == []


@pytest.mark.parametrize(
    ("request_", "status_code", "line", "reason"),
    [
        pytest.param(
            webhook(headers={"authorization": "Basic eDp5"}),
            401,
            "the credentials are wrong",
            "none of TWIML_CREDENTIALS",
            id="wrong credentials",
        ),
        pytest.param(
            replace(signed(text("hello")), scheme="http"),
            403,
            "the signature does not fit",
            "with https: set TWIML_PUBLIC_URL",
            id="wrong signature",
        ),
        pytest.param(
            signed(text("hello", AccountSid="AC" + "9" * 32)),
            403,
            "the account is not served here",
            "is not in TWIML_ACCOUNTS",
            id="another account",
        ),
        pytest.param(
            authorized(webhook(body=b"x" * 262145)), 413, "the body is larger than 262144 bytes", "", id="bytes"
        ),
        pytest.param(authorized(webhook(body=b"&" * 500)), 413, "more than 500 fields", "", id="fields"),
        pytest.param(
            authorized(webhook(body=b"{}", content_type="application/json")),
            400,
            "the content type is application/json: send application/x-www-form-urlencoded",
            "",
            id="JSON",
        ),
        pytest.param(
            authorized(webhook(body=b"hello")),
            400,
            "the body is not a form: every field must be name=value",
            "",
            id="no form",
        ),
    ],
)
def test_refusal_is_one_plain_line_and_its_reason_is_in_the_log_alone(
    program: Program,
    caplog: pytest.LogCaptureFixture,
    request_: WebhookRequest,
    status_code: int,
    line: str,
    reason: str,
) -> None:
    """Whoever asks learns what is wrong with the request; how we are set up is for the operator."""
    answer = program.receiver(SIGNED, {"TWIML_ACCOUNTS": ACCOUNT}).handle(request_)
    (record,) = caplog.records

    assert (answer.status, answer.body, answer.content_type) == (status_code, f"{line}\n".encode(), TEXT_TYPE)
    assert bool(answer.header("WWW-Authenticate")) == (status_code == 401)
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"refused status={status_code} url=message reason=")
    assert (reason or line) in record.getMessage()
    assert program.called == []


def test_first_request_of_a_challenge_is_no_line_of_the_log(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Half of all requests are such: an operator would learn to look away from refusals."""
    program.receiver().handle(webhook())

    assert caplog.records == []


def test_message_is_answered_and_told_in_one_line(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The line says who, what and how long, and nothing of what a person wrote."""
    ticks = iter([10.0, 10.0125])
    answer = program.receiver(SIGNED, clock=lambda: next(ticks)).handle(signed(text("my PIN is 1234 & <b>")))

    assert answer.status == 200
    assert answer.content_type == TWIML_TYPE
    assert answer.body == twiml("<Message><Body>you said my PIN is 1234 &amp; &lt;b&gt;</Body></Message>")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.INFO,
            f"inbound message sid={SID} handler=tests.receiver.test_receiver.Program.__post_init__.<locals>.echo"
            " outcome=replied ms=12.5 from=+*******0001 to=+*******0006",
        )
    ]


@pytest.mark.parametrize("body", ["Secretbody", "fail", "long", "stop", "silent"])
def test_neither_secret_nor_text_is_ever_logged(program: Program, caplog: pytest.LogCaptureFixture, body: str) -> None:
    """Logs are read by more people than messages are."""
    request = signed(text(body, FromCity="Secretville"))
    program.receiver(SIGNED).handle(request)
    program.receiver(SIGNED).handle(replace(request, headers={**request.headers, "x-twilio-signature": "forged"}))
    written = "".join(f"{record.getMessage()}{record.__dict__.get('twiml_fields')}" for record in caplog.records)

    assert written
    for secret in ("Secretville", "Secretbody", TOKEN, AUTHORIZATION["authorization"], "quite-long", CONTACT, NUMBER):
        assert secret not in written


def test_message_by_get_is_answered_like_any_other(program: Program) -> None:
    """The console offers GET, and some numbers are set so."""
    answer = program.receiver().handle(authorized(webhook(method="GET")))

    assert answer.body == twiml("<Message><Body>you said hello</Body></Message>")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("message", WebhookResponse(status=200, body=EMPTY, content_type=TWIML_TYPE), id="message"),
        pytest.param("status", WebhookResponse(status=204), id="status"),
        pytest.param("fallback", WebhookResponse(status=200, body=EMPTY, content_type=TWIML_TYPE), id="fallback"),
    ],
)
def test_head_runs_no_handler(program: Program, endpoint: Endpoint, expected: WebhookResponse) -> None:
    """Monitoring asks by HEAD, with the form of nobody."""
    request = authorized(webhook(endpoint=endpoint, method="HEAD"))

    assert program.receiver({"TWIML_APOLOGY": "Sorry"}).handle(request) == expected
    assert program.called == []


def test_bytes_that_are_not_utf_8_reach_the_handler(program: Program) -> None:
    """A customer's text is never dropped for its encoding."""
    request = authorized(webhook(body=b"From=%2B15005550001&To=%2B1&Body=caf%E9&AccountSid=" + ACCOUNT.encode()))
    answer = program.receiver(SIGNED).handle(signed(request))

    assert answer.body == twiml("<Message><Body>you said caf�</Body></Message>")


@pytest.mark.parametrize(
    ("form", "outcome"),
    [
        pytest.param([("CallSid", "CA1"), ("From", "+1"), ("To", "+2")], "voice webhook", id="voice"),
        pytest.param([("EventType", "x")], "webhook of an unknown kind", id="unknown"),
        pytest.param([], "webhook of an unknown kind", id="nothing at all"),
    ],
)
@pytest.mark.parametrize("endpoint", ["message", "status"])
def test_webhook_of_another_kind_is_answered_with_an_empty_success(
    program: Program,
    caplog: pytest.LogCaptureFixture,
    form: list[tuple[str, str]],
    outcome: str,
    endpoint: Endpoint,
) -> None:
    """An error would make Twilio call the fallback for something that is no message."""
    answer = program.receiver().handle(authorized(webhook(form, endpoint=endpoint)))
    (record,) = caplog.records

    assert (answer.status, answer.body) == ((204, b"") if endpoint == "status" else (200, EMPTY))
    assert record.getMessage() == f'webhook outcome="{outcome}" ms=0.0'
    assert record.levelno == logging.WARNING
    assert program.called == []


def test_message_that_nobody_answers_is_told_with_a_handler_to_paste(caplog: pytest.LogCaptureFixture) -> None:
    """A customer who gets no answer is a fault of the program, and said once."""
    receiver = Receiver(Router(), read_settings(BASIC))
    for _ in range(2):
        assert receiver.handle(text("hello")).body == EMPTY

    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.WARNING, logging.WARNING]
    assert "@router.default" in caplog.records[0].getMessage()
    assert "outcome=unhandled" in caplog.records[1].getMessage()


def test_handler_that_returns_nothing_sends_nothing(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Silence on purpose must be told from silence by mistake."""
    assert program.receiver().handle(text("silent")).body == EMPTY
    assert "outcome=silent" in caplog.text


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param("fail", "ValueError: a bug", id="handler that raises"),
        pytest.param(
            "long",
            "ReplyError: tests.receiver.test_receiver.Program.__post_init__.<locals>.long returned a text of 1601"
            " UTF-16 units: Twilio sends 1600, and Message(text, split=True) cuts it into several",
            id="reply that Twilio would not send",
        ),
    ],
)
def test_handler_that_fails_answers_500_and_is_reported(
    program: Program, caplog: pytest.LogCaptureFixture, body: str, error: str
) -> None:
    """Twilio turns to the fallback URL for an error status alone, and somebody has to see the traceback."""
    answer = program.receiver().handle(text(body))

    assert answer == WebhookResponse.line(500, "the handler failed")
    assert [f"{type(each).__name__}: {each}" for each in program.errors] == [error]
    assert error in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING
    assert f"<locals>.{body} outcome=failed" in caplog.records[-1].getMessage()


def test_apology_is_sent_instead_of_the_error(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The sender is not left without a word, and the operator still learns of it."""

    @program.router.status("delivered")
    def delivered(status: StatusCallback) -> None: ...

    answer = program.receiver({"TWIML_APOLOGY": "Sorry & later"}).handle(text("fail"))

    assert (answer.status, answer.content_type) == (200, TWIML_TYPE)
    assert answer.body == twiml("<Message><Body>Sorry &amp; later</Body></Message>")
    assert len(program.errors) == 1
    assert "outcome=apologized" in caplog.text


@pytest.mark.parametrize("apology", [pytest.param("x" * 1601, id="too long"), pytest.param("<Response/>", id="markup")])
def test_apology_that_cannot_be_sent_is_refused_at_the_start(program: Program, apology: str) -> None:
    """It would show on the day when everything else has failed already."""
    with pytest.raises(ConfigurationError, match=r"^TWIML_APOLOGY: returned a "):
        program.receiver({"TWIML_APOLOGY": apology})


def test_error_tracker_that_is_down_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The program of others must not make a failure worse."""
    program = Program()

    def broken(error: Exception) -> None:
        raise OSError("tracker is down")

    receiver = Receiver(program.router, read_settings(BASIC, {"TWIML_APOLOGY": "Sorry"}), on_exception=broken)

    assert receiver.handle(text("fail")).body == twiml("<Message><Body>Sorry</Body></Message>")
    assert "what is told of exceptions failed: OSError" in caplog.text


def test_condition_that_fails_is_not_blamed_on_another_handler(caplog: pytest.LogCaptureFixture) -> None:
    """START is told to one function; the one that fails is another."""
    router, errors = Router(), list[Exception]()

    @router.opt_out("START")
    def told(message: InboundMessage) -> None: ...

    def broken(message: InboundMessage) -> bool:
        raise KeyError(message.body)

    @router.message(when=broken)
    def never(message: InboundMessage) -> None: ...

    receiver = Receiver(router, read_settings(BASIC), on_exception=errors.append)

    assert receiver.handle(text("start")).status == 500
    assert [type(error) for error in errors] == [KeyError]
    assert "a condition of a route failed: KeyError" in caplog.text
    assert "told" not in caplog.records[-1].getMessage()


@pytest.mark.parametrize("apology", ["", "Sorry"])
@pytest.mark.parametrize("word", ["STOP", " stop\n", "StopAll", "unsubscribe", "CANCEL", "end", "Quit", "optout"])
def test_stop_word_is_told_and_nothing_is_sent(program: Program, word: str, apology: str) -> None:
    """Twilio answers it by itself, and refuses what is sent after."""
    answer = program.receiver({"TWIML_APOLOGY": apology}).handle(text(word))

    assert (answer.status, answer.body) == (200, EMPTY)
    assert program.called == [f"told {word}"]


def test_stop_of_advanced_opt_out_is_told_whatever_its_word(program: Program) -> None:
    """A service has words of its own, in any language, and says what they mean."""
    answer = program.receiver().handle(text("ARRETE", OptOutType="STOP"))

    assert (answer.body, program.called) == (EMPTY, ["told ARRETE"])


@pytest.mark.parametrize("word", ["start", "YES", "unstop", "help", "INFO"])
def test_start_and_help_are_told_and_then_answered_by_the_routes(program: Program, word: str) -> None:
    """After these the sender listens, and the program may have more to say than Twilio."""
    answer = program.receiver().handle(text(word))

    assert answer.body == twiml(f"<Message><Body>you said {word}</Body></Message>")
    assert program.called == [f"told {word}", f"echo {word}"]


def test_number_that_answers_opt_out_words_itself_does(program: Program) -> None:
    """Short codes have no opt-out at Twilio: the program must confirm."""
    receiver = program.receiver({"TWIML_OPT_OUT_NUMBERS": f"12345 {NUMBER}"})

    assert receiver.handle(text("STOP")).body == twiml("<Message><Body>you said STOP</Body></Message>")
    assert program.called == ["told STOP", "echo STOP"]
    assert receiver.handle(text("STOP", To="+15005550009")).body == EMPTY


def test_no_apology_is_sent_after_stop() -> None:
    """What fails is our list; the person has left, and a text would be one too many."""
    router = Router()

    @router.opt_out
    def left(message: InboundMessage) -> None:
        raise OSError("the list is down")

    receiver = Receiver(router, read_settings(BASIC, {"TWIML_APOLOGY": "Sorry"}))

    assert receiver.handle(text("STOP")) == WebhookResponse.line(500, "the handler failed")
    assert receiver.handle(text("STOP", endpoint="fallback", ErrorCode="11200")).body == EMPTY


def test_blocked_contact_is_never_answered(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by a handler nor by an apology."""
    receiver = program.receiver({"TWIML_BLOCKED": CONTACT, "TWIML_APOLOGY": "Sorry"})

    for body in ("hello", "fail", "stop"):
        assert receiver.handle(text(body)).body == EMPTY
    assert receiver.handle(text("hello", endpoint="fallback")).body == EMPTY
    assert (program.called, program.errors) == ([], [])
    assert "outcome=blocked" in caplog.text


@pytest.mark.parametrize(
    ("apology", "document"),
    [
        pytest.param("", EMPTY, id="nothing"),
        pytest.param("Sorry", twiml("<Message><Body>Sorry</Body></Message>"), id="apology"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(inbound_form("hello"), id="message"),
        pytest.param(
            inbound_form("fail", fields={"ErrorCode": "11200", "ErrorUrl": "https://x/"}), id="as Twilio calls it"
        ),
    ],
)
def test_fallback_url_runs_no_handler(
    program: Program, caplog: pytest.LogCaptureFixture, form: Form, apology: str, document: bytes
) -> None:
    """What has failed once would fail again, or be done twice."""
    answer = program.receiver({"TWIML_APOLOGY": apology}).handle(authorized(webhook(form, endpoint="fallback")))

    assert (answer.status, answer.body) == (200, document)
    assert program.called == []
    assert caplog.records[-1].levelno == logging.WARNING


@dataclass
class Deliveries:
    """Status handlers that keep the order in which they run; one of them fails."""

    router: Router = field(default_factory=Router)
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        @self.router.error_code(range(30000, 30010))
        def first(status: StatusCallback) -> None:
            self.ran.append(f"first {status.error_code}")

        @self.router.status("undelivered")
        def second(status: StatusCallback) -> None:
            self.ran.append(f"second {status.late}")
            raise ValueError("a bug")

        @self.router.status("undelivered", "delivered")
        def third(status: StatusCallback) -> str:
            self.ran.append(f"third {status.message_status}")
            return "ignored"


def test_every_status_handler_runs_in_order_and_a_failing_one_stops_none(caplog: pytest.LogCaptureFixture) -> None:
    """One team's bug must not lose the delivery report of another."""
    deliveries, errors = Deliveries(), list[Exception]()
    receiver = Receiver(deliveries.router, read_settings(BASIC), on_exception=errors.append, clock=lambda: 0.0)
    answer = receiver.handle(status("undelivered", 30003))

    assert answer == WebhookResponse(status=204)
    assert deliveries.ran == ["first 30003", "second False", "third undelivered"]
    assert [str(error) for error in errors] == ["a bug"]
    assert caplog.records[-1].levelno == logging.WARNING
    assert caplog.records[-1].getMessage() == (
        f"status callback sid={STATUS_SID} status=undelivered error_code=30003"
        " handler=tests.receiver.test_receiver.Deliveries.__post_init__.<locals>.second"
        " outcome=failed ms=0.0 from=+*******0006 to=+*******0001"
    )


def test_status_that_is_handled_is_a_quiet_line(caplog: pytest.LogCaptureFixture) -> None:
    """Deliveries are the bulk of all traffic."""
    deliveries = Deliveries()

    assert Receiver(deliveries.router, read_settings(BASIC)).handle(status("delivered")).status == 204
    assert deliveries.ran == ["third delivered"]
    assert [(record.levelno, "outcome=handled" in record.getMessage()) for record in caplog.records] == [
        (logging.INFO, True)
    ]


def test_status_without_a_handler_is_accepted_and_suggested_once(caplog: pytest.LogCaptureFixture) -> None:
    """Twilio sends every step; most programs care for one."""
    receiver = Receiver(Router(), read_settings(BASIC))
    for _ in range(2):
        assert receiver.handle(status("sent")) == WebhookResponse(status=204)

    assert [record.levelno for record in caplog.records] == [logging.INFO] * 3
    assert '@router.status("sent")' in caplog.records[0].getMessage()


def test_status_at_the_message_url_is_taken_all_the_same() -> None:
    """People paste one URL everywhere."""
    deliveries = Deliveries()
    request = authorized(webhook(status_form(STATUS_SID, "delivered")))

    assert Receiver(deliveries.router, read_settings(BASIC)).handle(request) == WebhookResponse(status=204)
    assert deliveries.ran == ["third delivered"]


def test_failure_is_not_hidden_by_another_handler_of_its_name(caplog: pytest.LogCaptureFixture) -> None:
    """Handlers made by one function share their name."""
    router = Router()

    def make(*, fails: bool) -> None:
        @router.status("delivered")
        def handler(status: StatusCallback) -> None:
            if fails:
                raise ValueError

    make(fails=True)
    make(fails=False)
    Receiver(router, read_settings(BASIC)).handle(status("delivered"))

    assert "outcome=failed" in caplog.records[-1].getMessage()


STATUS_URL = StatusUrls(read_settings(BASIC).secret_keys, "/status").url("https://sms.example.com", SID)


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        pytest.param({}, STATUS_URL, id="as it was called"),
        pytest.param(
            {"public": "https://public.example/x"},
            STATUS_URL.replace("https://sms.example.com", "https://public.example/x"),
            id="public URL",
        ),
        pytest.param({"sid": ""}, "", id="nothing to follow without a sid"),
    ],
)
def test_reply_carries_the_url_of_its_delivery(changes: dict[str, str], url: str) -> None:
    """Twilio tells a reply's delivery nowhere else; and no password may stand in a document."""
    router = Deliveries().router

    @router.default
    def answer(message: InboundMessage) -> list[Message]:
        return [Message("one"), Message(Media("https://x/y.png"), action="/mine")]

    receiver = Receiver(router, read_settings(BASIC, {"TWIML_PUBLIC_URL": changes.get("public", "")}))
    sid = changes.get("sid", SID)
    document = receiver.handle(text("x", MessageSid=sid, SmsSid=sid, SmsMessageSid=sid)).body
    shown = url.replace("&", "&amp;")
    attributes = f' action="{shown}" statusCallback="{shown}"' if url else ""

    assert document == twiml(
        f"<Message{attributes}><Body>one</Body></Message>"
        '<Message action="/mine"><Media>https://x/y.png</Media></Message>'
    )
    assert b"quite-long" not in document


def test_registration_after_the_first_request_is_refused(program: Program) -> None:
    """It would work in one worker and be missing in the next; even a refused request counts."""
    program.receiver().handle(webhook())

    with pytest.raises(RegistrationError, match="after the first request"):
        program.router.message("late")(repr)


class Memory:
    """A journal in memory; it can be down, and be told what to say."""

    def __init__(self, *, down: str = "", claimed: Claim | StoredReply | None = None) -> None:
        self.down = down
        self.claimed = claimed or Claim(1, 0)
        self.reply: StoredReply | None = None
        self.asked: list[object] = []
        self.said: list[tuple[str, Claim, Outcome]] = []
        self.refused: list[tuple[WebhookRequest, RequestRefused]] = []

    def _up(self, method: str) -> None:
        if self.down == "running":
            raise StillRunning("another request is still at this event")
        if self.down == method:
            raise JournalUnavailable("the disk is full")

    def claim(self, request: WebhookRequest, event: Event) -> Claim | StoredReply:
        """Claim, or say what was told."""
        self._up("claim")
        self.asked.append((request, event))
        return self.claimed

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Keep what was answered."""
        self._up("finish")
        if self.down == "lost":
            raise ClaimLost("the event was taken over")
        self.said.append(("finish", claim, outcome))

    def fail(self, claim: Claim, outcome: Outcome) -> None:
        """Keep that nothing was."""
        self._up("finish")
        self.said.append(("fail", claim, outcome))

    def stored_reply(self, message: InboundMessage) -> StoredReply | None:
        """Say what was told."""
        self._up("claim")
        self.asked.append(message)
        return self.reply

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Keep a refusal."""
        self.refused.append((request, refused))

    def check(self) -> None:
        """Say nothing."""


def test_answer_is_kept_before_it_is_sent(program: Program) -> None:
    """A retry gets what was kept: so it must be what was sent, with all there is to know of it."""
    ticks = iter([1.0, 1.25, 1.5])
    journal = Memory()
    answer = program.receiver(journal=journal, clock=lambda: next(ticks)).handle(text("hello"))
    ((method, claim, outcome),) = journal.said

    assert claim is journal.claimed
    assert (method, outcome.response, outcome.name, outcome.milliseconds) == ("finish", answer, "replied", 250.0)
    assert outcome.handler == "tests.receiver.test_receiver.Program.__post_init__.<locals>.echo"


def test_repeated_event_gets_the_stored_answer_and_no_handler_runs(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """Twilio retries; an order must not be taken twice."""
    stored = WebhookResponse(status=200, body=b"<stored/>", content_type=TWIML_TYPE)
    journal = Memory(claimed=StoredReply(stored, "orders.order"))

    assert program.receiver(journal=journal).handle(text("hello")) == stored
    assert (program.called, journal.said) == ([], [])
    assert "handler=orders.order outcome=repeated" in caplog.text


@pytest.mark.parametrize(
    ("apology", "method", "word"),
    [
        pytest.param("", "fail", "failed", id="500 releases the claim"),
        pytest.param("Sorry", "finish", "apologized", id="an apology is an answer"),
    ],
)
def test_failed_message_may_be_tried_again_unless_it_was_answered(
    program: Program, apology: str, method: str, word: str
) -> None:
    """A retry runs the handler again; after an apology the sender would get two answers."""
    journal = Memory()
    program.receiver({"TWIML_APOLOGY": apology}, journal=journal).handle(text("fail"))

    assert [(called, outcome.name) for called, _, outcome in journal.said] == [(method, word)]


def test_failed_status_is_kept_with_what_each_handler_did() -> None:
    """Twilio does not call again: whoever retries it must know which handlers are still to run."""
    deliveries, journal = Deliveries(), Memory(claimed=Claim(1, 0, late=True))
    Receiver(deliveries.router, read_settings(BASIC), journal=journal).handle(status("undelivered", 30003))
    ((method, _, outcome),) = journal.said
    name = "tests.receiver.test_receiver.Deliveries.__post_init__.<locals>."

    assert (method, outcome.name) == ("finish", "failed")
    assert outcome.results == {f"{name}first": "ok", f"{name}second": "ValueError: a bug", f"{name}third": "ok"}
    assert "second True" in deliveries.ran


@pytest.mark.parametrize(
    ("said", "limit", "word"),
    [
        pytest.param(2, 3, "replied", id="below the limit"),
        pytest.param(3, 3, "looping", id="at the limit"),
    ],
)
@pytest.mark.parametrize(
    ("request_", "quiet"),
    [
        pytest.param(text("hello"), "replied", id="reply"),
        pytest.param(text("fail"), "apologized", id="apology"),
        pytest.param(text("hello", endpoint="fallback"), "fallback", id="apology of the fallback URL"),
    ],
)
def test_same_answer_again_and_again_ends_in_silence(
    program: Program, request_: WebhookRequest, quiet: str, said: int, limit: int, word: str
) -> None:
    """Two programs that answer each other would go on for ever, and each message costs."""
    extra = {"TWIML_LOOP_LIMIT": limit, "TWIML_APOLOGY": "Sorry"}
    first = Memory()
    program.receiver(extra, journal=first).handle(request_)
    journal = Memory(claimed=Claim(2, 0, said_lately={first.said[0][2].said: said}))
    answer = program.receiver(extra, journal=journal).handle(request_)

    assert journal.said[0][2].name == (quiet if word == "replied" else word)
    assert (answer.body == EMPTY) == (word == "looping")


def test_event_that_is_still_being_answered_is_told_so(program: Program) -> None:
    """An empty success would lose the answer, and a second run would do it twice."""
    answer = program.receiver(journal=Memory(down="running")).handle(text("hello"))

    assert answer == WebhookResponse.line(503, "the first request is still being answered")
    assert program.called == []


@pytest.mark.parametrize("down", ["claim", "finish"])
def test_journal_that_is_down_answers_503_and_says_why_in_the_log(
    program: Program, caplog: pytest.LogCaptureFixture, down: str
) -> None:
    """What cannot be kept is not acknowledged, so that Twilio comes again."""
    answer = program.receiver(journal=Memory(down=down)).handle(text("hello"))

    assert answer == WebhookResponse.line(503, "the journal cannot be reached")
    assert 'journal problem="the disk is full"' in caplog.text
    assert program.called == ([] if down == "claim" else ["echo hello"])


@pytest.mark.parametrize("down", ["claim", "finish"])
def test_program_that_asks_for_it_answers_without_the_journal(program: Program, down: str) -> None:
    """For some an answer twice is better than none."""
    receiver = program.receiver({"TWIML_STORE_FAILURE": "answer"}, journal=Memory(down=down))

    assert receiver.handle(text("hello")).body == twiml("<Message><Body>you said hello</Body></Message>")


def test_replay_runs_the_handler_and_touches_no_journal(program: Program) -> None:
    """A recording that is played again must not become a second customer."""
    journal, seen = Memory(down="claim"), list[bool]()
    program.router.message("replay")(lambda message: seen.append(message.replayed))
    receiver = program.receiver(journal=journal)
    for request, outcome in [(text("replay"), 200), (text("hello", endpoint="fallback"), 200), (webhook(), 401)]:
        replayed = replace(request, headers={**request.headers, REPLAY_HEADER.lower(): "1"})
        assert receiver.handle(replayed).status == outcome

    assert seen == [True]
    assert (program.called, journal.asked) == ([], [])


STORED = StoredReply(WebhookResponse(status=200, body=b"<stored/>", content_type=TWIML_TYPE), "orders.order")
SORRY = twiml("<Message><Body>Sorry</Body></Message>")


@pytest.mark.parametrize(
    ("error_code", "document"),
    [
        pytest.param("11200", b"<stored/>", id="transport error"),
        pytest.param("11205", b"<stored/>", id="no connection"),
        pytest.param("", b"<stored/>", id="no code"),
        pytest.param("12100", SORRY, id="document that is no XML"),
        pytest.param("12300", SORRY, id="content type"),
        pytest.param("14103", SORRY, id="verb"),
    ],
)
def test_fallback_gives_the_stored_answer_unless_it_was_the_answer_that_failed(
    program: Program, error_code: str, document: bytes
) -> None:
    """After a time-out the answer is there; a document that Twilio refused would be refused again."""
    journal = Memory()
    journal.reply = STORED
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode=error_code)).body == document


@pytest.mark.parametrize(
    ("journal", "kept"),
    [
        pytest.param(Memory(), ["finish"], id="kept"),
        pytest.param(Memory(down="claim"), [], id="down"),
        pytest.param(Memory(down="finish"), [], id="down at the end"),
        pytest.param(Memory(down="running"), [], id="still running"),
    ],
)
def test_fallback_without_a_stored_answer_apologizes_whatever_the_journal_says(
    program: Program, journal: Memory, kept: list[str]
) -> None:
    """It is the last one that Twilio asks; and the text may have come this way alone."""
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode="11200")).body == SORRY
    assert [method for method, *_ in journal.said] == kept


@pytest.mark.parametrize("form", [Form(), Form([("CallSid", "CA1")])], ids=["nothing", "voice"])
def test_fallback_url_answers_what_is_no_message_with_nothing(program: Program, form: Form) -> None:
    """An apology to a voice webhook would be sent to nobody, or read aloud."""
    journal = Memory()
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(authorized(webhook(form, endpoint="fallback"))).body == EMPTY
    assert [method for method, *_ in journal.said] == ["finish"]


def test_repeated_fallback_request_gets_what_it_got(program: Program) -> None:
    """Twilio may repeat this request too: what was silenced once stays silent."""
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=Memory(claimed=STORED))

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode="11200")).body == STORED.response.body


class Unended(BaseException):
    """What ends a thread or a worker, and is no error."""


def test_claim_is_given_up_when_a_worker_ends_within_a_handler(program: Program) -> None:
    """The retry must not find the event claimed by a thread that is gone."""
    journal, router = Memory(), Router()

    @router.default
    def end(message: InboundMessage) -> str:
        raise Unended

    receiver = Receiver(router, program.receiver({}).settings, journal=journal)
    with pytest.raises(Unended):
        receiver.handle(text("hello"))

    assert [method for method, *_ in journal.said] == ["fail"]


def test_answer_that_lost_its_claim_is_not_sent(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Another worker has answered meanwhile: two different replies would be worse than to be asked again."""
    answer = program.receiver({}, journal=Memory(down="lost")).handle(text("hello"))

    assert (answer.status, answer.body) == (503, b"another worker answers this\n")
    assert "taken over" in caplog.text


def test_status_token_of_another_key_is_no_probe(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """After a change of keys all news of deliveries would be refused, and nobody would see why."""
    request = webhook(status_form(SID, "delivered"), endpoint="status", target="/status?in_reply_to=SM1&token=other")

    assert program.receiver({}).handle(request).status == 401
    assert "SECRET_KEY_FALLBACKS" in caplog.text


def test_refusal_is_kept_and_the_first_request_of_a_challenge_is_not(program: Program) -> None:
    """`explain --last` shows what was refused; half of all requests are no refusal."""
    journal = Memory()
    receiver = program.receiver(SIGNED, journal=journal)
    request = text("hello")
    receiver.handle(webhook())
    receiver.handle(request)
    ((kept, refused),) = journal.refused

    assert kept is request
    assert refused.line == "the signature does not fit"


header_text = st.text(st.characters(max_codepoint=255), max_size=40)
pieces = st.sampled_from(
    ["Body=", "From=", "MessageSid=", "MessageStatus=", "SmsStatus=", "CallSid=", "ErrorCode=", "MediaUrl0=", "&", "%"]
)


@st.composite
def requests(draw: st.DrawFn) -> WebhookRequest:
    """Draw a request of anybody: bytes everywhere, some of them like Twilio's."""
    raw = b"".join(draw(st.lists(pieces.map(str.encode) | st.binary(max_size=8), max_size=12)))
    target = b"".join(draw(st.lists(pieces.map(str.encode) | st.binary(max_size=8), max_size=6)))
    headers = draw(
        st.dictionaries(
            st.sampled_from(["content-type", "x-twilio-signature", "x-forwarded-host", "x-forwarded-prefix", "cookie"]),
            header_text,
        )
    )
    return WebhookRequest(
        endpoint=draw(st.sampled_from(ENDPOINTS)),
        method=draw(st.sampled_from(["POST", "GET", "HEAD", "PUT"])),
        scheme=draw(st.sampled_from(["http", "https"])),
        host=draw(header_text | st.sampled_from(["sms.example.com", "["])),
        target="/" + target.decode("utf-8", "surrogateescape"),
        headers={"content-type": "application/x-www-form-urlencoded", **headers},
        body=raw,
    )


@given(request_=requests(), knows_password=st.booleans(), is_signed=st.booleans())
@settings(max_examples=300)
def test_nothing_that_is_sent_raises_or_is_answered_with_an_error_of_ours(
    request_: WebhookRequest, knows_password: bool, is_signed: bool
) -> None:
    """Whoever makes it answer 500 makes Twilio give up on the program."""
    router = Router(Deliveries().router)
    router.default(lambda message: f"you said {message.body}")
    receiver = Receiver(router, read_settings(BASIC, SIGNED if is_signed else {}))
    answer = receiver.handle(authorized(request_) if knows_password else request_)

    assert answer.status in ((200, 204, 400, 403, 413) if knows_password else (401,))
    assert all("\n" not in value for _, value in answer.headers)


class Mute(Exception):
    """An error that fails when it is asked for its text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_error_that_cannot_be_written_is_named_by_its_kind(program: Program) -> None:
    """A status callback is answered 204 whatever its handlers do."""
    journal, router = Memory(), Router()

    @router.status("delivered")
    def fail(status: StatusCallback) -> None:
        raise Mute

    receiver = Receiver(router, program.receiver({}).settings, journal=journal)
    request = authorized(webhook(status_form(SID, "delivered"), endpoint="status"))

    assert receiver.handle(request).status == 204
    assert list((journal.said[0][2].results or {}).values()) == ["Mute"]
