"""Names in the environment that look like a setting but are not one: misspelled, or from another release."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from .setting_readers import READERS

#: Settings that only the command line reads.
_OF_COMMANDS = ("TWIML_EMULATOR_URL", "TWIML_EMULATOR_NUMBERS", "TWIML_SIMULATE_URL", "TWIML_REPLAY_TO")
#: Names that resemble one of ours, and that programs use for something else.
_OF_OTHERS = frozenset(
    f"TWILIO_{name}"
    for name in (
        *("ACCOUNT_NAME", "ACCOUNT_TYPE", "APP_SID", "CONTENT_SID", "SERVICE_SID", "MESSAGING_SERVICE_SID"),
        *("SUBACCOUNT_SID", "SUB_ACCOUNT_SID", "MAIN_ACCOUNT_SID", "PARENT_ACCOUNT_SID", "TEST_ACCOUNT_SID"),
        *("SUBACCOUNT_AUTH_TOKEN", "SUB_ACCOUNT_AUTH_TOKEN", "TEST_AUTH_TOKEN", "PRIMARY_AUTH_TOKEN"),
        *("SECONDARY_AUTH_TOKEN", "OLD_AUTH_TOKEN", "NEW_AUTH_TOKEN"),
        *("AUTHY_TOKEN", "API_TOKEN", "ACCESS_TOKEN", "OAUTH_TOKEN"),
        *("API_KEY", "API_KEY_SID", "API_KEY_SECRET", "API_SECRET", "API_SID", "SECRET", "SECRET_KEY", "KEY_SID"),
        *("NUMBER", "PHONE_NUMBER", "PHONE_NUMBER_SID", "FROM", "FROM_NUMBER", "EDGE", "REGION", "LOG_LEVEL"),
    )
)
#: Names that people use for one of ours, and that are too short to resemble it.
_SHORT_NAMES = {
    "TWILIO_TOKEN": "TWILIO_AUTH_TOKEN",
    "TWILIO_AUTH": "TWILIO_AUTH_TOKEN",
    "TWILIO_SID": "TWILIO_ACCOUNT_SID",
    "TWILIO_ACCOUNT": "TWILIO_ACCOUNT_SID",
}
#: How similar two names must be, from 0 to 1. Names that start neither with TWIML nor TWILIO are often those of others.
_SIMILARITY = {"TWIML": 0.7, "TWILIO": 0.8, "": 0.94}


def unknown_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the names that look like a setting but are not one, each with the setting it resembles, if any.

    A name that does not start with ``TWIML_`` is only included if it resembles a setting that is not set.
    """
    found = {name: _resembled(name) for name in sorted(values) if name not in READERS and name not in _OF_COMMANDS}
    return {
        name: setting
        for name, setting in found.items()
        if name.startswith("TWIML_") or (setting and not values.get(setting))
    }


def describe_unknown_settings(values: Mapping[str, Any]) -> list[str]:
    """Return one line per unknown setting, with the setting that is probably meant."""
    return [
        f"{name} is not a known setting: " + (f"did you mean {setting}?" if setting else "is it misspelled?")
        for name, setting in unknown_settings(values).items()
    ]


def _resembled(name: str) -> str:
    """Return the setting that a name resembles, empty if there is none."""
    if name in _OF_OTHERS:
        return ""
    if name in _SHORT_NAMES:
        return _SHORT_NAMES[name]
    if name.startswith(("TWILIO_ACCOUNT_SID_", "TWILIO_AUTH_TOKEN_")):  # of another account or environment
        return ""
    prefix, rest = _split(name)
    settings = {_split(each)[1]: each for each in READERS if _split(each)[0] == prefix}
    near = difflib.get_close_matches(rest, settings, 1, _SIMILARITY[prefix])
    return settings[near[0]] if near else ""


def _split(name: str) -> tuple[str, str]:
    """Return the prefix of a name, ``TWIML``, ``TWILIO`` or none, and the rest without underscores."""
    letters = name.upper().replace("_", "")
    prefix = next((each for each in ("TWIML", "TWILIO") if letters.startswith(each)), "")
    return prefix, letters.removeprefix(prefix)
