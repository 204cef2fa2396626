"""Webhooks: the request for an inbound message."""

from __future__ import annotations

import pytest

from tests.emulator.program import CONTACT, NOTHING, NUMBER, SERVICE, Program, emulator, say, send, twiml
from twiml_app.emulator import ACCOUNT_SID, Emulator, FetchedMedia
from twiml_app.emulator.webhooks import country_of

PICTURE = FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")
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
def test_inbound_message_is_posted_with_all_parameters(
    program: Program, profile: str, pairs: list[tuple[str, str]]
) -> None:
    """A program may use any of them, and all are signed."""
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER, program.answers("/message", NOTHING))
        twilio.phone(CONTACT).text("Grüße & <3 +")
    (request,) = program.received

    assert (request.method, request.target) == ("POST", "/message")
    assert list(request.form.pairs) == pairs


def test_request_has_the_headers_of_twilio(twilio: Emulator, program: Program) -> None:
    """Firewalls and frameworks check them."""
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


def test_media_urls_point_at_the_emulator(twilio: Emulator, program: Program) -> None:
    """The program fetches the media there, with the credentials of its account."""
    inbound = twilio.phone(CONTACT).text(media=[PICTURE, PICTURE]).inbound
    form = program.received[0].form
    base = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{inbound.sid}/Media/"

    assert inbound.sid.startswith("MM")
    assert (form["NumMedia"], form["Body"], form["MessageSid"]) == ("2", "", inbound.sid)
    assert form["MediaUrl0"].startswith(base + "ME")
    assert form["MediaUrl1"].startswith(base + "ME")
    assert form["MediaUrl0"] != form["MediaUrl1"]
    assert (form["MediaContentType0"], form["MediaContentType1"]) == ("image/png", "image/png")


def test_request_has_the_sid_of_the_messaging_service(program: Program) -> None:
    """A program with several services distinguishes them by it."""
    services = [{"sid": SERVICE, "numbers": [NUMBER], "inbound_request_url": program.answers("/service", NOTHING)}]
    with emulator(seed={"numbers": [{"phone_number": NUMBER}], "services": services}) as twilio:
        twilio.phone(CONTACT).text("hello")

    assert program.at("/service")[0].form["MessagingServiceSid"] == SERVICE


@pytest.mark.parametrize(
    ("address", "country"),
    [
        pytest.param("+15558675310", "US", id="unused area code"),
        pytest.param("+14165550123", "CA", id="Canada"),
        pytest.param("+447700900123", "GB", id="Great Britain"),
        pytest.param("+4915112345678", "DE", id="Germany"),
        pytest.param("12345", "US", id="short code"),
        pytest.param("ACME", "US", id="name"),
    ],
)
def test_country_is_that_of_the_address(address: str, country: str) -> None:
    """Programs may choose the language of their reply by it."""
    assert country_of(address) == country


def test_message_of_a_channel_has_no_geographic_parameters(program: Program) -> None:
    """Twilio does not send these eight parameters for WhatsApp."""
    with emulator() as twilio:
        twilio.add_number(f"whatsapp:{NUMBER}", program.answers("/message", say("hello")))
        reply = twilio.phone(f"whatsapp:{CONTACT}").text("hi")
    form = program.received[0].form

    assert reply.text == "hello"
    assert (form["From"], form["To"]) == ("whatsapp:+15558675310", "whatsapp:+15017122661")
    assert [name for name in form if name.startswith(("From", "To"))] == ["To", "From"]
    assert (form["ProfileName"], form["WaId"], form["MessageType"]) == ("Phone 5310", "15558675310", "text")


def test_get_request_has_the_form_in_the_query(twilio: Emulator, program: Program) -> None:
    """It is added to the query of the URL."""
    twilio.add_number(NUMBER, program.answers("/message", NOTHING) + "?own=1", method="GET")
    twilio.phone(CONTACT).text("a & b")
    (request,) = program.received

    assert (request.method, request.signed, list(request.form)) == ("GET", "HMAC_SHA1", [])
    assert request.query["own"] == ["1"]
    assert (request.query["Body"], request.query["From"]) == (["a & b"], [CONTACT])
    assert "content-type" not in request.headers


def test_every_event_has_its_own_idempotency_token(twilio: Emulator, program: Program) -> None:
    """A program that drops duplicates by this token must not drop a Redirect or a status."""
    program.answers("/message", twiml("<Redirect>/next</Redirect>"))
    program.answers("/next", NOTHING)
    send(twilio, status_callback=program.answers("/status", NOTHING))
    twilio.phone(CONTACT).text("hello")
    assert twilio.settle()

    assert len(program.received) == 4
    assert len({request.headers["i-twilio-idempotency-token"] for request in program.received}) == 4
