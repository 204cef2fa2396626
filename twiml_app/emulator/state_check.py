"""Check every row of a state when it is opened, so that a damaged file is refused before anybody uses it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from . import resources
from .clocks import LATEST
from .database import Database, damaged_state

_COUNT_WRONG = """
SELECT (SELECT count(*) FROM deleted WHERE typeof(n) <> 'integer')
    + (SELECT count(*) FROM contents WHERE typeof(bytes) <> 'blob')
    + (SELECT count(*) FROM notes WHERE typeof(value) <> 'real' OR value NOT BETWEEN 0 AND ?)
"""
_TASKS = ("post", "read")


def check_state(database: Database, path: str | Path) -> None:
    """Check that every row can be read.

    Raises: ConfigurationError.
    """
    try:
        is_valid = all(_rows(database)) and database.query(_COUNT_WRONG, (LATEST,)) == [(0,)]
    except (sqlite3.Error, ValueError, RecursionError) as error:
        raise damaged_state(path) from error
    if not is_valid:
        raise damaged_state(path)


def _rows(database: Database) -> Iterator[bool]:
    """Yield for each resource and each pending task whether it is valid."""
    kinds = {name: kind for name, kind in vars(resources).items() if _is_kind(kind)}
    accounts = {sid for (sid,) in database.query("SELECT sid FROM resources WHERE kind = 'Account'")}
    owners = {name: accounts | ({""} if name == "PhoneSettings" else set()) for name in kinds}
    for kind, sid, account_sid, data in database.query("SELECT kind, sid, account_sid, data FROM resources"):
        values = json.loads(data)
        is_valid = kind in kinds and _is_valid(kinds[kind], values) and account_sid in owners[kind]
        yield is_valid and (values["sid"], values["account_sid"]) == (sid, account_sid)
    for what, data in database.query("SELECT what, data FROM owed"):
        values = json.loads(data)
        yield what in _TASKS and _is_valid(resources.MessageRecord, values) and values["account_sid"] in accounts


def _is_kind(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, resources.Resource)


def _is_valid(kind: type[resources.Resource], values: Any) -> bool:
    """Return whether an object has the fields of a resource, with values of their types."""
    types = _types(kind.__name__)
    required = {field.name for field in fields(kind) if field.default is MISSING}
    if not isinstance(values, dict) or not required <= values.keys() <= types.keys():
        return False
    return all(
        resources.is_of_type(value, types[name]) and not _is_out_of_range(value) for name, value in values.items()
    )


@cache
def _types(name: str) -> dict[str, Any]:
    return get_type_hints(getattr(resources, name))


def _is_out_of_range(value: object) -> bool:
    return isinstance(value, int | float) and not abs(value) <= LATEST
