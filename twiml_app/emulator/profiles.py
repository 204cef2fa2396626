"""Where the documents of different years disagree: what Twilio did then and does now, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import ConfigurationError
from ..opt_out_words import OPT_OUT_WORDS
from .resources import API_2008, API_2010

HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The service of one time."""

    name: str
    #: The version of the API that webhooks are made for: that of 2008 knew fewer parameters, and national numbers.
    api_version: str
    #: Whether an inbound message tells its NumSegments, and a status callback its RawDlrDoneDate.
    has_num_segments: bool
    has_raw_dlr_date: bool
    #: The application's status callback wins over the one given with the message; otherwise it is the other way round.
    application_wins: bool
    #: A message whose price is above MaxPrice fails; otherwise the parameter is obsolete.
    max_price_counts: bool
    #: The price in JSON is a number; otherwise a text.
    price_is_number: bool
    #: Lists say how many there are in all, and which page is the last.
    totals: bool
    #: A page size beyond 1000 is cut to it; otherwise refused with 20007.
    clips_page_size: bool
    #: What waits longer than this before it is sent is refused with 21611.
    queue_s: int
    #: The longest ValidityPeriod.
    validity_s: int
    #: Replies between two numbers within 30 seconds, before 14107.
    reply_limit: int
    #: After ``action`` nothing of a document is executed: its answer is executed instead.
    action_transfers: bool
    #: The statuses that are posted to a status callback.
    posted: frozenset[str]
    #: The Flags of a message that was sent through the REST API, 2008.
    rest_flags: int
    #: The code of a message that has waited longer than its ValidityPeriod.
    expired_code: int
    #: The code for a message with neither text nor media.
    no_content_code: int
    #: Where an error is explained.
    more_info: str
    opt_out_words: Mapping[str, frozenset[str]]

    @property
    def is_2008(self) -> bool:
        """Tell the oldest service from the others."""
        return self.api_version == API_2008


_EARLY_WORDS = {
    "STOP": OPT_OUT_WORDS["STOP"] - {"REVOKE", "OPTOUT"},
    "START": frozenset({"START", "YES"}),
    "HELP": OPT_OUT_WORDS["HELP"],
}

_CURRENT = Profile(
    name="current",
    api_version=API_2010,
    has_num_segments=True,
    has_raw_dlr_date=True,
    application_wins=False,
    max_price_counts=False,
    price_is_number=False,
    totals=False,
    clips_page_size=False,
    queue_s=10 * HOUR_S,
    validity_s=10 * HOUR_S,
    reply_limit=30,
    action_transfers=False,
    posted=frozenset({"queued", "sent", "failed", "delivered", "undelivered", "canceled", "read"}),
    rest_flags=4,
    expired_code=30036,
    no_content_code=21619,
    more_info="https://www.twilio.com/docs/errors",
    opt_out_words=OPT_OUT_WORDS,
)
_2014 = replace(
    _CURRENT,
    name="2014",
    has_num_segments=False,
    has_raw_dlr_date=False,
    application_wins=True,
    max_price_counts=True,
    price_is_number=True,
    totals=True,
    clips_page_size=True,
    queue_s=4 * HOUR_S,
    validity_s=4 * HOUR_S,
    reply_limit=15,
    action_transfers=True,
    posted=frozenset({"sent", "failed", "delivered", "undelivered"}),
    expired_code=30001,
    no_content_code=21602,
    more_info="http://www.twilio.com/docs/errors",
    opt_out_words=_EARLY_WORDS,
)
_2008 = replace(_2014, name="2008", api_version=API_2008, rest_flags=2)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (_CURRENT, _2014, _2008)}


def find_profile(name: str) -> Profile:
    """Return a profile by its name.

    Raises: ConfigurationError.
    """
    if name not in PROFILES:
        raise ConfigurationError("profile", f"{name!r} is none of {', '.join(PROFILES)}")
    return PROFILES[name]
