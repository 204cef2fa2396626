"""Seeds: what an emulator begins with, and what is wrong with a seed, said by name."""

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
from twiml_app.emulator.seeds import Sower, read_seed
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
#: The same, as JSON has it.
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
    """A store with the account, and whatever needs it."""
    store = ResourceStore()
    store.save(
        Account(sid=ACCOUNT_SID, account_sid=ACCOUNT_SID, date_created=1.0, date_updated=1.0, auth_token=AUTH_TOKEN)
    )
    yield make_context(store, clock=SteppedClock(START), new_sid=lambda prefix: f"{prefix}{'f' * 32}")
    store.close()


def own(**given: Any) -> dict[str, Any]:
    """Return what every resource of a seed has, unless it says otherwise."""
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
    Account(**own(sid=CHILD, auth_token="child", status="suspended")),
    Application(**own(sid=APPLICATION, message_status_callback="https://a.example.com/status")),
    IncomingNumber(
        **own(
            sid=FIRST,
            phone_number=NUMBER,
            sms_url="http://sms:password@127.0.0.1:8000/message#rc=1",
            sms_method="GET",
            sms_application_sid=APPLICATION,
        )
    ),
    IncomingNumber(**own(sid="PN" + "f" * 32, phone_number="77000", mms=False, date_created=1_600_000_000)),
    MessagingService(
        **own(sid=SERVICE, friendly_name="News", numbers=("PN" + "f" * 32, FIRST), validity_period=60),
    ),
    PhoneSettings(**own(sid=PHONE, status="undelivered", error_code=30005, takes_media=False)),
)


@pytest.mark.parametrize(
    ("name", "text"),
    [("seed.toml", TOML), ("seed", TOML), ("seed.json", json.dumps(SEED)), ("SEED.JSON", json.dumps(SEED))],
)
def test_seed_makes_what_it_names(name: str, text: str, tmp_path: Path, context: Context) -> None:
    """Every table, in TOML and in JSON; the rest has its default."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    Sower(context, ACCOUNT_SID).sow(read_seed(tmp_path / name))
    kinds = (Account, Application, IncomingNumber, MessagingService, PhoneSettings)

    assert tuple(each for kind in kinds for each in context.store.find(kind, oldest_first=True)) == EVERYTHING


def test_empty_seed_leaves_the_account_as_it_is(context: Context) -> None:
    """A seed with nothing in it means that no sender is owned."""
    before = context.account(ACCOUNT_SID)
    Sower(context, ACCOUNT_SID).sow({})

    assert context.store.find(Account) == [before]


def test_seed_is_sown_again_after_a_reset(context: Context) -> None:
    """A reset begins with the same."""
    sower = Sower(context, ACCOUNT_SID)
    for _ in range(2):
        sower.sow(SEED)

    assert context.store.count(IncomingNumber) == 2


def test_account_that_is_nobodys_subaccount(context: Context) -> None:
    """It is its own parent, and may have subaccounts."""
    accounts = [
        {"sid": STRANGER, "account_sid": STRANGER, "auth_token": "a"},
        {"sid": CHILD, "account_sid": STRANGER, "auth_token": "b"},
    ]
    Sower(context, ACCOUNT_SID).sow({"accounts": accounts, "numbers": [{"phone_number": NUMBER, "account_sid": CHILD}]})

    assert context.account(CHILD).account_sid == STRANGER
    assert context.store.find(IncomingNumber)[0].account_sid == CHILD


def test_settled_keys_may_be_repeated(context: Context) -> None:
    """A seed may say which account it is for."""
    account = {"sid": ACCOUNT_SID, "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "friendly_name": "Orders"}
    Sower(context, ACCOUNT_SID).sow({"account": account})

    assert context.account(ACCOUNT_SID).friendly_name == "Orders"


def _number(**changes: Any) -> dict[str, Any]:
    return {"numbers": [{"phone_number": NUMBER, **changes}]}


def _names(kind: type[Resource]) -> str:
    names = {field.name for field in fields(kind)}
    return ", ".join(sorted(names - {"sid"} | {"contact"} if kind is PhoneSettings else names))


OTHER_ACCOUNT = "the emulator has another {!r}: leave it out, or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
CHILDREN = {"accounts": [{"sid": CHILD, "auth_token": "child"}]}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown table": (
        {"number": []},
        "'number' is none of account, accounts, applications, numbers, services, phones",
    ),
    "one table for several": ({"numbers": {}}, "'numbers' is a list of tables: write [[numbers]]"),
    "a list of texts": ({"numbers": [NUMBER]}, "'numbers' is a list of tables: write [[numbers]]"),
    "several tables for one": ({"account": []}, "'account' is one table: write [account]"),
    "an unknown key": (_number(url="x"), f"numbers: there is no 'url': it is one of {_names(IncomingNumber)}"),
    "an unknown key of the account": (
        {"account": {"name": "x"}},
        f"account: there is no 'name': it is one of {_names(Account)}",
    ),
    "an unknown key of a phone": (
        {"phones": [{"contact": PHONE, "fate": "sent"}]},
        f"phones: there is no 'fate': it is one of {_names(PhoneSettings)}",
    ),
    "a number for a text": (_number(sms_url=5), "numbers: sms_url is 5: it is a text"),
    "null for a text": (_number(sms_url=None), "numbers: sms_url is None: it is a text"),
    "a text for a flag": (_number(mms="no"), "numbers: mms is 'no': it is true or false"),
    "a number for a flag": (_number(mms=0), "numbers: mms is 0: it is true or false"),
    "a text for a date": (_number(date_created="today"), "numbers: date_created is 'today': it is a number"),
    "a flag for a whole number": (
        {"services": [{"validity_period": True}]},
        "services: validity_period is True: it is a whole number",
    ),
    "a text for a code": (
        {"phones": [{"contact": PHONE, "error_code": "30005"}]},
        "phones: error_code is '30005': it is a whole number or null",
    ),
    "a text for a list": (
        {"services": [{"numbers": NUMBER}]},
        f"services: numbers is '{NUMBER}': it is a list of texts",
    ),
    "a list of numbers": ({"services": [{"numbers": [77000]}]}, "services: numbers is [77000]: it is a list of texts"),
    "no URL": (
        _number(sms_url="localhost:8000/message"),
        "numbers: sms_url is 'localhost:8000/message': write an http or https URL",
    ),
    "no URL of a callback": (
        {"applications": [{"sms_status_callback": "x"}]},
        "applications: sms_status_callback is 'x': write an http or https URL",
    ),
    "another method": (_number(sms_method="PUT"), "numbers: sms_method is 'PUT': it is GET or POST"),
    "a status that there is not": (
        {"accounts": [{"sid": CHILD, "auth_token": "x", "status": "gone"}]},
        "accounts: status is 'gone': it is active or suspended or closed",
    ),
    "a type that there is not": ({"account": {"type": "trial"}}, "account: type is 'trial': it is Full or Trial"),
    "a fate that there is not": (
        {"phones": [{"contact": PHONE, "status": "lost"}]},
        "phones: status is 'lost': it is delivered or undelivered or failed or sent or read",
    ),
    "a number written otherwise": (
        {"numbers": [{"phone_number": "(501) 712-2661"}]},
        f"numbers: phone_number is '(501) 712-2661': write it as {NUMBER}",
    ),
    "no number": (
        {"numbers": [{"phone_number": "!"}]},
        "numbers: phone_number is '!': it is a number, such as +15558675310",
    ),
    "a name for a number": (
        {"numbers": [{"phone_number": "Twilio"}]},
        "numbers: phone_number is 'Twilio': it is a number, such as +15558675310",
    ),
    "a verified number written otherwise": (
        {"account": {"verified": [PHONE, "15558675311"]}},
        f"account: verified is ['{PHONE}', '15558675311']: write it as +15558675311",
    ),
    "a phone written otherwise": (
        {"phones": [{"contact": "15558675310"}]},
        f"phones: contact is '15558675310': write it as {PHONE}",
    ),
    "a phone without a number": (
        {"phones": [{"status": "failed"}]},
        "phones: every one needs 'contact', and has no 'sid'",
    ),
    "a phone with a sid": (
        {"phones": [{"contact": PHONE, "sid": PHONE}]},
        "phones: every one needs 'contact', and has no 'sid'",
    ),
    "an error of a phone that is reached": (
        {"phones": [{"contact": PHONE, "error_code": 30005}]},
        f"phones: {PHONE}: error_code belongs to the status undelivered or failed",
    ),
    "an error of a message that was only sent": (
        {"phones": [{"contact": PHONE, "status": "sent", "error_code": 30005}]},
        f"phones: {PHONE}: error_code belongs to the status undelivered or failed",
    ),
    "a number without one": ({"numbers": [{"sms_url": ""}]}, "numbers: every one needs 'phone_number'"),
    "a subaccount without a token": ({"accounts": [{"sid": CHILD}]}, "accounts: every one needs 'auth_token'"),
    "an empty token": (
        {"accounts": [{"sid": CHILD, "auth_token": ""}]},
        "accounts: every one needs 'auth_token'",
    ),
    "a short sid": (_number(sid="PN1"), "numbers: sid is 'PN1': it is PN and 32 hexadecimal digits"),
    "a sid of another kind": (
        {"services": [{"sid": FIRST}]},
        f"services: sid is '{FIRST}': it is MG and 32 hexadecimal digits",
    ),
    "an owner that is no account": (
        _number(account_sid=FIRST),
        f"numbers: account_sid is '{FIRST}': it is AC and 32 hexadecimal digits",
    ),
    "an owner that is not there": (_number(account_sid=CHILD), f"numbers: there is no account {CHILD}"),
    "a parent that is not there": (
        {"accounts": [{"sid": CHILD, "account_sid": STRANGER, "auth_token": "x"}]},
        f"accounts: there is no account {STRANGER}",
    ),
    "a subaccount of a subaccount": (
        {"accounts": [*CHILDREN["accounts"], {"sid": STRANGER, "account_sid": CHILD, "auth_token": "x"}]},
        f"accounts: {CHILD} is a subaccount, and has none of its own",
    ),
    "the account again": (
        {"accounts": [{"sid": ACCOUNT_SID, "auth_token": "x"}]},
        f"accounts: {ACCOUNT_SID} is there twice",
    ),
    "a sid twice": (
        {"applications": [{"sid": APPLICATION}, {"sid": APPLICATION}]},
        f"applications: {APPLICATION} is there twice",
    ),
    "a number twice": (
        {"numbers": [{"sid": FIRST, "phone_number": NUMBER}, {"sid": SECOND, "phone_number": NUMBER}]},
        f"numbers: {NUMBER} is there twice",
    ),
    "a phone twice": ({"phones": [{"contact": PHONE}, {"contact": PHONE}]}, f"phones: {PHONE} is there twice"),
    "no application": (
        _number(sms_application_sid=FIRST),
        f"numbers: sms_application_sid is '{FIRST}': it is AP and 32 hexadecimal digits",
    ),
    "an application that is not there": (
        _number(sms_application_sid=APPLICATION),
        f"numbers: the account has no application {APPLICATION}",
    ),
    "an application of another account": (
        {
            **CHILDREN,
            "applications": [{"sid": THEIR_APPLICATION, "account_sid": CHILD}],
            **_number(sms_application_sid=THEIR_APPLICATION),
        },
        f"numbers: the account has no application {THEIR_APPLICATION}",
    ),
    "a service with a number that is not there": (
        {"services": [{"numbers": [NUMBER]}]},
        f"services: {NUMBER} is none of the numbers of its account",
    ),
    "a service with a sid that is not there": (
        {"services": [{"numbers": [FIRST]}]},
        f"services: {FIRST} is none of the numbers of its account",
    ),
    "a service with a number of another account": (
        {**CHILDREN, **_number(account_sid=CHILD), "services": [{"numbers": [NUMBER]}]},
        f"services: {NUMBER} is none of the numbers of its account",
    ),
    "a number in two services": (
        {**_number(), "services": [{"sid": SERVICE, "numbers": [NUMBER]}, {"numbers": [NUMBER]}]},
        f"services: {NUMBER} is in a service already",
    ),
    "a number in a service twice": (
        {**_number(sid=FIRST), "services": [{"numbers": [NUMBER, FIRST]}]},
        f"services: {FIRST} is in a service already",
    ),
    "another account": ({"account": {"sid": CHILD}}, f"account: {OTHER_ACCOUNT.format('sid')}"),
    "another token": ({"account": {"auth_token": "x"}}, f"account: {OTHER_ACCOUNT.format('auth_token')}"),
    "a parent of the account": ({"account": {"account_sid": CHILD}}, f"account: {OTHER_ACCOUNT.format('account_sid')}"),
}


@pytest.mark.parametrize(("seed", "problem"), WRONG.values(), ids=WRONG)
def test_wrong_seed_is_refused_by_name(seed: dict[str, Any], problem: str, context: Context) -> None:
    """And nothing of it is made: what is right stands before what is wrong."""
    before = context.account(ACCOUNT_SID)
    right = {"applications": [{"friendly_name": "right"}]}
    with pytest.raises(ConfigurationError) as refused:
        Sower(context, ACCOUNT_SID).sow({**right, **seed})

    assert (refused.value.setting, refused.value.problem) == ("seed", problem)
    assert context.store.find(Account) == [before]
    assert (context.store.find(Application), context.store.find(IncomingNumber)) == ([], [])


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("seed.toml", b"numbers = [", "Invalid value"),
        ("seed.json", b"[[numbers]]", "Expecting value"),
        ("seed.json", b"[]", "it is no object of tables"),
        ("seed.json", b"null", "it is no object of tables"),
        ("seed.toml", b"name = '\xff'", "codec can't decode"),
    ],
    ids=["no TOML", "no JSON", "a list", "nothing", "no UTF-8"],
)
def test_file_that_cannot_be_read_is_named(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    """With what is wrong in it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        read_seed(path)

    assert refused.value.problem.startswith(f"{path} cannot be read: ")
    assert problem in refused.value.problem


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong name must not mean an emulator without a seed."""
    with pytest.raises(ConfigurationError, match=r"nothing\.toml cannot be read"):
        read_seed(tmp_path / "nothing.toml")


def test_emulator_begins_with_its_seed(tmp_path: Path) -> None:
    """The accounts in it are let in, and what it says holds."""
    path = tmp_path / "seed.toml"
    path.write_text(TOML, encoding="utf-8")
    with Emulator(EmulatorOptions(seed=path)) as emulator:
        client, child = Client(emulator), Client(emulator, CHILD, "child")

        assert child.get("Messages.json").error == (403, 20005)
        assert client.get(f"/v1/Services/{SERVICE}/PhoneNumbers").json["phone_numbers"][1]["phone_number"] == NUMBER
        assert client.text(From="77000")["to"] == PHONE
        assert client.text(From="77000", To="+15558675311")["code"] == 21608
        assert client.text(From="+15017122662")["code"] == 21606


def test_emulator_refuses_a_wrong_seed() -> None:
    """At once, and not at the first request."""
    with pytest.raises(ConfigurationError, match="there is no 'url'"):
        Emulator(EmulatorOptions(seed=_number(url="x")))
