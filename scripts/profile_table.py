"""``python -m scripts.profile_table``: rewrite the table of profiles in docs/emulator.md from the profiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from twiml_app.emulator.profiles import HOUR_S, PROFILES, Profile
from twiml_app.emulator.resources import API_2008

PAGE = Path(__file__).parent.parent / "docs" / "emulator.md"
_TABLE = re.compile(r"\n\| \| current \|.*?\n(?=\n|\Z)", re.DOTALL)
_ORDER = ("queued", "sent", "failed", "delivered", "undelivered", "canceled", "read")

Shown = Callable[[Profile], str]


def _yes(name: str, *, no: str = "no", yes: str = "yes") -> Shown:
    return lambda profile: yes if getattr(profile, name) else no


def _words(profile: Profile) -> str:
    """Return the opt-out words of a profile that others lack."""
    everywhere = [
        frozenset(word for words in each.opt_out_words.values() for word in words) for each in PROFILES.values()
    ]
    own = frozenset(word for words in profile.opt_out_words.values() for word in words)
    extra = sorted(own - frozenset.intersection(*everywhere))
    return f"with {', '.join(extra)}" if extra else "without"


def _subresources(profile: Profile) -> str:
    everywhere = frozenset.intersection(*(frozenset(each.subresources) for each in PROFILES.values()))
    return f"with {', '.join(name for name in profile.subresources if name not in everywhere)}"


def _parameters(profile: Profile) -> str:
    if profile.api_version == API_2008:
        return "SmsSid, national numbers"
    return "today's" if profile.has_num_segments else "without NumSegments"


#: What each field of a profile decides; a row can need several fields, which are then named together.
ROWS: Mapping[tuple[str, ...], tuple[str, Shown]] = {
    ("api_version", "has_num_segments"): ("parameters of a webhook", _parameters),
    ("has_raw_dlr_date",): ("RawDlrDoneDate in a status callback", _yes("has_raw_dlr_date")),
    ("posted",): (
        "statuses posted to a StatusCallback; queued after accepted and scheduled",
        lambda profile: ", ".join(status for status in _ORDER if status in profile.posted),
    ),
    ("posted_to_application",): (
        "statuses posted to an application's MessageStatusCallback",
        lambda profile: ", ".join(status for status in _ORDER if status in profile.posted_to_application),
    ),
    ("application_wins",): (
        "status callback if both StatusCallback and the application's are set",
        _yes("application_wins", yes="the application's", no="StatusCallback"),
    ),
    ("max_price_counts",): (
        "MaxPrice",
        _yes("max_price_counts", yes="messages above it fail with 30010", no="obsolete"),
    ),
    ("price_is_number",): ("price in JSON", _yes("price_is_number", yes="number", no="string")),
    ("xml_is_full",): ("XML of a message has MessagingServiceSid and SubresourceUris", _yes("xml_is_full")),
    ("rest_flags",): ("Flags of a sent message, 2008-08-01", lambda profile: str(profile.rest_flags)),
    ("queue_s",): ("a queue holds", lambda profile: f"{profile.queue_s // HOUR_S} h"),
    ("validity_s",): ("longest ValidityPeriod", lambda profile: f"{profile.validity_s // HOUR_S} h"),
    ("expired_code",): ("a message that waited too long fails with", lambda profile: str(profile.expired_code)),
    ("no_content_code",): ("neither text nor media", lambda profile: str(profile.no_content_code)),
    ("reply_limit",): ("replies between two numbers in 30 s", lambda profile: str(profile.reply_limit)),
    ("action_transfers",): (
        "`action` of a Message",
        _yes("action_transfers", yes="its response is executed", no="its status URL"),
    ),
    ("clips_page_size",): ("PageSize above 1000", _yes("clips_page_size", yes="reduced to 1000", no="20007")),
    ("totals",): ("lists show their total and last page", _yes("totals")),
    ("opt_out_words",): ("opt-out words", _words),
    ("subresources",): ("subresources of an account", _subresources),
    ("more_info",): ("`more_info`", lambda profile: profile.more_info.partition(":")[0]),
}


def table() -> str:
    """Return the table of what the profiles differ in."""
    lines = [f"| | {' | '.join(PROFILES)} |", "|---" * (len(PROFILES) + 1) + "|"]
    for title, shown in ROWS.values():
        cells = [shown(profile) for profile in PROFILES.values()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return the page with a new table."""
    return _TABLE.sub(lambda _: f"\n{table()}\n", text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
