"""Webhooks: what a program receives, as it comes off the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.emulator.program import (
    CONTACT,
    MONDAY,
    NOTHING,
    NUMBER,
    Answer,
    Program,
    Received,
    closed_port,
    codes,
    counted_sids,
    emulator,
    say,
    twiml,
)
from twiml_app.caller.session import Session
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import Webhook
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, FetchedMedia
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.context import Context
from twiml_app.emulator.debugger import Debugger
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.resources import Account, MessageRecord
from twiml_app.emulator.store import ResourceStore
from twiml_app.emulator.webhooks import Webhooks, country_of

SERVICE = "MG" + "1" * 32
PICTURE = FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")
LIMIT_S = 10.0


@pytest.fixture
def program() -> Iterator[Program]:
    """A program that nobody has to log in to."""
    with Program() as program:
        yield program


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with one number, which leads to the program."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.answers("/message", say("hello")))
        yield twilio


def send(twilio: Emulator, **parameters: Any) -> Any:
    """Send a message with the official client."""
    return twilio.client().messages.create(to=CONTACT, from_=NUMBER, body="hello", **parameters)


def send_legacy(twilio: Emulator, version: str, **parameters: str) -> None:
    """Send a text through the older resource."""
    url = f"{twilio.url}/{version}/Accounts/{ACCOUNT_SID}/SMS/Messages"
    form = urlencode({"From": NUMBER, "To": CONTACT, "Body": "hello"} | parameters).encode()
    headers = {"Authorization": basic_header(Credentials(ACCOUNT_SID, AUTH_TOKEN))}
    with urlopen(Request(url, form, headers), timeout=LIMIT_S) as answer:
        assert answer.status == 201


TODAY = [
    ("ToCountry", "US"),
    ("ToState", ""),
    ("SmsMessageSid", "SM00000000000000000000000000000002"),
    ("NumMedia", "0"),
    ("ToCity", ""),
    ("FromZip", ""),
    ("SmsSid", "SM00000000000000000000000000000002"),
    ("FromState", ""),
    ("SmsStatus", "received"),
    ("FromCity", ""),
    ("Body", "Grüße & <3 +"),
    ("FromCountry", "US"),
    ("To", "+15017122661"),
    ("ToZip", ""),
    ("NumSegments", "1"),
    ("MessageSid", "SM00000000000000000000000000000002"),
    ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
    ("From", "+15558675310"),
    ("ApiVersion", "2010-04-01"),
]
OF_2008 = [
    ("SmsSid", "SM00000000000000000000000000000002"),
    ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
    ("From", "5558675310"),
    ("To", "5017122661"),
    ("Body", "Grüße & <3 +"),
    ("FromCity", ""),
    ("FromState", ""),
    ("FromZip", ""),
    ("FromCountry", "US"),
    ("ToCity", ""),
    ("ToState", ""),
    ("ToZip", ""),
    ("ToCountry", "US"),
]


@pytest.mark.parametrize(
    ("profile", "pairs"),
    [
        pytest.param("current", TODAY, id="today"),
        pytest.param("2014", [pair for pair in TODAY if pair[0] != "NumSegments"], id="2014"),
        pytest.param("2008", OF_2008, id="2008"),
    ],
)
def test_inbound_message_is_posted_whole(program: Program, profile: str, pairs: list[tuple[str, str]]) -> None:
    """Programs read parameters that nobody thought of, and sign over all of them."""
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER, program.answers("/message", NOTHING))
        twilio.phone(CONTACT).text("Grüße & <3 +")
    (request,) = program.received

    assert (request.method, request.target) == ("POST", "/message")
    assert list(request.form.pairs) == pairs


def test_request_carries_the_headers_of_twilio(twilio: Emulator, program: Program) -> None:
    """Firewalls and frameworks look at them."""
    twilio.phone(CONTACT).text("hello")
    (request,) = program.received
    token = request.headers.pop("i-twilio-idempotency-token")
    signature = request.headers.pop("x-twilio-signature")

    assert (len(token), len(signature)) == (36, 28)
    assert request.headers == {
        "host": program.host,
        "accept-encoding": "identity",
        "content-length": str(len(request.form.encode())),
        "user-agent": "TwilioProxy/1.1",
        "accept": "*/*",
        "content-type": "application/x-www-form-urlencoded",
    }


def test_pictures_are_named_by_urls_of_the_emulator(twilio: Emulator, program: Program) -> None:
    """The program fetches them there, with its credentials."""
    inbound = twilio.phone(CONTACT).text(media=[PICTURE, PICTURE]).inbound
    form = program.received[0].form
    base = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{inbound.sid}/Media/"

    assert inbound.sid.startswith("MM")
    assert (form["NumMedia"], form["Body"], form["MessageSid"]) == ("2", "", inbound.sid)
    assert form["MediaUrl0"].startswith(base + "ME")
    assert form["MediaUrl1"].startswith(base + "ME")
    assert form["MediaUrl0"] != form["MediaUrl1"]
    assert (form["MediaContentType0"], form["MediaContentType1"]) == ("image/png", "image/png")


def test_service_of_the_number_is_named(program: Program) -> None:
    """Programs of several services tell them apart by it."""
    services = [{"sid": SERVICE, "numbers": [NUMBER], "inbound_request_url": program.answers("/service", NOTHING)}]
    with emulator(seed={"numbers": [{"phone_number": NUMBER}], "services": services}) as twilio:
        twilio.phone(CONTACT).text("hello")

    assert program.at("/service")[0].form["MessagingServiceSid"] == SERVICE


@pytest.mark.parametrize(
    ("number", "country"),
    [
        pytest.param("+15558675310", "US", id="no such area code"),
        pytest.param("+14165550123", "CA", id="Canada"),
        pytest.param("+447700900123", "GB", id="Great Britain"),
        pytest.param("+4915112345678", "DE", id="Germany"),
        pytest.param("12345", "US", id="short code"),
        pytest.param("ACME", "US", id="name"),
    ],
)
def test_country_is_that_of_the_number(number: str, country: str) -> None:
    """Programs answer in a language by it."""
    assert country_of(number) == country


def test_channel_tells_no_places(program: Program) -> None:
    """Twilio sends none of the eight parameters for WhatsApp."""
    with emulator() as twilio:
        twilio.add_number(f"whatsapp:{NUMBER}", program.answers("/message", say("hello")))
        turn = twilio.phone(f"whatsapp:{CONTACT}").text("hi")
    form = program.received[0].form

    assert turn.reply == "hello"
    assert (form["From"], form["To"]) == ("whatsapp:+15558675310", "whatsapp:+15017122661")
    assert [name for name in form if name.startswith(("From", "To"))] == ["To", "From"]


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
def test_status_is_posted_whole(program: Program, profile: str, pairs: dict[str, str]) -> None:
    """What is posted when a message was delivered."""
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER)
        send(twilio, status_callback=program.answers("/status", NOTHING))
        assert twilio.settle()
        posted = program.at("/status")

        assert [request.form["MessageStatus"] for request in posted] == ["sent", "delivered"]
        assert dict(posted[-1].form.pairs) == pairs
        assert "RawDlrDoneDate" not in posted[0].form
        assert twilio.debugger == []


def test_failure_is_posted_with_its_code(twilio: Emulator, program: Program) -> None:
    """And a delivery without one."""
    twilio.phone(CONTACT).will("undelivered", 30005)
    send(twilio, status_callback=program.answers("/status", NOTHING))
    assert twilio.settle()

    assert [(request.form["MessageStatus"], request.form.get("ErrorCode")) for request in program.at("/status")] == [
        ("sent", None),
        ("undelivered", "30005"),
    ]


def test_status_of_a_service_names_it(program: Program) -> None:
    """Its own callback is told, for messages that name none."""
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
def test_status_of_the_older_resources_has_their_words(
    program: Program, version: str, pairs: list[tuple[str, str]]
) -> None:
    """Sent or failed, once, and nothing of messages."""
    with emulator() as twilio:
        twilio.add_number(NUMBER)
        send_legacy(twilio, version, StatusCallback=program.answers("/status", NOTHING))
        assert twilio.settle()

        assert [list(request.form.pairs) for request in program.received] == [pairs]


def test_every_request_is_signed_with_the_token(twilio: Emulator, program: Program) -> None:
    """Inbound, Redirect, fallback and status alike, with a query and without."""
    program.answers("/message", twiml("<Redirect method='GET'>/next?a=b%20c&amp;d=%C3%BC</Redirect>"))
    program.answers("/next", Answer(status=500))
    twilio.add_number(NUMBER, fallback_url=program.answers("/fallback", say("sorry")))
    twilio.phone(CONTACT).text("Grüße")
    send(twilio, status_callback=program.answers("/status", NOTHING))
    assert twilio.settle()

    assert program.paths == ["/message", "/next", "/fallback", "/status", "/status"]
    assert {request.signed for request in program.received} == {"HMAC_SHA1"}


def test_shared_key_signs_by_the_newer_scheme(program: Program) -> None:
    """HMAC-SHA256, and the header that names the key."""
    program.secrets = ("the secret of the key",)
    seed = {
        "account": {"signing_key": "SK1", "signing_secret": "the secret of the key"},
        "numbers": [{"phone_number": NUMBER, "sms_url": program.answers("/message", say("hello"))}],
    }
    with emulator(seed=seed) as twilio:
        assert twilio.phone(CONTACT).text("hello").reply == "hello"
    (request,) = program.received

    assert request.signed == "HMAC_SHA256"
    assert request.headers["x-twilio-webhooks-signature-settings"] == "key=SK1,algorithm=HMAC_SHA256"


def test_subaccount_signs_with_its_own_token(program: Program) -> None:
    """A program of several accounts finds the token by AccountSid."""
    program.secrets = ("of the subaccount",)
    account = {"sid": "AC" + "2" * 32, "auth_token": "of the subaccount"}
    url = program.answers("/message", say("hello"))
    seed = {
        "accounts": [account],
        "numbers": [{"phone_number": NUMBER, "sms_url": url, "account_sid": account["sid"]}],
    }
    with emulator(seed=seed) as twilio:
        twilio.phone(CONTACT).text("hello")
    (request,) = program.received

    assert (request.form["AccountSid"], request.signed) == (account["sid"], "HMAC_SHA1")


def counting(request: Received) -> Answer:
    """Count the texts of a conversation in a cookie."""
    n = int(request.headers.get("cookie", "n=0").partition("=")[2]) + 1
    return twiml(f"<Message>{n}</Message>", headers=(("Set-Cookie", f"n={n}; Path=/"),))


def test_cookies_are_kept_for_two_numbers_for_four_hours(twilio: Emulator, program: Program) -> None:
    """A conversation in a session works, until nobody writes for four hours."""
    program.answers("/message", counting)
    phone, other = twilio.phone(CONTACT), twilio.phone("+15558675311")
    said = [phone.text("a").reply, phone.text("b").reply, other.text("a").reply]
    twilio.advance(4 * 3600 - 1)
    said.append(phone.text("c").reply)
    twilio.advance(4 * 3600 - 1)
    said.append(phone.text("d").reply)
    twilio.advance(4 * 3600)
    said.append(phone.text("e").reply)

    assert said == ["1", "2", "1", "3", "4", "1"]


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_credentials_of_the_url_answer_one_challenge_for_an_action(auth: str) -> None:
    """Asked without, challenged once, and logged in for all that the message leads to; the next one begins anew."""
    with Program(auth) as program, emulator() as twilio:
        url = program.answers("/message", twiml("<Redirect>/next?a=b</Redirect>"))
        program.answers("/next", Answer(status=500))
        twilio.add_number(NUMBER, url, fallback_url=program.answers("/fallback", say("hello")))
        replies = [twilio.phone(CONTACT).text("hello").reply for _ in range(2)]
        sent = [
            (request.path, request.status, request.headers.get("authorization", "").partition(" ")[0])
            for request in program.received
        ]
        tokens = {request.headers["i-twilio-idempotency-token"] for request in program.received[:2]}

        scheme = auth.capitalize()
        assert replies == ["hello", "hello"]
        assert sent == 2 * [
            ("/message", 401, ""),
            ("/message", 200, scheme),
            ("/next", 500, scheme),
            ("/fallback", 200, scheme),
        ]
        assert len(tokens) == 1
        assert {request.signed for request in program.received} == {"HMAC_SHA1"}


def test_credentials_that_are_missing_fail(twilio: Emulator) -> None:
    """The commonest mistake of all, and what to do about it."""
    with Program("basic") as program:
        program.answers("/message", say("hello"))
        twilio.add_number(NUMBER, program.bare("/message"))
        turn = twilio.phone(CONTACT).text("hello")
        (problem,) = turn.problems

        assert turn.replies == []
        assert (problem.code, problem.level, problem.url) == (11200, "error", program.bare("/message"))
        assert problem.text == (
            "answered 401: who are you?. Write the application's credentials into the URL: http://user:password@ and"
            " the host."
        )


def test_get_puts_the_form_into_the_query(twilio: Emulator, program: Program) -> None:
    """After what the URL has of its own."""
    twilio.add_number(NUMBER, program.answers("/message", NOTHING) + "?own=1", method="GET")
    twilio.phone(CONTACT).text("a & b")
    (request,) = program.received

    assert (request.method, request.signed, list(request.form)) == ("GET", "HMAC_SHA1", [])
    assert request.query["own"] == ["1"]
    assert (request.query["Body"], request.query["From"]) == (["a & b"], [CONTACT])
    assert "content-type" not in request.headers


def test_answer_to_get_that_has_not_changed_is_not_sent_again(twilio: Emulator, program: Program) -> None:
    """ETag: asked again, the program says 304 alone, and the document counts as before."""

    def tagged(request: Received) -> Answer:
        if request.headers.get("if-none-match") == '"1"':
            return Answer(status=304, content_type="")
        content = "<Message>kept</Message><Redirect method='GET'>/menu</Redirect>"
        return twiml(content, headers=(("ETag", '"1"'),))

    program.answers("/menu", tagged)
    twilio.add_number(NUMBER, program.url("/menu"), method="GET")
    turn = twilio.phone(CONTACT).text("hello")

    assert [request.status for request in program.received] == [200, *[304] * 9]
    assert turn.bodies == ["kept"] * 10
    assert codes(turn.problems) == [14106]


FAILED, MISSING = Answer(status=503), Answer(status=404)


@pytest.mark.parametrize(
    ("fragment", "answers", "asked", "found"),
    [
        pytest.param("", [FAILED, say("hello")], 1, [11200], id="none by default"),
        pytest.param("#rp=5xx", [FAILED, say("hello")], 2, [], id="one of 5xx"),
        pytest.param("#rc=2&rp=5xx", [FAILED, FAILED, say("hello")], 3, [], id="two of 5xx"),
        pytest.param("#rc=1&rp=5xx", [FAILED, FAILED, say("hello")], 2, [11200], id="not two of one"),
        pytest.param("#rc=3&rp=4xx", [MISSING, FAILED, say("hello")], 2, [11200], id="4xx and not 5xx"),
        pytest.param("#rc=3&rp=4xx,5xx", [MISSING, FAILED, say("hello")], 3, [], id="both"),
        pytest.param("#rc=5&rp=all", [FAILED, MISSING, Answer(raw=b""), say("hello")], 4, [], id="all"),
        pytest.param("#rc=0&rp=all", [FAILED, say("hello")], 1, [11200], id="never"),
        pytest.param("#rp=6xx", [say("hello")], 1, [11243], id="a policy that there is not"),
        pytest.param("#e=atlantis", [say("hello")], 1, [11240], id="an edge that there is not"),
    ],
)
def test_overrides_of_the_url_are_obeyed(
    twilio: Emulator, program: Program, fragment: str, answers: list[Answer], asked: int, found: list[int]
) -> None:
    """The fragment is never sent; every try carries the same token."""
    url = program.answers("/message", *answers)
    twilio.add_number(NUMBER, url.replace("//", "//sms:secret@") + fragment)
    turn = twilio.phone(CONTACT).text("hello")

    assert [request.target for request in program.received] == ["/message"] * asked
    assert len({request.headers["i-twilio-idempotency-token"] for request in program.received}) == 1
    assert codes(turn.problems) == found
    assert turn.bodies == ([] if 11200 in found else ["hello"])
    assert "secret" not in "".join(problem.url + problem.text for problem in turn.problems)


def test_program_that_is_too_slow_is_given_up(twilio: Emulator, program: Program) -> None:
    """rt=100: a tenth of a second; then the fallback URL has its chance at once."""
    release = threading.Event()

    def slow(_: Received) -> Answer:
        release.wait(LIMIT_S)
        return say("too late")

    twilio.add_number(
        NUMBER, program.answers("/message", slow) + "#rt=100", fallback_url=program.answers("/quick", say("quick"))
    )
    turn = twilio.phone(CONTACT).text("hello")
    release.set()

    assert (turn.bodies, codes(turn.problems)) == (["quick"], [11200])


def test_every_event_has_a_token_of_its_own(twilio: Emulator, program: Program) -> None:
    """A program that drops what it has seen by this token must not drop a Redirect or a status."""
    program.answers("/message", twiml("<Redirect>/next</Redirect>"))
    program.answers("/next", NOTHING)
    send(twilio, status_callback=program.answers("/status", NOTHING))
    twilio.phone(CONTACT).text("hello")
    assert twilio.settle()

    assert len(program.received) == 4
    assert len({request.headers["i-twilio-idempotency-token"] for request in program.received}) == 4


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(NOTHING, None, id="204"),
        pytest.param(Answer(content_type=""), None, id="200 without anything"),
        pytest.param(Answer(b"OK", content_type="text/plain; charset=utf-8"), None, id="text"),
        pytest.param(Answer(b"<Response/>"), None, id="TwiML"),
        pytest.param(Answer(b"<html/>", content_type="Text/HTML"), None, id="a page"),
        pytest.param(Answer(b'{"ok": true}', content_type="application/json"), 12300, id="JSON"),
        pytest.param(Answer(b"OK", content_type=""), 12300, id="no content type"),
        pytest.param(Answer(status=500), 11200, id="500"),
        pytest.param(Answer(status=403), 11200, id="403"),
        pytest.param(Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), 11206, id="no HTTP"),
        pytest.param(Answer(status=302, headers=(("Location", "/status"),)), 11215, id="a circle"),
        pytest.param(Answer(status=302, headers=(("Location", "ftp://127.0.0.1/"),)), 11100, id="to no http URL"),
    ],
)
def test_answer_to_a_status_is_judged(twilio: Emulator, program: Program, answer: Answer, code: int | None) -> None:
    """Nothing comes of it, and the debugger tells what Twilio's would."""
    twilio.phone(CONTACT).will("sent")
    message = send(twilio, status_callback=program.answers("/status", answer))
    assert twilio.settle()

    assert [(entry.code, entry.message_sid, entry.url) for entry in twilio.debugger] == (
        [(code, message.sid, program.bare("/status"))] if code else []
    )
    assert message.fetch().status == "sent"


def test_status_that_reaches_nobody_is_told(twilio: Emulator) -> None:
    """The program is not running: the message is delivered all the same."""
    url = f"http://127.0.0.1:{closed_port()}/status"
    message = send(twilio, status_callback=url)
    assert twilio.settle()

    assert codes(twilio.debugger) == [11205, 11205]
    assert message.fetch().status == "delivered"


def test_url_that_is_none_is_told(twilio: Emulator) -> None:
    """Where no client had it checked."""
    for url in ("message", "http://[::1/message#rp=6xx", "//sms:secret@/message#e=atlantis"):
        number = twilio.context.find_number(NUMBER)
        assert number
        twilio.context.store.save(replace(number, sms_url=url))
        turn = twilio.phone(CONTACT).text("hello")
        assert codes(turn.problems)[-1] == 11100
        assert "secret" not in "".join(problem.url + problem.text for problem in turn.problems)


def test_program_may_send_while_the_clock_is_stepped(twilio: Emulator, program: Program) -> None:
    """A status that leads to the next message: the program calls back from within its handler."""

    def next_one(request: Received) -> Answer:
        if request.form["MessageStatus"] == "delivered" and len(twilio.outbox) < 3:
            send(twilio, status_callback=program.url("/status"))
        return NOTHING

    send(twilio, status_callback=program.answers("/status", next_one))
    assert twilio.settle()

    assert [message.status for message in twilio.outbox] == ["delivered"] * 3
    assert [(message.date_sent or 0.0) - MONDAY for message in twilio.outbox] == pytest.approx([0.2, 1.4, 2.6])


def test_clock_may_be_stepped_while_a_program_thinks(twilio: Emulator, program: Program) -> None:
    """The reply is sent when the program answers, by the clock of then."""
    asked, release = threading.Event(), threading.Event()

    def slow(_: Received) -> Answer:
        asked.set()
        assert release.wait(LIMIT_S)
        return say("done")

    program.answers("/message", slow)
    with ThreadPoolExecutor(1) as threads:
        turn = threads.submit(twilio.phone(CONTACT).text, "hello")
        assert asked.wait(LIMIT_S)
        twilio.advance(3600)
        release.set()
        (reply,) = turn.result(LIMIT_S).replies
    assert twilio.settle()

    assert reply.date_created == MONDAY + 3600
    assert [message.body for message in twilio.phone(CONTACT).inbox] == ["done"]


def test_many_text_at_once_where_the_clock_runs(program: Program) -> None:
    """Each gets its own answer, and its own statuses."""

    def echo(request: Received) -> Answer:
        return twiml(f"<Message action='/status?of={request.form['Body']}'>{request.form['Body']}</Message>")

    program.answers("/status", NOTHING)
    with emulator(clock="fast") as twilio:
        for n in range(8):
            twilio.add_number(f"+1501712266{n}", program.answers("/message", echo))

        def talk(n: int) -> str:
            return twilio.phone(f"+1555867531{n}").text(str(n), to=f"+1501712266{n}").reply

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(talk, range(8))) == [str(n) for n in range(8)]
        assert twilio.settle()

        assert [message.status for message in twilio.outbox] == ["delivered"] * 8
        told = sorted((request.query["of"][0], request.form["MessageStatus"]) for request in program.at("/status"))
        assert told == sorted((str(n), status) for n in range(8) for status in ("sent", "delivered"))


def test_forgotten_conversations_begin_anew(program: Program) -> None:
    """Reset: the cookies of one test are not those of the next."""
    program.answers("/message", counting)
    with closing(ResourceStore()) as store:
        context = Context(
            store=store,
            clock=SteppedClock(MONDAY),
            profile=find_profile("current"),
            base_url="http://127.0.0.1:1",
            new_sid=counted_sids(),
            random=Random(1),
        )
        dates: dict[str, Any] = {"account_sid": ACCOUNT_SID, "date_created": MONDAY, "date_updated": MONDAY}
        store.save(Account(sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, **dates))
        message = MessageRecord(
            sid="SM1", to=NUMBER, from_=CONTACT, body="hi", status="received", direction="inbound", **dates
        )
        webhooks = Webhooks(context, Debugger(store, context.clock, context.new_sid), HttpTransport())

        def request() -> str:
            webhook = Webhook(url=program.url("/message"))
            call = webhooks.call(webhook, webhooks.inbound_form(message), message=message, session=Session())
            return call.response.header("set-cookie")

        said = [request(), request()]
        webhooks.clear()
        said.append(request())

    assert said == ["n=1; Path=/", "n=2; Path=/", "n=1; Path=/"]
