"""A seed: the accounts, numbers, services, applications and phones that an emulator starts with.

It is a TOML or JSON file. The keys are the field names in ``resources``; fields that are not given have defaults::

    [[numbers]]
    phone_number = "+15017122661"
    sms_url = "http://sms:password@127.0.0.1:8000/message"

    [[accounts]]                     # subaccounts, with a sid and a token of their own
    sid = "AC..."
    auth_token = "..."

    [account]                        # the account itself
    type = "Trial"
    verified = ["+15558675310"]

    [[services]]
    friendly_name = "News"
    numbers = ["+15017122661"]       # numbers or their sids

    [[applications]]
    [[phones]]
    contact = "+15558675310"
    status = "undelivered"
    error_code = 30005
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from reprlib import Repr
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from ..errors import ApiError, ConfigurationError
from ..statuses import FAILURES
from .clocks import LATEST
from .context import Context
from .numbers import read_sender
from .resources import (
    DELIVERY_OUTCOMES,
    Account,
    Application,
    IncomingNumber,
    MessagingService,
    PhoneSettings,
    Resource,
    is_of_type,
)
from .rest.parameters import Parameters

Seed = Mapping[str, Any]
Row = Mapping[str, Any]

_KINDS: Mapping[str, type[Resource]] = {
    "accounts": Account,
    "applications": Application,
    "numbers": IncomingNumber,
    "services": MessagingService,
    "phones": PhoneSettings,
}
_PREFIXES = {Account: "AC", Application: "AP", IncomingNumber: "PN", MessagingService: "MG"}
#: Fields that the emulator fills in if a row does not have them.
_FILLED_IN = ("sid", "account_sid", "date_created", "date_updated")
#: Fields of the emulator's own account that a seed cannot change.
_FIXED = ("sid", "account_sid", "auth_token")
_CHOICES: Mapping[tuple[type[Resource], str], tuple[str, ...]] = {
    (Account, "status"): ("active", "suspended", "closed"),
    (Account, "type"): ("Full", "Trial"),
    (PhoneSettings, "status"): DELIVERY_OUTCOMES,
}
_TYPES = {str: "a string", bool: "true or false", int: "an integer", float: "a number", NoneType: "null"}
_IS_URL = re.compile(r".*(?:_url|status_callback)")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SECRET = ("auth_token", "signing_secret")
#: The most characters of an error.
_LINE = 1000
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 100
_IS_METHOD = re.compile(r".*_method")


def read_seed(path: Path) -> Seed:
    """Read a seed from a file.

    Raises: ConfigurationError.
    """
    try:
        text = path.read_text(encoding="utf-8")
        seed = _read_json(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError("seed", f"{path} cannot be read: it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError("seed", f"{path} cannot be read: {error}: save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError("seed", f"{path} cannot be read: {_one_line(str(error))}") from error
    if not isinstance(seed, dict):
        raise ConfigurationError("seed", f"{path} cannot be read: it is not a JSON object")
    return seed


def _read_json(text: str) -> Any:
    """Return the value of a JSON document; like TOML, a key may appear only once in an object.

    Raises: ValueError; RecursionError.
    """
    return json.loads(text, object_pairs_hook=_unique_keys)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {_shown(twice)} appears twice in an object: remove one")
    return found


class Sower:
    """Saves the resources of a seed in the store: all of them, or none."""

    def __init__(self, context: Context, account_sid: str) -> None:
        self._context = context
        self._account_sid = account_sid
        self._made: dict[tuple[type[Resource], str], Resource] = {}

    def sow(self, seed: Seed) -> None:
        """Create the resources of a seed.

        Raises: ConfigurationError, which names the key.
        """
        for name in seed:
            if name not in ("account", *_KINDS):
                raise _seed_error(f"{_shown(name)} is not one of: {', '.join(('account', *_KINDS))}")
        self._made = {}
        self._change_account(_table(seed, "account"))
        for table, kind in _KINDS.items():
            for row in _table_rows(seed, table):
                self._make(table, kind, row)
        for resource in self._made.values():
            self._context.store.save(resource)

    def _change_account(self, row: Row) -> None:
        account = self._context.account(self._account_sid)
        values = _read_row("account", Account, row)
        for name in _FIXED:
            if values.get(name, getattr(account, name)) != getattr(account, name):
                raise _seed_error(
                    f"account: {name!r} is not that of the emulator: leave it out, or set TWILIO_ACCOUNT_SID and"
                    " TWILIO_AUTH_TOKEN"
                )
        self._made[Account, account.sid] = replace(account, **values)

    def _make(self, table: str, kind: type[Resource], row: Row) -> None:
        row = _named(table, row)
        values = _read_row(table, kind, row)
        for field in fields(kind):
            if _is_required(field) and not values.get(field.name):
                raise _seed_error(f"{table}: every entry needs {field.name!r}")
        resource = kind(**{**self._defaults(kind), **values})
        if kind is MessagingService:
            resource = replace(resource, numbers=self._find_numbers(resource))  # type: ignore[call-arg]
        self._check_references(table, resource)
        if (kind, resource.sid) in self._made:
            raise _seed_error(f"{table}: {resource.sid} appears twice")
        self._made[kind, resource.sid] = resource

    def _defaults(self, kind: type[Resource]) -> dict[str, Any]:
        now = self._context.clock.now()
        sid = self._context.new_sid(_PREFIXES[kind]) if kind in _PREFIXES else ""
        return {"sid": sid, "account_sid": self._account_sid, "date_created": now, "date_updated": now}

    def _check_references(self, table: str, resource: Resource) -> None:
        """Check that the account and the application of a resource exist, and that a number appears once.

        Raises: ConfigurationError.
        """
        owner = self._made.get((Account, resource.account_sid))
        is_own = isinstance(resource, Account) and resource.sid == resource.account_sid
        if owner is None and not is_own:
            raise _seed_error(f"{table}: there is no account {resource.account_sid}")
        if isinstance(resource, Account) and owner and owner.account_sid != owner.sid:
            raise _seed_error(f"{table}: {owner.sid} is a subaccount, which cannot have subaccounts")
        if isinstance(resource, IncomingNumber):
            self._check_number(resource)
        if isinstance(resource, PhoneSettings) and resource.error_code and resource.status not in FAILURES:
            raise _seed_error(f"{table}: {resource.sid}: error_code needs the status undelivered or failed")

    def _check_number(self, number: IncomingNumber) -> None:
        if any(number.phone_number == other.phone_number for other in self._numbers()):
            raise _seed_error(f"numbers: {number.phone_number} appears twice")
        application = self._made.get((Application, number.sms_application_sid))
        if number.sms_application_sid and not (application and application.account_sid == number.account_sid):
            raise _seed_error(f"numbers: the account has no application {number.sms_application_sid}")

    def _find_numbers(self, service: Any) -> tuple[str, ...]:
        """Return the sids of the numbers of a service, which lists numbers or their sids.

        Raises: ConfigurationError.
        """
        known = {name: number for number in self._numbers() for name in (number.sid, number.phone_number)}
        taken = {sid for made in self._made.values() if isinstance(made, MessagingService) for sid in made.numbers}
        sids: list[str] = []
        for name in service.numbers:
            number = known.get(name)
            if number is None or number.account_sid != service.account_sid:
                raise _seed_error(f"services: {name} is not a number of its account")
            if number.sid in (*taken, *sids):
                raise _seed_error(f"services: {name} is already in a service")
            sids.append(number.sid)
        return tuple(sids)

    def _numbers(self) -> list[IncomingNumber]:
        return [made for made in self._made.values() if isinstance(made, IncomingNumber)]


def _seed_error(problem: str) -> ConfigurationError:
    return ConfigurationError("seed", _one_line(problem))


def _one_line(text: str) -> str:
    """Return a text from a file as one line that can be printed."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= _LINE else f"{line[:_LINE]} ..."


def _shown(value: object, name: str = "") -> str:
    """Return the value of a field for an error: not too long, and without a password or a token."""
    if name in _SECRET:
        return "***"
    if isinstance(value, str) and _IS_URL.fullmatch(name):
        value = value.rpartition("@")[2]
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python does not write integers of thousands of digits
        return "a huge number"


def _table_rows(seed: Seed, table: str) -> list[Row]:
    rows = seed.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _seed_error(f"{table!r} must be a list of tables: write [[{table}]]")
    return rows


def _table(seed: Seed, name: str) -> Row:
    table = seed.get(name, {})
    if not isinstance(table, dict):
        raise _seed_error(f"{name!r} must be a single table: write [{name}]")
    return table


def _named(table: str, row: Row) -> Row:
    """Return the row of a phone with its contact as the sid; rows of other tables are unchanged."""
    if table != "phones":
        return row
    if "sid" in row or not row.get("contact"):
        raise _seed_error(f"{table}: every entry needs 'contact', and cannot have 'sid'")
    return {("sid" if name == "contact" else name): value for name, value in row.items()}


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.name not in _FILLED_IN


def _read_row(table: str, kind: type[Resource], row: Row) -> dict[str, Any]:
    """Return the values of a row, after checking their types.

    Raises: ConfigurationError, which names the key.
    """
    types = get_type_hints(kind)
    for name, value in row.items():
        if name not in types:
            known = ", ".join(sorted(_label(kind, each) for each in types))
            raise _seed_error(f"{table}: {_shown(name)} is not one of: {known}")
        problem = _wrong_type(value, types[name]) or _wrong_size(value) or _wrong_value(kind, name, value)
        if problem:
            raise _seed_error(f"{table}: {_label(kind, name)} is {_shown(value, name)}: {problem}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _label(kind: type[Resource], name: str) -> str:
    return "contact" if (kind, name) == (PhoneSettings, "sid") else name


def _wrong_type(value: object, wanted: Any) -> str:
    if is_of_type(value, wanted):
        return ""
    options = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    return "it must be " + " or ".join(_TYPES.get(option, "a list of strings") for option in options)


def _wrong_size(value: object) -> str:
    """Return what is wrong with a number out of range, or a text that no answer of the REST API can contain."""
    if isinstance(value, int | float) and not 0 <= value <= LATEST:
        return f"it must be from 0 to {LATEST:.0f}"
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and _NOT_IN_XML.search(text) for text in texts):
        return "it must not have control characters or half characters"
    return ""


def _wrong_value(kind: type[Resource], name: str, value: Any) -> str:
    """Return what is wrong with a value of the right type; empty if it is valid."""
    choices = _CHOICES.get((kind, name), ("GET", "POST") if _IS_METHOD.fullmatch(name) else ())
    if choices and value not in choices:
        return f"it must be {' or '.join(choices)}"
    if _IS_URL.fullmatch(name):
        return _wrong_url(name, value)
    if name == "phone_number" or (kind, name) == (PhoneSettings, "sid"):
        return _wrong_number(value)
    if name == "verified":
        return next(filter(None, map(_wrong_number, value)), "")
    owner = {"sid": kind, "account_sid": Account, "sms_application_sid": Application}.get(name)
    return _wrong_sid(value, _PREFIXES[owner]) if owner and value else ""


def _wrong_url(name: str, value: str) -> str:
    try:
        Parameters({name: [value]}).url(name, 0)
    except ApiError:
        return "it must be an http or https URL"
    return ""


def _wrong_number(value: str) -> str:
    address = read_sender(value)
    if address is None or address.kind == "name":
        return "it must be a number such as +15558675310"
    return "" if address.text == value else f"write it as {address.text}"


def _wrong_sid(value: str, prefix: str) -> str:
    return "" if re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", value) else f"it must be {prefix} and 32 hexadecimal digits"
