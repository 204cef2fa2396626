"""Reads a seed: its file, its tables, and the fields of each row; an error names the field."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from reprlib import Repr
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from ..errors import ApiError, ConfigurationError
from .clocks import LATEST
from .numbers import is_alpha_sender, read_sender
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

#: How the sids of each kind of resource begin.
PREFIXES = {Account: "AC", Application: "AP", IncomingNumber: "PN", MessagingService: "MG"}
#: Fields that the emulator fills in if a row does not have them.
_FILLED_IN = ("sid", "account_sid", "date_created", "date_updated")
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
_HUGE_BITS = 2000


class _Shortened(Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Return an integer; Python does not write one of thousands of digits."""
        return "a huge number" if x.bit_length() > _HUGE_BITS else super().repr_int(x, level)


_SHORT = _Shortened()
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
        raise ValueError(f"the key {shown(twice)} appears twice in an object: remove one")
    return found


def rows_of(seed: Seed, table: str) -> list[Row]:
    """Return the rows of a table that may have several.

    Raises: ConfigurationError.
    """
    rows = seed.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise seed_error(f"{table!r} must be a list of tables: write [[{table}]]")
    return rows


def single_table(seed: Seed, name: str) -> Row:
    """Return the only row of a table.

    Raises: ConfigurationError.
    """
    table = seed.get(name, {})
    if not isinstance(table, dict):
        raise seed_error(f"{name!r} must be a single table: write [{name}]")
    return table


def read_entry(table: str, kind: type[Resource], row: Row) -> dict[str, Any]:
    """Return the values of a row from which a resource is made.

    Raises: ConfigurationError, which names the key.
    """
    values = read_row(table, kind, _named(table, row))
    for field in fields(kind):
        if _is_required(field) and not values.get(field.name):
            raise seed_error(f"{table}: every entry needs {field.name!r}")
    return values


def _named(table: str, row: Row) -> Row:
    """Return the row of a phone with its contact as the sid; rows of other tables are unchanged."""
    if table != "phones":
        return row
    if "sid" in row or not row.get("contact"):
        raise seed_error(f"{table}: every entry needs 'contact', and cannot have 'sid'")
    return {("sid" if name == "contact" else name): value for name, value in row.items()}


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.name not in _FILLED_IN


def read_row(table: str, kind: type[Resource], row: Row) -> dict[str, Any]:
    """Return the values of a row, after checking their types.

    Raises: ConfigurationError, which names the key.
    """
    types = get_type_hints(kind)
    for name, value in row.items():
        if name not in types:
            known = ", ".join(sorted(_label(kind, each) for each in types))
            raise seed_error(f"{table}: {shown(name)} is not one of: {known}")
        problem = _wrong_type(value, types[name]) or _wrong_size(value) or _wrong_value(kind, name, value)
        if problem:
            raise seed_error(f"{table}: {_label(kind, name)} is {shown(value, name)}: {problem}")
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
    if name == "address_sid":
        return "leave it out: a seed has no addresses" if value else ""
    if name == "alpha_sender":
        return "" if not value or is_alpha_sender(value) else "it must have 1 to 11 letters, digits and spaces"
    if name == "verified":
        return next(filter(None, map(_wrong_number, value)), "")
    owner = {"sid": kind, "account_sid": Account, "sms_application_sid": Application}.get(name)
    return _wrong_sid(value, PREFIXES[owner]) if owner and value else ""


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


def seed_error(problem: str) -> ConfigurationError:
    """Return an error about a seed, in one line."""
    return ConfigurationError("seed", _one_line(problem))


def _one_line(text: str) -> str:
    """Return a text from a file as one line that can be printed."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= _LINE else f"{line[:_LINE]} ..."


def shown(value: object, name: str = "") -> str:
    """Return the value of a field for an error: not too long, and without a password or a token."""
    if name in _SECRET:
        return "***"
    if isinstance(value, str) and _IS_URL.fullmatch(name):
        value = value.rpartition("@")[2]
    return _SHORT.repr(value)
