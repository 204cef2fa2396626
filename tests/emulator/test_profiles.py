"""Profiles: every difference between the documentation of different years."""

from __future__ import annotations

from dataclasses import fields

import pytest

from twiml_app.emulator.profiles import PROFILES, Profile, find_profile
from twiml_app.errors import ConfigurationError

LATE = frozenset({"sent", "failed", "delivered", "undelivered"})
STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}

NOW_ONLY, THEN_ONLY = {"addresses", "balance", "keys", "signing_keys"}, {"sandbox", "sms_messages"}
ALWAYS = {
    *("applications", "authorized_connect_apps", "available_phone_numbers", "calls", "conferences", "connect_apps"),
    *("incoming_phone_numbers", "messages", "notifications", "outgoing_caller_ids", "queues", "recordings"),
    *("short_codes", "sip", "transcriptions", "usage"),
}

#: The value of each field in 2008, in 2014 and today.
DIFFERENCES: dict[str, tuple[object, object, object]] = {
    "name": ("2008", "2014", "current"),
    "api_version": ("2008-08-01", "2010-04-01", "2010-04-01"),
    "has_num_segments": (False, False, True),
    "has_raw_dlr_date": (False, False, True),
    "application_wins": (True, True, False),
    "max_price_counts": (True, True, False),
    "price_is_number": (True, True, False),
    "xml_is_full": (False, False, True),
    "totals": (True, True, False),
    "clips_page_size": (True, True, False),
    "queue_s": (4 * 3600, 4 * 3600, 10 * 3600),
    "validity_s": (14400, 14400, 36000),
    "reply_limit": (15, 15, 30),
    "action_transfers": (True, True, False),
    "posted": (LATE, LATE, LATE | {"queued", "canceled", "read"}),
    "posted_to_application": (*({"sent", "failed"},) * 2, LATE | {"queued", "canceled", "read"}),
    "rest_flags": (2, 4, 4),
    "expired_code": (30001, 30001, 30036),
    "no_content_code": (21602, 21602, 21619),
    "more_info": (*("http://www.twilio.com/docs/errors",) * 2, "https://www.twilio.com/docs/errors"),
    "opt_out_words": (
        *({"STOP": STOP, "START": {"START", "YES"}, "HELP": {"HELP", "INFO"}},) * 2,
        {"STOP": STOP | {"REVOKE", "OPTOUT"}, "START": {"START", "YES", "UNSTOP"}, "HELP": {"HELP", "INFO"}},
    ),
    "subresources": (*(tuple(sorted(ALWAYS | THEN_ONLY)),) * 2, tuple(sorted(ALWAYS | NOW_ONLY))),
}


@pytest.mark.parametrize("field", DIFFERENCES)
def test_each_profile_has_its_own_behavior(field: str) -> None:
    """The documentation changed over the years, and each profile follows that of its time."""
    values = tuple(getattr(PROFILES[name], field) for name in ("2008", "2014", "current"))

    assert values == DIFFERENCES[field]


def test_every_field_is_in_the_table() -> None:
    """A field that is missing here has not been compared with the documentation."""
    assert [field.name for field in fields(Profile)] == list(DIFFERENCES)
    assert list(PROFILES) == ["current", "2014", "2008"]


@pytest.mark.parametrize("name", ["current", "2014", "2008"])
def test_profile_is_found_by_its_name(name: str) -> None:
    """The command line uses the same names."""
    assert find_profile(name).name == name


@pytest.mark.parametrize("name", ["", "2010", "Current"])
def test_unknown_profile_is_refused_with_the_known_names(name: str) -> None:
    """A misspelled name must not silently give today's behavior."""
    with pytest.raises(ConfigurationError, match=f"^profile: '{name}' is not one of: current, 2014, 2008$"):
        find_profile(name)
