"""Seeds: the resources that they create, and the errors in invalid seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.contexts import make_context
from tests.emulator.rest.asking import NUMBER, PHONE, Client
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.context import Context
from twiml_app.emulator.resources import Account, Application, IncomingNumber, MessagingService, PhoneSettings, Resource
from twiml_app.emulator.seed_reader import read_seed
from twiml_app.emulator.seeds import Sower
from twiml_app.emulator.store import ResourceStore
from twiml_app.errors import ConfigurationError

START = 1_700_000_000.0
CHILD, STRANGER = "AC" + "1" * 32, "AC" + "2" * 32
APPLICATION, THEIR_APPLICATION = "AP" + "1" * 32, "AP" + "2" * 32
SERVICE, FIRST, SECOND = "MG" + "1" * 32, "PN" + "1" * 32, "PN" + "2" * 32

TOML = f"""
[account]
friendly_name = "Orders"
type = "Trial"
verified = ["{PHONE}"]
mms_as_link = false

[[accounts]]
sid = "{CHILD}"
auth_token = "child"
status = "suspended"

[[applications]]
sid = "{APPLICATION}"
message_status_callback = "https://a.example.com/status"

[[numbers]]
sid = "{FIRST}"
phone_number = "{NUMBER}"
sms_url = "http://sms:password@127.0.0.1:8000/message#rc=1"
sms_method = "GET"
sms_application_sid = "{APPLICATION}"

[[numbers]]
phone_number = "77000"
mms = false
date_created = 1_600_000_000

[[services]]
sid = "{SERVICE}"
friendly_name = "News"
numbers = ["77000", "{FIRST}"]
validity_period = 60

[[phones]]
contact = "{PHONE}"
status = "undelivered"
error_code = 30005
takes_media = false
"""
#: The same seed as JSON.
SEED: dict[str, Any] = {
    "account": {"friendly_name": "Orders", "type": "Trial", "verified": [PHONE], "mms_as_link": False},
    "accounts": [{"sid": CHILD, "auth_token": "child", "status": "suspended"}],
    "applications": [{"sid": APPLICATION, "message_status_callback": "https://a.example.com/status"}],
    "numbers": [
        {
            "sid": FIRST,
            "phone_number": NUMBER,
            "sms_url": "http://sms:password@127.0.0.1:8000/message#rc=1",
            "sms_method": "GET",
            "sms_application_sid": APPLICATION,
        },
        {"phone_number": "77000", "mms": False, "date_created": 1_600_000_000},
    ],
    "services": [
        {"sid": SERVICE, "friendly_name": "News", "numbers": ["77000", FIRST], "validity_period": 60},
    ],
    "phones": [{"contact": PHONE, "status": "undelivered", "error_code": 30005, "takes_media": False}],
}


@pytest.fixture
def context() -> Iterator[Context]:
    """A context whose store contains the account."""
    store = ResourceStore()
    store.save(
        Account(sid=ACCOUNT_SID, account_sid=ACCOUNT_SID, date_created=1.0, date_updated=1.0, auth_token=AUTH_TOKEN)
    )
    yield make_context(store, clock=SteppedClock(START), new_sid=lambda prefix: f"{prefix}{'f' * 32}")
    store.close()


def own(**given: Any) -> dict[str, Any]:
    """Return the fields that resources of a seed have by default."""
    return {"account_sid": ACCOUNT_SID, "date_created": START, "date_updated": START, **given}


EVERYTHING: tuple[Resource, ...] = (
    Account(
        sid=ACCOUNT_SID,
        account_sid=ACCOUNT_SID,
        date_created=1.0,
        date_updated=1.0,
        auth_token=AUTH_TOKEN,
        friendly_name="Orders",
        type="Trial",
        verified=(PHONE,),
        mms_as_link=False,
    ),
    Account(
        **own(
            sid=CHILD,
            auth_token="child",
            friendly_name="SubAccount Created at Tue, 14 Nov 2023 22:13:20 +0000",
            status="suspended",
        )
    ),
    Application(**own(sid=APPLICATION, message_status_callback="https://a.example.com/status")),
    IncomingNumber(
        **own(
            sid=FIRST,
            phone_number=NUMBER,
            friendly_name="(501) 712-2661",
            sms_url="http://sms:password@127.0.0.1:8000/message#rc=1",
            sms_method="GET",
            sms_application_sid=APPLICATION,
        )
    ),
    IncomingNumber(
        **own(sid="PN" + "f" * 32, phone_number="77000", friendly_name="77000", mms=False, date_created=1_600_000_000)
    ),
    MessagingService(
        **own(sid=SERVICE, friendly_name="News", numbers=("PN" + "f" * 32, FIRST), validity_period=60),
    ),
    PhoneSettings(**own(sid=PHONE, status="undelivered", error_code=30005, takes_media=False)),
)


@pytest.mark.parametrize(
    ("name", "text"),
    [("seed.toml", TOML), ("seed", TOML), ("seed.json", json.dumps(SEED)), ("SEED.JSON", json.dumps(SEED))],
)
def test_seed_creates_its_resources(name: str, text: str, tmp_path: Path, context: Context) -> None:
    """Every table can be used, in TOML and in JSON; other fields have their defaults."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    Sower(context, ACCOUNT_SID).sow(read_seed(tmp_path / name))
    kinds = (Account, Application, IncomingNumber, MessagingService, PhoneSettings)

    assert tuple(each for kind in kinds for each in context.store.find(kind, oldest_first=True)) == EVERYTHING


def test_empty_seed_does_not_change_the_account(context: Context) -> None:
    """An empty file is a valid seed."""
    before = context.account(ACCOUNT_SID)
    Sower(context, ACCOUNT_SID).sow({})

    assert context.store.find(Account) == [before]


def test_seed_can_be_sown_again(context: Context) -> None:
    """A reset does this."""
    sower = Sower(context, ACCOUNT_SID)
    for _ in range(2):
        sower.sow(SEED)

    assert context.store.count(IncomingNumber) == 2


def test_seed_may_contain_another_main_account(context: Context) -> None:
    """Its parent is itself, and it may have subaccounts."""
    accounts = [
        {"sid": STRANGER, "account_sid": STRANGER, "auth_token": "a"},
        {"sid": CHILD, "account_sid": STRANGER, "auth_token": "b"},
    ]
    Sower(context, ACCOUNT_SID).sow({"accounts": accounts, "numbers": [{"phone_number": NUMBER, "account_sid": CHILD}]})

    assert context.account(CHILD).account_sid == STRANGER
    assert context.store.find(IncomingNumber)[0].account_sid == CHILD


def test_fixed_fields_may_be_repeated(context: Context) -> None:
    """A seed may contain the sid and token of the account that it is for."""
    account = {"sid": ACCOUNT_SID, "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "friendly_name": "Orders"}
    Sower(context, ACCOUNT_SID).sow({"account": account})

    assert context.account(ACCOUNT_SID).friendly_name == "Orders"


def _number(**changes: Any) -> dict[str, Any]:
    return {"numbers": [{"phone_number": NUMBER, **changes}]}


def _names(kind: type[Resource]) -> str:
    names = {field.name for field in fields(kind)}
    return ", ".join(sorted(names - {"sid"} | {"contact"} if kind is PhoneSettings else names))


OTHER_ACCOUNT = "{!r} is not that of the emulator: leave it out, or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
CHILDREN = {"accounts": [{"sid": CHILD, "auth_token": "child"}]}
INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "unknown table": (
        {"number": []},
        "'number' is not one of: account, accounts, applications, numbers, services, phones",
    ),
    "single table for a list": ({"numbers": {}}, "'numbers' must be a list of tables: write [[numbers]]"),
    "list of strings for a list of tables": (
        {"numbers": [NUMBER]},
        "'numbers' must be a list of tables: write [[numbers]]",
    ),
    "list for a single table": ({"account": []}, "'account' must be a single table: write [account]"),
    "unknown key": (_number(url="x"), f"numbers: 'url' is not one of: {_names(IncomingNumber)}"),
    "unknown key of the account": (
        {"account": {"name": "x"}},
        f"account: 'name' is not one of: {_names(Account)}",
    ),
    "unknown key of a phone": (
        {"phones": [{"contact": PHONE, "outcome": "sent"}]},
        f"phones: 'outcome' is not one of: {_names(PhoneSettings)}",
    ),
    "number for a string": (_number(sms_url=5), "numbers: sms_url is 5: it must be a string"),
    "null for a string": (_number(sms_url=None), "numbers: sms_url is None: it must be a string"),
    "string for a flag": (_number(mms="no"), "numbers: mms is 'no': it must be true or false"),
    "number for a flag": (_number(mms=0), "numbers: mms is 0: it must be true or false"),
    "string for a date": (_number(date_created="today"), "numbers: date_created is 'today': it must be a number"),
    "flag for an integer": (
        {"services": [{"validity_period": True}]},
        "services: validity_period is True: it must be an integer",
    ),
    "string for a code": (
        {"phones": [{"contact": PHONE, "error_code": "30005"}]},
        "phones: error_code is '30005': it must be an integer or null",
    ),
    "string for a list": (
        {"services": [{"numbers": NUMBER}]},
        f"services: numbers is '{NUMBER}': it must be a list of strings",
    ),
    "list of integers for a list of strings": (
        {"services": [{"numbers": [77000]}]},
        "services: numbers is [77000]: it must be a list of strings",
    ),
    "invalid URL": (
        _number(sms_url="localhost:8000/message"),
        "numbers: sms_url is 'localhost:8000/message': it must be an http or https URL",
    ),
    "invalid URL of a callback": (
        {"applications": [{"sms_status_callback": "x"}]},
        "applications: sms_status_callback is 'x': it must be an http or https URL",
    ),
    "unknown method": (_number(sms_method="PUT"), "numbers: sms_method is 'PUT': it must be GET or POST"),
    "unknown status": (
        {"accounts": [{"sid": CHILD, "auth_token": "x", "status": "gone"}]},
        "accounts: status is 'gone': it must be active or suspended or closed",
    ),
    "unknown type": ({"account": {"type": "trial"}}, "account: type is 'trial': it must be Full or Trial"),
    "unknown delivery outcome": (
        {"phones": [{"contact": PHONE, "status": "lost"}]},
        "phones: status is 'lost': it must be delivered or undelivered or failed or sent or read",
    ),
    "number in another format": (
        {"numbers": [{"phone_number": "(501) 712-2661"}]},
        f"numbers: phone_number is '(501) 712-2661': write it as {NUMBER}",
    ),
    "invalid number": (
        {"numbers": [{"phone_number": "!"}]},
        "numbers: phone_number is '!': it must be a number such as +15558675310",
    ),
    "name for a number": (
        {"numbers": [{"phone_number": "Twilio"}]},
        "numbers: phone_number is 'Twilio': it must be a number such as +15558675310",
    ),
    "verified number in another format": (
        {"account": {"verified": [PHONE, "15558675311"]}},
        f"account: verified is ['{PHONE}', '15558675311']: write it as +15558675311",
    ),
    "contact in another format": (
        {"phones": [{"contact": "15558675310"}]},
        f"phones: contact is '15558675310': write it as {PHONE}",
    ),
    "phone without a contact": (
        {"phones": [{"status": "failed"}]},
        "phones: every entry needs 'contact', and cannot have 'sid'",
    ),
    "phone with a sid": (
        {"phones": [{"contact": PHONE, "sid": PHONE}]},
        "phones: every entry needs 'contact', and cannot have 'sid'",
    ),
    "error code of a phone with delivered": (
        {"phones": [{"contact": PHONE, "error_code": 30005}]},
        f"phones: {PHONE}: error_code needs the status undelivered or failed",
    ),
    "error code of a phone with sent": (
        {"phones": [{"contact": PHONE, "status": "sent", "error_code": 30005}]},
        f"phones: {PHONE}: error_code needs the status undelivered or failed",
    ),
    "entry without a number": ({"numbers": [{"sms_url": ""}]}, "numbers: every entry needs 'phone_number'"),
    "subaccount without a token": ({"accounts": [{"sid": CHILD}]}, "accounts: every entry needs 'auth_token'"),
    "empty token": (
        {"accounts": [{"sid": CHILD, "auth_token": ""}]},
        "accounts: every entry needs 'auth_token'",
    ),
    "short sid": (_number(sid="PN1"), "numbers: sid is 'PN1': it must be PN and 32 hexadecimal digits"),
    "sid of another kind": (
        {"services": [{"sid": FIRST}]},
        f"services: sid is '{FIRST}': it must be MG and 32 hexadecimal digits",
    ),
    "account_sid of another kind": (
        _number(account_sid=FIRST),
        f"numbers: account_sid is '{FIRST}': it must be AC and 32 hexadecimal digits",
    ),
    "unknown account": (_number(account_sid=CHILD), f"numbers: there is no account {CHILD}"),
    "unknown parent account": (
        {"accounts": [{"sid": CHILD, "account_sid": STRANGER, "auth_token": "x"}]},
        f"accounts: there is no account {STRANGER}",
    ),
    "subaccount of a subaccount": (
        {"accounts": [*CHILDREN["accounts"], {"sid": STRANGER, "account_sid": CHILD, "auth_token": "x"}]},
        f"accounts: {CHILD} is a subaccount, which cannot have subaccounts",
    ),
    "account of the emulator as a subaccount": (
        {"accounts": [{"sid": ACCOUNT_SID, "auth_token": "x"}]},
        f"accounts: {ACCOUNT_SID} appears twice",
    ),
    "duplicate sid": (
        {"applications": [{"sid": APPLICATION}, {"sid": APPLICATION}]},
        f"applications: {APPLICATION} appears twice",
    ),
    "duplicate number": (
        {"numbers": [{"sid": FIRST, "phone_number": NUMBER}, {"sid": SECOND, "phone_number": NUMBER}]},
        f"numbers: {NUMBER} appears twice",
    ),
    "duplicate phone": ({"phones": [{"contact": PHONE}, {"contact": PHONE}]}, f"phones: {PHONE} appears twice"),
    "application sid of another kind": (
        _number(sms_application_sid=FIRST),
        f"numbers: sms_application_sid is '{FIRST}': it must be AP and 32 hexadecimal digits",
    ),
    "unknown application": (
        _number(sms_application_sid=APPLICATION),
        f"numbers: the account has no application {APPLICATION}",
    ),
    "application of another account": (
        {
            **CHILDREN,
            "applications": [{"sid": THEIR_APPLICATION, "account_sid": CHILD}],
            **_number(sms_application_sid=THEIR_APPLICATION),
        },
        f"numbers: the account has no application {THEIR_APPLICATION}",
    ),
    "service with an unknown number": (
        {"services": [{"numbers": [NUMBER]}]},
        f"services: {NUMBER} is not a number of its account",
    ),
    "service with an unknown sid": (
        {"services": [{"numbers": [FIRST]}]},
        f"services: {FIRST} is not a number of its account",
    ),
    "service with a number of another account": (
        {**CHILDREN, **_number(account_sid=CHILD), "services": [{"numbers": [NUMBER]}]},
        f"services: {NUMBER} is not a number of its account",
    ),
    "number in two services": (
        {**_number(), "services": [{"sid": SERVICE, "numbers": [NUMBER]}, {"numbers": [NUMBER]}]},
        f"services: {NUMBER} is already in a service",
    ),
    "number twice in a service": (
        {**_number(sid=FIRST), "services": [{"numbers": [NUMBER, FIRST]}]},
        f"services: {FIRST} is already in a service",
    ),
    "another account sid": ({"account": {"sid": CHILD}}, f"account: {OTHER_ACCOUNT.format('sid')}"),
    "another token": ({"account": {"auth_token": "x"}}, f"account: {OTHER_ACCOUNT.format('auth_token')}"),
    "another parent account": ({"account": {"account_sid": CHILD}}, f"account: {OTHER_ACCOUNT.format('account_sid')}"),
}


@pytest.mark.parametrize(("seed", "problem"), INVALID.values(), ids=INVALID)
def test_invalid_seed_is_refused(seed: dict[str, Any], problem: str, context: Context) -> None:
    """The error names the key, and no resource is created, not even a valid one that comes first."""
    before = context.account(ACCOUNT_SID)
    valid = {"applications": [{"friendly_name": "valid"}]}
    with pytest.raises(ConfigurationError) as refused:
        Sower(context, ACCOUNT_SID).sow({**valid, **seed})

    assert (refused.value.setting, refused.value.problem) == ("seed", problem)
    assert context.store.find(Account) == [before]
    assert (context.store.find(Application), context.store.find(IncomingNumber)) == ([], [])


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("seed.toml", b"numbers = [", "Invalid value"),
        ("seed.json", b"[[numbers]]", "Expecting value"),
        ("seed.json", b"[]", "it is not a JSON object"),
        ("seed.json", b"null", "it is not a JSON object"),
        ("seed.toml", b"name = '\xff'", "codec can't decode"),
    ],
    ids=["invalid TOML", "invalid JSON", "list", "null", "invalid UTF-8"],
)
def test_invalid_file_is_named(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    """The error also says what is wrong in it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        read_seed(path)

    assert refused.value.problem.startswith(f"{path} cannot be read: ")
    assert problem in refused.value.problem


def test_missing_file_is_named(tmp_path: Path) -> None:
    """With a wrong file name, the emulator must not start without a seed."""
    with pytest.raises(ConfigurationError, match=r"nothing\.toml cannot be read"):
        read_seed(tmp_path / "nothing.toml")


def test_emulator_starts_with_its_seed(tmp_path: Path) -> None:
    """Its accounts can log in, and its restrictions apply."""
    path = tmp_path / "seed.toml"
    path.write_text(TOML, encoding="utf-8")
    with Emulator(EmulatorOptions(seed=path)) as emulator:
        client, child = Client(emulator), Client(emulator, CHILD, "child")

        assert child.get("Messages.json").error == (403, 20005)
        assert client.get(f"/v1/Services/{SERVICE}/PhoneNumbers").json["phone_numbers"][0]["phone_number"] == NUMBER
        assert client.get(f"/v1/Services/{SERVICE}/ShortCodes").json["short_codes"][0]["short_code"] == "77000"
        assert client.text(From="77000")["to"] == PHONE
        assert client.text(From="77000", To="+15558675311")["code"] == 21608
        assert client.text(From="+15017122662")["code"] == 21606


def test_emulator_refuses_an_invalid_seed() -> None:
    """The error is raised at the start, not at the first request."""
    with pytest.raises(ConfigurationError, match="'url' is not one of"):
        Emulator(EmulatorOptions(seed=_number(url="x")))
