"""Creating a message: the parameters of a POST to Messages, each refusal, and the resulting message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client, Form
from tests.emulator.rest.listening import listening
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.rest import create_message

OTHER = "AC" + "2" * 32
SERVICE, EMPTY_SERVICE, OTHERS_SERVICE = "MG" + "1" * 32, "MG" + "2" * 32, "MG" + "3" * 32
APPLICATION, SILENT_APPLICATION, OTHERS_APPLICATION = "AP" + "1" * 32, "AP" + "2" * 32, "AP" + "3" * 32
TEXT_ONLY, NO_SMS, OTHERS_NUMBER = "+15017122662", "+15017122663", "+15017122664"
PICTURE = "https://example.com/picture.png"
CONTENT = "HX" + "0" * 32
MESSAGES, TEXTS = "Messages.json", "SMS/Messages.json"
TEXTS_OF_2008 = "/2008-08-01/Accounts/AC0123456789abcdef0123456789abcdef/SMS/Messages"

SEED: dict[str, Any] = {
    "accounts": [{"sid": OTHER, "auth_token": "other"}],
    "numbers": [
        {"phone_number": NUMBER},
        {"phone_number": TEXT_ONLY, "mms": False},
        {"phone_number": NO_SMS, "sms": False},
        {"phone_number": OTHERS_NUMBER, "account_sid": OTHER},
        {"phone_number": "77000"},
    ],
    "services": [
        {"sid": SERVICE, "numbers": [NUMBER]},
        {"sid": EMPTY_SERVICE},
        {"sid": OTHERS_SERVICE, "account_sid": OTHER},
    ],
    "applications": [{"sid": APPLICATION}, {"sid": OTHERS_APPLICATION, "account_sid": OTHER}],
}
TRIAL = {**SEED, "account": {"type": "Trial", "verified": ["+15558675311"]}}


@dataclass(frozen=True, slots=True)
class Refused:
    """The changes that make a valid form invalid, and the expected error."""

    changes: Mapping[str, str | Sequence[str] | None]
    code: int
    status: int = 400
    seed: Mapping[str, Any] | None = None
    profile: str = "current"
    path: str = MESSAGES
    #: A text that the contact has sent to the number before.
    texted: str = field(default="", kw_only=True)


def form(changes: Mapping[str, str | Sequence[str] | None]) -> Form:
    """Return a valid form with changes; a value of None removes the parameter."""
    full = {"To": PHONE, "From": NUMBER, "Body": "hello", **changes}
    return {name: value for name, value in full.items() if value is not None}


def at(seconds: float) -> str:
    """Return a time after the start, in the format that clients use."""
    return datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def scheduled(send_at: str) -> dict[str, str]:
    """Return the parameters that schedule a message."""
    return {"MessagingServiceSid": SERVICE, "ScheduleType": "fixed", "SendAt": send_at}


REFUSED = {
    "no parameters": Refused({"To": None, "From": None, "Body": None}, 21604),
    "no To": Refused({"To": None}, 21604),
    "an empty To": Refused({"To": ""}, 21604),
    "no From": Refused({"From": None}, 21603),
    "an empty From": Refused({"From": ""}, 21603),
    "no content": Refused({"Body": None}, 21619),
    "an empty Body and an empty MediaUrl": Refused({"Body": "", "MediaUrl": ""}, 21619),
    "no content in 2014": Refused({"Body": None}, 21602, profile="2014"),
    "no content in 2008": Refused({"Body": None}, 21602, profile="2008"),
    # From
    "From is not a sender": Refused({"From": "nobody!"}, 21212),
    "From has an unknown country code": Refused({"From": "+0"}, 21212),
    "From is a name of twelve characters": Refused({"From": "TwelveLetter"}, 21212),
    "From is a name in Greek letters": Refused({"From": "Ακμή"}, 21212),
    "From is only spaces": Refused({"From": "   "}, 21212),
    "From is an unknown number": Refused({"From": "+15017122669"}, 21606, seed=SEED),
    "From is an unknown short code": Refused({"From": "77001"}, 21606, seed=SEED),
    "From is a number of another account": Refused({"From": OTHERS_NUMBER}, 21660, seed=SEED),
    "From is a number without SMS": Refused({"From": NO_SMS}, 21661, seed=SEED),
    "From is a number outside the service": Refused(
        {"From": TEXT_ONLY, "MessagingServiceSid": SERVICE}, 21606, seed=SEED
    ),
    "From is a name, trial account": Refused({"From": "ACME", "To": "+15558675311"}, 21267, seed=TRIAL),
    # To
    "To is not a number": Refused({"To": "Jenny"}, 21211),
    "To is too short": Refused({"To": "867-5309"}, 21211),
    "To is too long": Refused({"To": "+1555867530955586753095"}, 21211),
    "To is only white space": Refused({"To": "  "}, 21211),
    "To has thousands of digits": Refused({"To": "1" * 5000}, 21211),
    "To is a short code": Refused({"To": "77000"}, 21265),
    "To is From": Refused({"To": NUMBER}, 21266),
    "To is From in local format": Refused({"To": "(501) 712-2661"}, 21266),
    "from a number to a channel": Refused({"To": f"whatsapp:{PHONE}"}, 21910),
    "from a channel to a number": Refused({"From": f"whatsapp:{NUMBER}"}, 21910),
    "from one channel to another": Refused({"From": "messenger:1", "To": f"whatsapp:{PHONE}"}, 21910),
    "To is an unverified number, trial account": Refused({}, 21608, seed=TRIAL),
    "To is an unverified number of a channel, trial account": Refused(
        {"From": f"whatsapp:{NUMBER}", "To": f"whatsapp:{PHONE}"}, 21608, seed=TRIAL
    ),
    "To has sent STOP": Refused({}, 21610, seed=SEED, texted="STOP"),
    "To has sent STOP to the service": Refused(
        {"From": None, "MessagingServiceSid": SERVICE}, 21610, seed=SEED, texted="Stop "
    ),
    # Twilio's test numbers
    "magic From: invalid": Refused({"From": "+15005550001"}, 21212),
    "magic From: not owned": Refused({"From": "+15005550007"}, 21606),
    "magic From: full queue": Refused({"From": "+15005550008"}, 21611),
    "magic To: invalid": Refused({"To": "+15005550001"}, 21211),
    "magic To: no route": Refused({"To": "+15005550002"}, 21612),
    "magic To: no international permission": Refused({"To": "+15005550003"}, 21408),
    "magic To: opted out": Refused({"To": "+15005550004"}, 21610),
    "magic To: not a mobile number": Refused({"To": "+15005550009"}, 21614),
    "magic To in local format": Refused({"To": "(500) 555-0009"}, 21614),
    "magic numbers with a seed": Refused({"From": "+15005550006", "To": "+15005550002"}, 21612, seed=SEED),
    "magic To, old resource": Refused({"To": "+15005550009"}, 21614, path=TEXTS),
    # services
    "malformed MessagingServiceSid": Refused({"MessagingServiceSid": "MG1"}, 21705),
    "unknown service": Refused({"MessagingServiceSid": "MG" + "0" * 32}, 21701, 404),
    "service of another account": Refused({"MessagingServiceSid": OTHERS_SERVICE}, 21701, 404, seed=SEED),
    "service without numbers": Refused({"From": None, "MessagingServiceSid": EMPTY_SERVICE}, 21704, seed=SEED),
    # content
    "1601 characters": Refused({"Body": "x" * 1601}, 21617),
    "801 characters beyond the BMP": Refused({"Body": "👍" * 801}, 21617),
    "malformed MediaUrl": Refused({"MediaUrl": "picture.png"}, 21620),
    "eleven media files": Refused({"MediaUrl": [PICTURE] * 11}, 21623),
    "media from a number without MMS": Refused({"From": TEXT_ONLY, "MediaUrl": PICTURE}, 21621, seed=SEED),
    "malformed ContentSid": Refused({"ContentSid": "HX1"}, 21655),
    "ContentVariables are not JSON": Refused({"ContentSid": CONTENT, "ContentVariables": "{1: 2}"}, 21656),
    "ContentVariables are a list": Refused({"ContentSid": CONTENT, "ContentVariables": "[]"}, 21656),
    "ContentVariables are nested too deeply": Refused({"ContentSid": CONTENT, "ContentVariables": "[" * 99_999}, 21656),
    # options
    "malformed StatusCallback": Refused({"StatusCallback": "example.com"}, 21609),
    "StatusCallback with an underscore": Refused({"StatusCallback": "http://my_app.example.com/"}, 21609),
    "malformed ApplicationSid": Refused({"ApplicationSid": "AP1"}, 21218),
    "unknown application": Refused({"ApplicationSid": "AP" + "0" * 32}, 21218),
    "application of another account": Refused({"ApplicationSid": OTHERS_APPLICATION}, 21218, seed=SEED),
    "unknown application, old resource": Refused({"ApplicationSid": "AP" + "0" * 32}, 21218, path=TEXTS),
    "MaxPrice of zero": Refused({"MaxPrice": "0"}, 21627),
    "malformed MaxPrice": Refused({"MaxPrice": "cheap"}, 21627),
    "ValidityPeriod of zero": Refused({"ValidityPeriod": "0"}, 21624),
    "ValidityPeriod above ten hours": Refused({"ValidityPeriod": "36001"}, 21624),
    "ValidityPeriod above four hours in 2014": Refused({"ValidityPeriod": "14401"}, 21624, profile="2014"),
    "ContentRetention": Refused({"ContentRetention": "forget"}, 20001),
    "AddressRetention": Refused({"AddressRetention": "forget"}, 20001),
    "TrafficType": Refused({"TrafficType": "paid"}, 20001),
    "RiskCheck": Refused({"RiskCheck": "off"}, 20001),
    "ProvideFeedback": Refused({"ProvideFeedback": "maybe"}, 20001),
    "ForceDelivery": Refused({"ForceDelivery": "maybe"}, 20001),
    "ShortenUrls": Refused({"ShortenUrls": "maybe"}, 20001),
    "SendAsMms": Refused({"SendAsMms": "maybe"}, 20001),
    "SmartEncoded": Refused({"SmartEncoded": "maybe"}, 20001),
    "Attempt": Refused({"Attempt": "first"}, 20001),
    # schedules
    "ScheduleType": Refused(scheduled(at(3600)) | {"ScheduleType": "daily"}, 20001, seed=SEED),
    "SendAt in less than 15 minutes": Refused(scheduled(at(899)), 35114, seed=SEED),
    "SendAt in more than 35 days": Refused(scheduled(at(35 * 86400 + 1)), 35114, seed=SEED),
    "SendAt in the past": Refused(scheduled("2008-01-02T00:00:00Z"), 35114, seed=SEED),
    "SendAt in another format": Refused(scheduled("Wed, 15 Nov 2023 22:04:00 +0000"), 35114, seed=SEED),
    # the old resource, for texts only
    "161 characters, old resource": Refused({"Body": "x" * 161}, 21605, path=TEXTS),
    "only media, old resource": Refused({"Body": None, "MediaUrl": PICTURE}, 21602, path=TEXTS),
    "only a service, old resource": Refused(
        {"From": None, "MessagingServiceSid": SERVICE}, 21603, seed=SEED, path=TEXTS
    ),
    "From is a channel, old resource": Refused({"From": f"whatsapp:{NUMBER}"}, 21212, path=TEXTS),
    "To is a channel, old resource": Refused({"To": f"whatsapp:{PHONE}"}, 21211, path=TEXTS),
    "161 characters in 2008": Refused({"Body": "x" * 161}, 21605, path=f"{TEXTS_OF_2008}.json"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_invalid_form_is_refused_with_its_error_code(case: Refused) -> None:
    """Apps branch on the error code; a refused request stores nothing."""
    with Emulator(EmulatorOptions(seed=case.seed, profile=case.profile, start=START)) as emulator:
        if case.texted:
            emulator.phone(PHONE).text(case.texted, number=NUMBER)
        before = len(emulator.outbox)

        reply = Client(emulator).post(case.path, form(case.changes))

        assert reply.error == (case.status, case.code)
        assert set(reply.json) == {"code", "message", "more_info", "status"}
        assert reply.json["more_info"].endswith(f"/docs/errors/{case.code}")
        assert len(emulator.outbox) == before


def test_every_error_code_is_in_the_table() -> None:
    """A refusal without a row has never been checked against the documentation."""
    codes = {int(code) for code in re.findall(r"\b[23]\d{4}\b", Path(create_message.__file__).read_text())}
    tested = {case.code for case in REFUSED.values()}

    assert codes - {21611} <= tested
    assert 21611 in tested


ACCEPTED: dict[str, tuple[Mapping[str, str | Sequence[str] | None], Mapping[str, Any]]] = {
    "only text": ({}, {"body": "hello", "status": "queued", "num_segments": "1", "num_media": "0", "from": NUMBER}),
    "1600 characters": ({"Body": "x" * 1600}, {"num_segments": "11"}),
    "800 characters beyond the BMP": ({"Body": "👍" * 800}, {"num_segments": "25"}),
    "only white space": ({"Body": " \n"}, {"body": " \n"}),
    "only media": ({"Body": None, "MediaUrl": PICTURE}, {"body": "", "num_media": "1", "num_segments": "1"}),
    "ten media files": ({"MediaUrl": [PICTURE] * 10}, {"num_media": "10", "num_segments": "1"}),
    "content template": ({"Body": None, "ContentSid": CONTENT, "ContentVariables": '{"1": "a"}'}, {"body": ""}),
    "empty ContentVariables": ({"ContentSid": CONTENT, "ContentVariables": ""}, {"body": "hello"}),
    "local To": ({"To": "(555) 867-5309"}, {"to": "+15558675309"}),
    "local To, British sender": ({"From": "+447400000000", "To": "07400 123456"}, {"to": "+447400123456"}),
    "international To": ({"To": "+44 7400 123456"}, {"to": "+447400123456"}),
    "plus sign that became a space": ({"To": " 15558675309"}, {"to": "+15558675309"}),
    "name as sender": ({"From": "ACME Ltd 24", "To": "+447400123456"}, {"from": "ACME Ltd 24"}),
    "short code as sender": ({"From": "77000"}, {"from": "77000"}),
    "channel": (
        {"From": f"whatsapp:{NUMBER}", "To": f"whatsapp:{PHONE}"},
        {"from": f"whatsapp:{NUMBER}", "to": f"whatsapp:{PHONE}"},
    ),
    "magic From": ({"From": "+15005550006"}, {"status": "queued"}),
    "longest ValidityPeriod": ({"ValidityPeriod": "36000"}, {"status": "queued"}),
    "schedule without a service": ({"ScheduleType": "fixed", "SendAt": at(3600)}, {"status": "queued"}),
    "all other parameters": (
        {
            **{"ProvideFeedback": "true", "Attempt": "2", "ForceDelivery": "False", "ShortenUrls": "1"},
            **{"TrafficType": "free", "RiskCheck": "disable", "SendAsMms": "false", "MaxPrice": "0.0001"},
            **{"PersistentAction": ["mailto:test@example.com"], "FallbackFrom": NUMBER, "Tags": "{}"},
        },
        {"status": "queued"},
    ),
    "retention": (
        {"ContentRetention": "discard", "AddressRetention": "obfuscate"},
        {"body": "", "to": "+1555867XXXX"},
    ),
    "smart encoding": ({"Body": "it’s “fine”…", "SmartEncoded": "true"}, {"body": 'it\'s "fine"...'}),
    "no smart encoding": ({"Body": "it’s"}, {"body": "it’s"}),
}


@pytest.mark.parametrize(("changes", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_message_is_created(changes: Mapping[str, str | Sequence[str] | None], expected: Mapping[str, Any]) -> None:
    """What Twilio accepts is accepted, and shown in the same way."""
    with Emulator(EmulatorOptions(start=START)) as emulator:
        reply = Client(emulator).post("Messages.json", form(changes))

        assert reply.status == 201
        assert {name: reply.json[name] for name in expected} == expected
        assert reply.json["direction"] == "outbound-api"
        assert reply.json["sid"].startswith("MM" if "MediaUrl" in changes else "SM")


SERVED: dict[str, tuple[Mapping[str, str | None], Mapping[str, Any]]] = {
    "the service picks the sender": (
        {"From": None, "MessagingServiceSid": SERVICE},
        {"status": "accepted", "from": None, "num_segments": "0", "messaging_service_sid": SERVICE},
    ),
    "media from a service": (
        {"From": None, "MessagingServiceSid": SERVICE, "MediaUrl": PICTURE},
        {"status": "accepted", "num_media": "1", "num_segments": "1"},
    ),
    "sender of the service": (
        {"MessagingServiceSid": SERVICE},
        {"status": "queued", "from": NUMBER, "num_segments": "1", "messaging_service_sid": SERVICE},
    ),
    "earliest schedule": (scheduled(at(900)), {"status": "scheduled", "from": NUMBER, "num_segments": "0"}),
    "latest schedule": (
        {**scheduled(at(35 * 86400)), "From": None},
        {"status": "scheduled", "from": None},
    ),
    "ScheduleType without SendAt": (
        {"From": None, "MessagingServiceSid": SERVICE, "ScheduleType": "fixed"},
        {"status": "accepted"},
    ),
    "SendAt without ScheduleType": (
        {"From": None, "MessagingServiceSid": SERVICE, "SendAt": at(3600)},
        {"status": "accepted"},
    ),
    "name as sender, with a service": (
        {"From": "ACME", "To": "+447400123456", "MessagingServiceSid": SERVICE},
        {"from": "ACME"},
    ),
    "smart encoding of the service": (
        {"MessagingServiceSid": SERVICE, "Body": "it’s"},
        {"body": "it's"},
    ),
    "smart encoding of the service, switched off": (
        {"MessagingServiceSid": SERVICE, "Body": "it’s", "SmartEncoded": "false"},
        {"body": "it’s"},
    ),
    "magic sender with a seed": ({"From": "+15005550006"}, {"from": "+15005550006"}),
    "short code from the seed": ({"From": "77000"}, {"from": "77000"}),
}


@pytest.mark.parametrize(("changes", "expected"), SERVED.values(), ids=SERVED)
def test_message_is_created_with_the_resources_of_the_seed(
    changes: Mapping[str, str | None], expected: Mapping[str, Any]
) -> None:
    """With a seed, only its numbers are senders, and services pick from them."""
    with Emulator(EmulatorOptions(seed=SEED, start=START)) as emulator:
        reply = Client(emulator).post("Messages.json", form(changes))

        assert reply.status == 201
        assert {name: reply.json[name] for name in expected} == expected


def test_every_sender_is_allowed_without_a_seed() -> None:
    """To try the client library, nobody should have to write a seed first."""
    with Emulator() as emulator:
        assert Client(emulator).post("Messages.json", form({"From": "+15017122669"})).status == 201


def test_service_without_numbers_has_no_sender() -> None:
    """The message would have no sender, with or without a seed."""
    with Emulator() as emulator:
        service = Client(emulator).post("/v1/Services", {"FriendlyName": "News"}).json["sid"]
        reply = Client(emulator).post("Messages.json", form({"From": None, "MessagingServiceSid": service}))

        assert reply.error == (400, 21704)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"From": "ACME"}, 21612, id="to the United States"),
        pytest.param({"From": "ACME", "To": "+447400123456", "MediaUrl": "https://a.example/b.jpg"}, 21621, id="media"),
        pytest.param({"From": "whatsapp:garbage", "To": f"whatsapp:{PHONE}"}, 21212, id="WhatsApp without a number"),
        pytest.param({"From": f"whatsapp:{NUMBER}", "To": "whatsapp:nobody"}, 21211, id="invalid WhatsApp recipient"),
    ],
)
def test_sender_that_cannot_reach_the_recipient_is_refused(changes: Mapping[str, str], code: int) -> None:
    """If only Twilio refused the message, a customer would find the error."""
    with Emulator() as emulator:
        assert Client(emulator).post("Messages.json", form(changes)).error == (400, code)


def test_local_to_gets_the_country_code_of_the_numbers_of_the_service() -> None:
    """The service has not picked its sender yet."""
    seed = {
        "numbers": [{"phone_number": "+447400000000"}],
        "services": [{"sid": SERVICE, "friendly_name": "News", "numbers": ["+447400000000"]}],
    }
    with Emulator(EmulatorOptions(seed=seed)) as emulator:
        changes = {"From": None, "MessagingServiceSid": SERVICE, "To": "07400 123456"}

        assert Client(emulator).post("Messages.json", form(changes)).json["to"] == "+447400123456"


@pytest.mark.parametrize("to", ["+15558675311", "(555) 867-5311"])
def test_trial_account_sends_to_verified_numbers_with_a_prefix(to: str) -> None:
    """At Twilio, messages of a trial account say so too."""
    with Emulator(EmulatorOptions(seed=TRIAL)) as emulator:
        reply = Client(emulator).post("Messages.json", form({"To": to}))

        assert (reply.status, reply.json["body"]) == (201, "Sent from your Twilio trial account - hello")


def test_trial_account_sends_to_a_verified_number_of_a_channel() -> None:
    """A verified number is verified in every channel."""
    with Emulator(EmulatorOptions(seed=TRIAL)) as emulator:
        reply = Client(emulator).post(
            "Messages.json", form({"From": f"whatsapp:{NUMBER}", "To": "whatsapp:+15558675311"})
        )

        assert reply.status == 201


ABROAD = "+447400123456"


def test_media_become_a_link_for_a_phone_without_mms() -> None:
    """https://support.twilio.com: seven characters, seven days, counted and priced as text."""
    with Emulator() as emulator:
        client = Client(emulator)
        made = client.post("Messages.json", form({"To": ABROAD, "MediaUrl": PICTURE, "Body": "x" * 150})).json
        found = re.fullmatch(rf"x{{150}} {emulator.url}(/[A-Za-z0-9]{{7}})", made["body"])
        assert found
        emulator.settle()

        assert (made["sid"][:2], made["num_media"], made["num_segments"]) == ("SM", "0", "2")
        assert client.get(f"Messages/{made['sid']}.json").json["price"] == "-0.08000"
        assert client.send("GET", found[1], None, {}).headers["Content-Type"] == "image/png"
        emulator.advance(7 * 24 * 3600)
        assert client.send("GET", found[1], None, {}).status == 410


def test_account_can_turn_off_media_links() -> None:
    """It is a setting of the account; the message then fails in transit."""
    seed = {"account": {"mms_as_link": False}, "numbers": [{"phone_number": NUMBER}]}
    with Emulator(EmulatorOptions(seed=seed)) as emulator:
        client = Client(emulator)
        made = client.post("Messages.json", form({"To": ABROAD, "MediaUrl": PICTURE})).json
        emulator.settle()

        assert (made["sid"][:2], made["num_media"], made["body"]) == ("MM", "1", "hello")
        fetched = client.get(f"Messages/{made['sid']}.json").json
        assert (fetched["status"], fetched["error_code"]) == ("failed", 30011)


@pytest.mark.parametrize(
    ("profile", "changes", "status", "code"),
    [
        pytest.param("current", {"MaxPrice": "0.0001"}, "delivered", None, id="obsolete now"),
        pytest.param("2014", {"MaxPrice": "0.0074"}, "failed", 30010, id="too low in 2014"),
        pytest.param("2014", {"MaxPrice": "0.0075"}, "delivered", None, id="enough in 2014"),
    ],
)
def test_max_price_follows_the_documentation_of_the_profile(
    profile: str, changes: dict[str, str], status: str, code: int | None
) -> None:
    """In 2015 more expensive messages failed; since 2024 the parameter has no effect."""
    with Emulator(EmulatorOptions(profile=profile)) as emulator:
        client = Client(emulator)
        sid = client.text(**changes)["sid"]
        emulator.settle()
        fetched = client.get(f"Messages/{sid}.json").json

        assert (fetched["status"], fetched["error_code"]) == (status, code)


def test_validity_period_of_the_service_is_the_default() -> None:
    """It applies to messages without a ValidityPeriod of their own."""
    seed = {**SEED, "services": [{"sid": SERVICE, "numbers": [NUMBER], "validity_period": 60}]}
    with Emulator(EmulatorOptions(seed=seed, start=START)) as emulator:
        client = Client(emulator)
        client.text(MessagingServiceSid=SERVICE)
        client.text(MessagingServiceSid=SERVICE, ValidityPeriod="30")

        assert [message.validity_s for message in emulator.outbox] == [60, 30]


LATE = ["sent", "delivered"]
OWN = {"StatusCallback": "own"}
WITH_URL, WITHOUT_URL = {"ApplicationSid": APPLICATION}, {"ApplicationSid": SILENT_APPLICATION}
IN_SERVICE: dict[str, str | None] = {"MessagingServiceSid": SERVICE}
PICKED = {**IN_SERVICE, "From": None}
#: Profile, resource, parameters, and the path that is called with the statuses that are posted.
STATUS_URLS: dict[str, tuple[str, str, Mapping[str, str | None], str, list[str]]] = {
    "StatusCallback wins over the application": ("current", MESSAGES, {**OWN, **WITH_URL}, "/own", LATE),
    "application gets every status": ("current", MESSAGES, WITH_URL, "/application", LATE),
    "service is last": ("current", MESSAGES, IN_SERVICE, "/service", LATE),
    "StatusCallback wins over the service": ("current", MESSAGES, {**OWN, **IN_SERVICE}, "/own", LATE),
    "service that picks the sender posts queued": ("current", MESSAGES, PICKED, "/service", ["queued", *LATE]),
    "application without a URL": ("current", MESSAGES, {**WITHOUT_URL, **IN_SERVICE}, "/service", LATE),
    "2014: application wins, final statuses only": ("2014", MESSAGES, {**OWN, **WITH_URL}, "/application", ["sent"]),
    "2014: StatusCallback gets every status": ("2014", MESSAGES, OWN, "/own", LATE),
    "2014: application without a URL": ("2014", MESSAGES, {**OWN, **WITHOUT_URL}, "/own", LATE),
    "2014: service that picks the sender posts no queued": ("2014", MESSAGES, PICKED, "/service", LATE),
    "old resource: final statuses only": ("current", TEXTS, OWN, "/own", ["sent"]),
    "old resource: own URL of the application": ("current", TEXTS, WITH_URL, "/sms", ["sent"]),
    "2014, old resource: application wins": ("2014", TEXTS, {**OWN, **WITH_URL}, "/sms", ["sent"]),
    "old resource: no service": ("current", TEXTS, {**OWN, **IN_SERVICE}, "/own", ["sent"]),
    "2008: no application": ("2008", TEXTS_OF_2008, {**OWN, **WITH_URL}, "/own", ["sent"]),
}


@pytest.mark.parametrize(("profile", "resource", "given", "path", "statuses"), STATUS_URLS.values(), ids=STATUS_URLS)
def test_status_url_follows_the_documentation_of_the_profile(
    profile: str, resource: str, given: Mapping[str, str | None], path: str, statuses: list[str]
) -> None:
    """The documentation of 2010 to 2015 and the current one disagree on which URL wins."""
    with listening() as listener:
        urls = {"message_status_callback": f"{listener.url}/application", "sms_status_callback": f"{listener.url}/sms"}
        seed = {
            "numbers": [{"phone_number": NUMBER}],
            "services": [{"sid": SERVICE, "numbers": [NUMBER], "status_callback": f"{listener.url}/service"}],
            "applications": [{"sid": APPLICATION, **urls}, {"sid": SILENT_APPLICATION}],
        }
        own = {"StatusCallback": f"{listener.url}/own"} if "StatusCallback" in given else {}
        with Emulator(EmulatorOptions(seed=seed, profile=profile)) as emulator:
            assert Client(emulator).post(resource, form({**given, **own})).status == 201
            emulator.settle()

        name = "SmsStatus" if "SMS" in resource else "MessageStatus"
        assert listener.statuses(name) == [(path, status) for status in statuses]


def test_status_callback_of_the_old_resource_has_its_own_parameters() -> None:
    """The old resource posts SmsSid and SmsStatus, and no MessageSid."""
    with listening() as listener, Emulator() as emulator:
        given = {"StatusCallback": f"{listener.url}/own"}
        sid = Client(emulator).post("SMS/Messages.json", form(given)).json["sid"]
        emulator.settle()

        ((_, posted),) = listener.posts
        assert posted == {
            "SmsSid": sid,
            "SmsStatus": "sent",
            "AccountSid": emulator.account_sid,
            "From": NUMBER,
            "To": PHONE,
            "ApiVersion": "2010-04-01",
        }


def test_number_of_another_account_is_refused_without_a_seed_too() -> None:
    """Any sender is allowed, but a number that was added belongs to the account that added it."""
    with Emulator() as emulator:
        owner = Client(emulator)
        child = owner.post("/2010-04-01/Accounts.json").json
        other = Client(emulator, child["sid"], child["auth_token"])
        emulator.add_number(NUMBER)
        form = {"To": PHONE, "From": NUMBER, "Body": "hello"}

        assert other.post("Messages.json", form).error == (400, 21660)
        assert other.post("SMS/Messages.json", form).error == (400, 21660)
        assert other.post("Messages.json", {**form, "From": "+15017122669"}).status == 201
        assert owner.post("Messages.json", form).status == 201
