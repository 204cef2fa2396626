"""The addresses of a message: sender, recipient and messaging service, and each refusal of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from tests.emulator.rest.message_forms import (
    EMPTY_SERVICE,
    NAMED_SERVICE,
    NO_SMS,
    OTHERS_NUMBER,
    OTHERS_SERVICE,
    PICTURE,
    SEED,
    SERVICE,
    TEXT_ONLY,
    TEXTS,
    TRIAL,
    Changes,
    Refused,
    check_created,
    check_refused,
    error_codes,
    form,
)
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.rest import message_addresses
from twiml_app.emulator.whatsapp import SANDBOX

REFUSED = {
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
    "From is a name, with media": Refused({"From": "ACME", "To": "+447400123456", "MediaUrl": PICTURE}, 21621),
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
    "from a WhatsApp sender of nobody": Refused(
        {"From": "whatsapp:+15017122669", "To": f"whatsapp:{PHONE}"}, 63007, seed=SEED
    ),
    "from one channel to another": Refused({"From": "messenger:1", "To": f"whatsapp:{PHONE}"}, 21910),
    "To is an unverified number, trial account": Refused({}, 21608, seed=TRIAL),
    "To is an unverified number of a channel, trial account": Refused(
        {"From": SANDBOX, "To": f"whatsapp:{PHONE}"}, 21608, seed=TRIAL
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
    "service with a name for other countries": Refused(
        {"From": None, "MessagingServiceSid": NAMED_SERVICE}, 21703, seed=SEED
    ),
    "media by a service with only a name": Refused(
        {"From": None, "MessagingServiceSid": NAMED_SERVICE, "To": "+447400123456", "MediaUrl": PICTURE},
        21703,
        seed=SEED,
    ),
    # the old resource, for texts only
    "From is a channel, old resource": Refused({"From": f"whatsapp:{NUMBER}"}, 21212, path=TEXTS),
    "To is a channel, old resource": Refused({"To": f"whatsapp:{PHONE}"}, 21211, path=TEXTS),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_invalid_addresses_are_refused_with_their_error_code(case: Refused) -> None:
    """Apps branch on the error code; a refused request stores nothing."""
    check_refused(case)


def test_every_error_code_of_addresses_is_in_the_table() -> None:
    """A refusal without a row has never been checked against the documentation."""
    tested = {case.code for case in REFUSED.values()}

    assert error_codes(message_addresses) <= tested
    assert 21611 in tested


ACCEPTED: dict[str, tuple[Changes, Mapping[str, Any]]] = {
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
}


@pytest.mark.parametrize(("changes", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_message_is_created_between_valid_addresses(changes: Changes, expected: Mapping[str, Any]) -> None:
    """What Twilio accepts is accepted, and shown in the same way."""
    check_created(changes, expected)


SERVED: dict[str, tuple[Changes, Mapping[str, Any]]] = {
    "the service picks the sender": (
        {"From": None, "MessagingServiceSid": SERVICE},
        {"status": "accepted", "from": None, "num_segments": "0", "messaging_service_sid": SERVICE},
    ),
    "sender of the service": (
        {"MessagingServiceSid": SERVICE},
        {"status": "queued", "from": NUMBER, "num_segments": "1", "messaging_service_sid": SERVICE},
    ),
    "name as sender, with a service": (
        {"From": "ACME", "To": "+447400123456", "MessagingServiceSid": SERVICE},
        {"from": "ACME"},
    ),
    "magic sender with a seed": ({"From": "+15005550006"}, {"from": "+15005550006"}),
    "short code from the seed": ({"From": "77000"}, {"from": "77000"}),
}


@pytest.mark.parametrize(("changes", "expected"), SERVED.values(), ids=SERVED)
def test_message_is_created_between_addresses_of_the_seed(changes: Changes, expected: Mapping[str, Any]) -> None:
    """With a seed, only its numbers are senders, and services pick from them."""
    check_created(changes, expected, SEED)


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


def test_trial_account_sends_to_a_verified_number_of_a_channel() -> None:
    """A verified number is verified in every channel."""
    with Emulator(EmulatorOptions(seed=TRIAL)) as emulator:
        reply = Client(emulator).post("Messages.json", form({"From": SANDBOX, "To": "whatsapp:+15558675311"}))

        assert reply.status == 201


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
