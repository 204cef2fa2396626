"""Whether a message that the program sends first may leave: asked in the transaction in which it is claimed.

https://www.twilio.com/docs/api/errors/21610, https://www.twilio.com/docs/api/errors/63016.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ..addresses import is_service
from ..config import Settings
from ..journal import OptOut, opt_out_rows, reachability_rows
from ..logs import format_time, log_event, mask
from ..pending import Transaction

OPTED_OUT = 21610
#: The error codes after which a contact cannot receive messages until a text proves the contrary.
CANNOT_RECEIVE = frozenset({21211, 21614, 30005, 30006})
OUTSIDE_WINDOW = 63016
#: How long after the last text WhatsApp takes messages that are not templates.
WHATSAPP_WINDOW_S = 24 * 3600.0

_WHY_IT_CANNOT = {
    21211: "the number is not valid",
    21614: "the number cannot receive texts",
    30005: "the number is unknown or no longer in service",
    30006: "the number is a landline, or its carrier cannot be reached",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What is known about a message that is about to leave."""

    contact: str
    #: Our number, or the messaging service that chooses one.
    sender: str
    segments: int = 1
    #: Whether it is made from a template (a ContentSid), which WhatsApp takes at any time.
    is_template: bool = False
    #: Whether an earlier attempt has counted its segments.
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message must not leave."""

    #: Twilio's error code for it; None for our own limit.
    code: int | None
    #: Says what to do, and names no contact.
    reason: str


def refusal_of(execute: Transaction, settings: Settings, leaving: Leaving, *, now: float) -> Refusal | None:
    """Return why a message must not leave; if it may, return None and count its segments.

    ``now`` is in seconds since 1970.
    """
    return (
        _opted_out(execute, settings, leaving)
        or _cannot_receive(execute, leaving)
        or _outside_window(execute, leaving, now)
        or _over_limit(execute, settings, leaving, now)
    )


def learn_from_error(execute: Transaction, code: int | None, leaving: Leaving, *, origin: str = "", now: float) -> None:
    """Remember what an error code of Twilio says about a contact; most codes say nothing.

    ``origin`` is the MessageSid of the message that failed, empty if the API refused it.
    """
    if code == OPTED_OUT:
        sender = service_or_number(execute, leaving.sender)
        contact = opt_out_rows.bare_address(leaving.contact)
        reported = opt_out_rows.OptOut(contact, sender, str(code), "Twilio refused a message", origin, now)
        opt_out_rows.add_opt_out(execute, reported)
    elif code in CANNOT_RECEIVE:
        failure = reachability_rows.Unreachable(int(code or 0), origin, now)
        reachability_rows.set_unreachable(execute, leaving.contact, failure)


def warn_if_long(settings: Settings, leaving: Leaving) -> None:
    """Log a message of more segments than the program probably wants to pay for."""
    if leaving.segments > settings.segments_warning:
        fields = {"segments": leaving.segments, "from": leaving.sender, "to": mask(leaving.contact)}
        log_event(logging.WARNING, "long message", fields)


def service_or_number(execute: Transaction, sender: str) -> str:
    """Return the messaging service of a number if it is known, else the number."""
    return opt_out_rows.service_of(execute, sender) or sender


def _opted_out(execute: Transaction, settings: Settings, leaving: Leaving) -> Refusal | None:
    names = opt_out_rows.names_of(leaving.contact, settings.secret_keys)
    found = opt_out_rows.opt_outs_of(execute, names)
    _renew_hashes(execute, {each.contact for each in found}, names)
    if settings.opt_out_scope != "all":
        found = _of_sender(execute, found, leaving.sender)
    if not found:
        return None
    opt_out = found[0]
    sender = "all senders" if opt_out.sender == opt_out_rows.EVERY_SENDER else opt_out.sender
    ended_by = "a START from the contact ends that" if opt_out.is_reported else "`twiml-app opt-outs remove` ends that"
    since = format_time(opt_out.created_at)[:10]
    return Refusal(OPTED_OUT, f"21610: the contact opted out of messages from {sender} on {since}: {ended_by}")


def _renew_hashes(execute: Transaction, found: set[str], names: Sequence[str]) -> None:
    """Keep opt-outs of an erased contact under the newest key, as an older one will be taken out of the settings."""
    for older in found.intersection(names[2:]):
        opt_out_rows.rename_opt_outs(execute, older, names[1])


def _of_sender(execute: Transaction, found: Sequence[OptOut], sender: str) -> list[OptOut]:
    """Return those opt-outs that hold for a sender.

    A number of which the service is not known may belong to any.
    """
    if not found:
        return []
    held_by = {opt_out_rows.EVERY_SENDER, sender}
    if is_service(sender):
        held_by.update(opt_out_rows.numbers_of(execute, sender))
    elif (service := opt_out_rows.service_of(execute, sender)) is None:
        held_by.update(each.sender for each in found if is_service(each.sender))
    else:
        held_by.add(service)
    return [each for each in found if each.sender in held_by]


def _cannot_receive(execute: Transaction, leaving: Leaving) -> Refusal | None:
    found = reachability_rows.unreachable(execute, leaving.contact)
    if found is None:
        return None
    failed = f"a message failed on {format_time(found.created_at)[:10]}, and the contact has not texted since"
    return Refusal(found.code, f"{found.code}: {_WHY_IT_CANNOT[found.code]}: {failed}")


def _outside_window(execute: Transaction, leaving: Leaving, now: float) -> Refusal | None:
    if leaving.is_template or not leaving.contact.startswith("whatsapp:"):
        return None
    number = "" if is_service(leaving.sender) else leaving.sender
    since = now - WHATSAPP_WINDOW_S
    if reachability_rows.last_text_at(execute, leaving.contact, since=since, number=number) is not None:
        return None
    problem = f"{OUTSIDE_WINDOW}: the contact has not texted within 24 hours, so WhatsApp takes only templates"
    return Refusal(OUTSIDE_WINDOW, f"{problem}: give template=, the ContentSid of one")


def _over_limit(execute: Transaction, settings: Settings, leaving: Leaving, now: float) -> Refusal | None:
    limit = settings.segments_per_day
    if leaving.is_counted or reachability_rows.count_segments(
        execute, leaving.contact, leaving.segments, limit=limit, now=now
    ):
        return None
    reason = f"the contact would get more than {limit} segments today: look for a program that repeats itself"
    return Refusal(None, f"{reason}, or raise TWIML_SEGMENTS_PER_DAY")
