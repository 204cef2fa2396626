"""Forms that create a message, and the refusals of invalid ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client, Form
from twiml_app.emulator import Emulator, EmulatorOptions

OTHER = "AC" + "2" * 32
SERVICE, EMPTY_SERVICE, OTHERS_SERVICE = "MG" + "1" * 32, "MG" + "2" * 32, "MG" + "3" * 32
NAMED_SERVICE = "MG" + "4" * 32
APPLICATION, SILENT_APPLICATION, OTHERS_APPLICATION = "AP" + "1" * 32, "AP" + "2" * 32, "AP" + "3" * 32
TEXT_ONLY, NO_SMS, OTHERS_NUMBER = "+15017122662", "+15017122663", "+15017122664"
PICTURE = "https://example.com/picture.png"
CONTENT = "HX" + "0" * 32
#: The current resource, and the old ones.
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
        {"sid": NAMED_SERVICE, "alpha_sender": "News"},
        {"sid": OTHERS_SERVICE, "account_sid": OTHER},
    ],
    "applications": [{"sid": APPLICATION}, {"sid": OTHERS_APPLICATION, "account_sid": OTHER}],
}
TRIAL = {**SEED, "account": {"type": "Trial", "verified": ["+15558675311"]}}


Changes = Mapping[str, str | Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """The changes that make a valid form invalid, and the expected error."""

    changes: Changes
    code: int
    status: int = 400
    seed: Mapping[str, Any] | None = None
    profile: str = "current"
    path: str = MESSAGES
    #: A text that the contact has sent to the number before.
    texted: str = field(default="", kw_only=True)


def form(changes: Changes) -> Form:
    """Return a valid form with changes; a value of None removes the parameter."""
    full = {"To": PHONE, "From": NUMBER, "Body": "hello", **changes}
    return {name: value for name, value in full.items() if value is not None}


def at(seconds: float) -> str:
    """Return a time after the start, in the format that clients use."""
    return datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def scheduled(send_at: str) -> dict[str, str]:
    """Return the parameters that schedule a message."""
    return {"MessagingServiceSid": SERVICE, "ScheduleType": "fixed", "SendAt": send_at}


def check_refused(case: Refused) -> None:
    """Send an invalid form; check the error, and that no message is stored."""
    with Emulator(EmulatorOptions(seed=case.seed, profile=case.profile, start=START)) as emulator:
        if case.texted:
            emulator.phone(PHONE).text(case.texted, number=NUMBER)
        before = len(emulator.outbox)

        reply = Client(emulator).post(case.path, form(case.changes))

        assert reply.error == (case.status, case.code)
        assert set(reply.json) == {"code", "message", "more_info", "status"}
        assert reply.json["more_info"].endswith(f"/docs/errors/{case.code}")
        assert len(emulator.outbox) == before


def check_created(changes: Changes, expected: Mapping[str, Any], seed: Mapping[str, Any] | None = None) -> None:
    """Send a valid form, and check the message that it creates."""
    with Emulator(EmulatorOptions(seed=seed, start=START)) as emulator:
        reply = Client(emulator).post(MESSAGES, form(changes))

        assert reply.status == 201
        assert {name: reply.json[name] for name in expected} == expected
        assert reply.json["direction"] == "outbound-api"
        assert reply.json["sid"].startswith("MM" if "MediaUrl" in changes else "SM")


def error_codes(module: ModuleType) -> set[int]:
    """Return Twilio's error codes in the source of a module."""
    assert module.__file__
    return {int(code) for code in re.findall(r"\b[23]\d{4}\b", Path(module.__file__).read_text())}
