"""Creating a message: its content, opt-outs, the refusals of both, and the resulting message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, Client
from tests.emulator.rest.message_forms import (
    CONTENT,
    PICTURE,
    SEED,
    SERVICE,
    TEXT_ONLY,
    TEXTS,
    TEXTS_OF_2008,
    TRIAL,
    Changes,
    Refused,
    check_created,
    check_refused,
    error_codes,
    form,
)
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.rest import create_message

REFUSED = {
    # missing
    "no parameters": Refused({"To": None, "From": None, "Body": None}, 21604),
    "no To": Refused({"To": None}, 21604),
    "an empty To": Refused({"To": ""}, 21604),
    "no From": Refused({"From": None}, 21603),
    "an empty From": Refused({"From": ""}, 21603),
    "no content": Refused({"Body": None}, 21619),
    "an empty Body and an empty MediaUrl": Refused({"Body": "", "MediaUrl": ""}, 21619),
    "no content in 2014": Refused({"Body": None}, 21602, profile="2014"),
    "no content in 2008": Refused({"Body": None}, 21602, profile="2008"),
    # opt-out
    "To has sent STOP": Refused({}, 21610, seed=SEED, texted="STOP"),
    "To has sent STOP to the service": Refused(
        {"From": None, "MessagingServiceSid": SERVICE}, 21610, seed=SEED, texted="Stop "
    ),
    # content
    "1601 characters": Refused({"Body": "x" * 1601}, 21617),
    "801 characters beyond the BMP": Refused({"Body": "👍" * 801}, 21617),
    "malformed MediaUrl": Refused({"MediaUrl": "picture.png"}, 21620),
    "eleven media files": Refused({"MediaUrl": [PICTURE] * 11}, 21623),
    "media from a number without MMS": Refused({"From": TEXT_ONLY, "MediaUrl": PICTURE}, 21621, seed=SEED),
    "SmartEncoded": Refused({"SmartEncoded": "maybe"}, 20001),
    # the old resource, for texts only
    "161 characters, old resource": Refused({"Body": "x" * 161}, 21605, path=TEXTS),
    "only media, old resource": Refused({"Body": None, "MediaUrl": PICTURE}, 21602, path=TEXTS),
    "only a service, old resource": Refused(
        {"From": None, "MessagingServiceSid": SERVICE}, 21603, seed=SEED, path=TEXTS
    ),
    "161 characters in 2008": Refused({"Body": "x" * 161}, 21605, path=f"{TEXTS_OF_2008}.json"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_invalid_messages_are_refused_with_their_error_code(case: Refused) -> None:
    """Apps branch on the error code; a refused request stores nothing."""
    check_refused(case)


def test_every_error_code_of_messages_is_in_the_table() -> None:
    """A refusal without a row has never been checked against the documentation."""
    tested = {case.code for case in REFUSED.values()}

    assert error_codes(create_message) <= tested


ACCEPTED: dict[str, tuple[Changes, Mapping[str, Any]]] = {
    "only text": ({}, {"body": "hello", "status": "queued", "num_segments": "1", "num_media": "0", "from": NUMBER}),
    "1600 characters": ({"Body": "x" * 1600}, {"num_segments": "11"}),
    "800 characters beyond the BMP": ({"Body": "👍" * 800}, {"num_segments": "25"}),
    "only white space": ({"Body": " \n"}, {"body": " \n"}),
    "only media": ({"Body": None, "MediaUrl": PICTURE}, {"body": "", "num_media": "1", "num_segments": "1"}),
    "ten media files": ({"MediaUrl": [PICTURE] * 10}, {"num_media": "10", "num_segments": "1"}),
    "content template": ({"Body": None, "ContentSid": CONTENT, "ContentVariables": '{"1": "a"}'}, {"body": ""}),
    "smart encoding": ({"Body": "it’s “fine”…", "SmartEncoded": "true"}, {"body": 'it\'s "fine"...'}),
    "no smart encoding": ({"Body": "it’s"}, {"body": "it’s"}),
}


@pytest.mark.parametrize(("changes", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_message_is_created(changes: Changes, expected: Mapping[str, Any]) -> None:
    """What Twilio accepts is accepted, and shown in the same way."""
    check_created(changes, expected)


SERVED: dict[str, tuple[Changes, Mapping[str, Any]]] = {
    "media from a service": (
        {"From": None, "MessagingServiceSid": SERVICE, "MediaUrl": PICTURE},
        {"status": "accepted", "num_media": "1", "num_segments": "1"},
    ),
    "smart encoding of the service": (
        {"MessagingServiceSid": SERVICE, "Body": "it’s"},
        {"body": "it's"},
    ),
    "smart encoding of the service, switched off": (
        {"MessagingServiceSid": SERVICE, "Body": "it’s", "SmartEncoded": "false"},
        {"body": "it’s"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), SERVED.values(), ids=SERVED)
def test_message_is_created_with_the_settings_of_its_service(changes: Changes, expected: Mapping[str, Any]) -> None:
    """The settings of the service apply to its messages."""
    check_created(changes, expected, SEED)


@pytest.mark.parametrize("to", ["+15558675311", "(555) 867-5311"])
def test_trial_account_sends_to_verified_numbers_with_a_prefix(to: str) -> None:
    """At Twilio, messages of a trial account say so too."""
    with Emulator(EmulatorOptions(seed=TRIAL)) as emulator:
        reply = Client(emulator).post("Messages.json", form({"To": to}))

        assert (reply.status, reply.json["body"]) == (201, "Sent from your Twilio trial account - hello")


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
