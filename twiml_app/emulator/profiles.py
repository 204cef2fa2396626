"""Named profiles of Twilio's behavior, for what its documentation says differently in different years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import ConfigurationError
from ..opt_out_words import OPT_OUT_WORDS
from .resources import API_2008, API_2010

HOUR_S = 3600
#: All that is posted about a message of the older resources.
BRIEF = frozenset({"sent", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Twilio's behavior at one time."""

    name: str
    #: The API version of webhooks: that of 2008 has fewer parameters, and numbers in national format.
    api_version: str
    #: Whether inbound messages have NumSegments, and status callbacks RawDlrDoneDate.
    has_num_segments: bool
    has_raw_dlr_date: bool
    #: The status callback of the application overrides the one given with the message; otherwise the other way round.
    application_wins: bool
    #: A message whose price exceeds MaxPrice fails; otherwise the parameter is ignored.
    max_price_counts: bool
    #: The price in JSON is a number; otherwise a string.
    price_is_number: bool
    #: The XML of a message has MessagingServiceSid, and URIs in SubresourceUris.
    xml_is_full: bool
    #: Lists include the total count and the last page.
    totals: bool
    #: A page size above 1000 is reduced to 1000; otherwise it is refused with 20007.
    clips_page_size: bool
    #: A message that would wait in the queue for longer than this is refused with 21611.
    queue_s: int
    #: The maximum ValidityPeriod.
    validity_s: int
    #: How many replies between two numbers are allowed within 30 seconds, before 14107.
    reply_limit: int
    #: After a verb with ``action``, the answer of that URL is executed instead of the rest of the document.
    action_transfers: bool
    #: The statuses that are posted to a status callback.
    posted: frozenset[str]
    #: Those that are posted to the MessageStatusCallback of an application.
    posted_to_application: frozenset[str]
    #: The Flags of a message that was sent through the REST API of 2008.
    rest_flags: int
    #: The error code of a message that has waited longer than its ValidityPeriod.
    expired_code: int
    #: The error code of a message with neither body nor media.
    no_content_code: int
    #: The base URL of the error documentation.
    more_info: str
    opt_out_words: Mapping[str, frozenset[str]]
    #: The subresources that the representation of an account lists.
    subresources: tuple[str, ...]

    @property
    def is_2008(self) -> bool:
        """Whether this is the oldest profile."""
        return self.api_version == API_2008


_EARLY_WORDS = {
    "STOP": OPT_OUT_WORDS["STOP"] - {"REVOKE", "OPTOUT"},
    "START": frozenset({"START", "YES"}),
    "HELP": OPT_OUT_WORDS["HELP"],
}

_SUBRESOURCES = (
    *("addresses", "applications", "authorized_connect_apps", "available_phone_numbers", "balance", "calls"),
    *("conferences", "connect_apps", "incoming_phone_numbers", "keys", "messages", "notifications"),
    *("outgoing_caller_ids", "queues", "recordings", "short_codes", "signing_keys", "sip", "transcriptions", "usage"),
)
_EARLY_SUBRESOURCES = (
    *("applications", "authorized_connect_apps", "available_phone_numbers", "calls", "conferences", "connect_apps"),
    *("incoming_phone_numbers", "messages", "notifications", "outgoing_caller_ids", "queues", "recordings"),
    *("sandbox", "short_codes", "sip", "sms_messages", "transcriptions", "usage"),
)

_POSTED = frozenset({"queued", "sent", "failed", "delivered", "undelivered", "canceled", "read"})

_CURRENT = Profile(
    name="current",
    api_version=API_2010,
    has_num_segments=True,
    has_raw_dlr_date=True,
    application_wins=False,
    max_price_counts=False,
    price_is_number=False,
    xml_is_full=True,
    totals=False,
    clips_page_size=False,
    queue_s=10 * HOUR_S,
    validity_s=10 * HOUR_S,
    reply_limit=30,
    action_transfers=False,
    posted=_POSTED,
    posted_to_application=_POSTED,
    rest_flags=4,
    expired_code=30036,
    no_content_code=21619,
    more_info="https://www.twilio.com/docs/errors",
    opt_out_words=OPT_OUT_WORDS,
    subresources=_SUBRESOURCES,
)
_2014 = replace(
    _CURRENT,
    name="2014",
    has_num_segments=False,
    has_raw_dlr_date=False,
    application_wins=True,
    max_price_counts=True,
    price_is_number=True,
    xml_is_full=False,
    totals=True,
    clips_page_size=True,
    queue_s=4 * HOUR_S,
    validity_s=4 * HOUR_S,
    reply_limit=15,
    action_transfers=True,
    posted=frozenset({"sent", "failed", "delivered", "undelivered"}),
    posted_to_application=BRIEF,
    expired_code=30001,
    no_content_code=21602,
    more_info="http://www.twilio.com/docs/errors",
    opt_out_words=_EARLY_WORDS,
    subresources=_EARLY_SUBRESOURCES,
)
_2008 = replace(_2014, name="2008", api_version=API_2008, rest_flags=2)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (_CURRENT, _2014, _2008)}


def find_profile(name: str) -> Profile:
    """Return the profile with this name.

    Raises: ConfigurationError.
    """
    if name not in PROFILES:
        raise ConfigurationError("profile", f"{name!r} is not one of: {', '.join(PROFILES)}")
    return PROFILES[name]
