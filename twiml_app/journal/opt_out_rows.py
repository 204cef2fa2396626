"""Opt-outs: which contacts must get nothing from which senders, and every change of that.

A contact is kept by its address without the channel, and a sender as the messaging service, else the number, that was
texted. What is left of an erased contact is a keyed hash of its address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final, Literal

from ..errors import ConfigurationError
from ..pending import Transaction
from .ledger import filed
from .received_events import DAY_S

#: The sender of an opt-out from all messages of the program.
EVERY_SENDER: Final = "*"
#: Where opt-outs come from that Twilio has recorded as well: a text such as STOP, and its error code 21610.
REPORTED: Final = ("text", "21610")
#: How long changes are kept as evidence: five years.
AUDIT_DAYS: Final = 1826

_ERASED = "erased:"
_COLUMNS = "contact, sender, source, reason, origin, created_at"


@dataclass(frozen=True, slots=True)
class OptOut:
    """A contact who must get nothing from a sender; ``created_at`` is in seconds since 1970."""

    #: The address without its channel; ``erased:`` and a hash if the contact was erased.
    contact: str
    #: A messaging service, a number, or ``*`` for all of them.
    sender: str
    #: What it came from: ``text``, ``21610``, ``program`` or ``command line``.
    source: str
    reason: str
    #: The MessageSid of the text or message that it came from, if any.
    origin: str
    created_at: float

    @property
    def is_reported(self) -> bool:
        """Whether Twilio refuses messages to the contact too, until the contact texts START."""
        return self.source in REPORTED

    @property
    def is_erased(self) -> bool:
        """Whether only a hash of the contact's address is left."""
        return self.contact.startswith(_ERASED)


@dataclass(frozen=True, slots=True)
class OptOutChange:
    """One entry of the audit trail; its fields are as those of ``OptOut``."""

    change: Literal["added", "removed"]
    contact: str
    sender: str
    source: str
    reason: str
    origin: str
    created_at: float

    @property
    def is_erased(self) -> bool:
        """Whether only a hash of the contact's address is left."""
        return self.contact.startswith(_ERASED)


def bare_address(address: str) -> str:
    """Return an address without its channel, and a phone number without what people type between its digits."""
    number = filed(address.rpartition(":")[2].strip())
    return re.sub(r"[\s().-]", "", number) if re.fullmatch(r"\+[\d\s().-]+", number) else number


def names_of(contact: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the names under which opt-outs of a contact may be kept: its address, and a hash with each key."""
    bare = bare_address(contact)
    return bare, *(_hashed(bare, key) for key in keys)


def _hashed(bare: str, key: str) -> str:
    key_id = hashlib.sha256(f"twiml_app key of erased opt-outs {key}".encode()).hexdigest()[:8]
    digest = hmac.new(key.encode(), f"twiml_app opt-out {bare}".encode(), "sha256").hexdigest()[:32]
    return f"{_ERASED}{key_id}:{digest}"


def add_opt_out(execute: Transaction, added: OptOut) -> bool:
    """Record an opt-out, and return whether that changed anything; one that Twilio reported replaces another one."""
    insert = (
        f"INSERT INTO opt_outs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (contact, sender) DO UPDATE SET"  # noqa: S608
        " source = excluded.source, reason = excluded.reason, origin = excluded.origin"
        " WHERE excluded.source IN ('text', '21610') AND opt_outs.source NOT IN ('text', '21610') RETURNING contact"
    )
    values = (added.contact, added.sender, added.source, added.reason, added.origin, added.created_at)
    if not execute(insert, values):
        return False
    _note(execute, OptOutChange("added", *values))
    return True


def remove_opt_outs(
    execute: Transaction, names: Sequence[str], by: OptOut, *, senders: Sequence[str] = (), reported: bool = True
) -> int:
    """End opt-outs of a contact, and return how many; ``by`` says what ended them and when.

    Without ``senders``, those of all senders end; without ``reported``, those that Twilio reported stay.
    """
    where, parameters = f"contact IN ({_marks(names)})", [*names]
    if senders:
        where, parameters = f"{where} AND sender IN ({_marks(senders)})", [*parameters, *senders]
    if not reported:
        where += " AND source NOT IN ('text', '21610')"
    ended = execute(f"DELETE FROM opt_outs WHERE {where} RETURNING contact, sender", parameters)  # noqa: S608
    for contact, sender in ended:
        is_erased = contact.startswith(_ERASED)
        reason, origin = ("", "") if is_erased else (by.reason, by.origin)
        _note(execute, OptOutChange("removed", contact, sender, by.source, reason, origin, by.created_at))
    return len(ended)


def opt_outs_of(execute: Transaction, names: Sequence[str]) -> list[OptOut]:
    """Return the opt-outs of a contact, oldest first."""
    found = f"SELECT {_COLUMNS} FROM opt_outs WHERE contact IN ({_marks(names)}) ORDER BY created_at"  # noqa: S608
    return [OptOut(*row) for row in execute(found, names)]


def all_opt_outs(execute: Transaction, limit: int) -> list[OptOut]:
    """Return the latest opt-outs, newest first."""
    found = f"SELECT {_COLUMNS} FROM opt_outs ORDER BY created_at DESC, contact, sender LIMIT ?"  # noqa: S608
    return [OptOut(*row) for row in execute(found, (limit,))]


def count_opted_out(execute: Transaction) -> int:
    """Return how many contacts have opted out of something."""
    return int(execute("SELECT count(DISTINCT contact) FROM opt_outs")[0][0])


def changes_of(execute: Transaction, names: Sequence[str]) -> list[OptOutChange]:
    """Return the audit trail of a contact, oldest first."""
    found = f"SELECT change, {_COLUMNS} FROM opt_out_changes WHERE contact IN ({_marks(names)}) ORDER BY id"  # noqa: S608
    return [OptOutChange(*row) for row in execute(found, names)]


def set_service(execute: Transaction, number: str, service: str) -> None:
    """Record which messaging service one of our numbers belongs to; empty for none."""
    upsert = (
        "INSERT INTO sender_services VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET service = excluded.service"
        " WHERE sender_services.service <> excluded.service"
    )
    execute(upsert, (filed(number), filed(service)))


def service_of(execute: Transaction, number: str) -> str | None:
    """Return the messaging service of one of our numbers, empty for none; None if that is not known."""
    rows = execute("SELECT service FROM sender_services WHERE number = ?", (filed(number),))
    return str(rows[0][0]) if rows else None


def numbers_of(execute: Transaction, service: str) -> list[str]:
    """Return the numbers that are known to belong to a messaging service."""
    return [number for (number,) in execute("SELECT number FROM sender_services WHERE service = ?", (filed(service),))]


def hide_opt_outs(execute: Transaction, contact: str, keys: Sequence[str]) -> int:
    """Replace the address of a contact by its hash with the first key, and return how many opt-outs there are.

    The audit trail loses the reasons and the messages, as these lead back to the contact.

    Raises: ConfigurationError, if the contact has opted out and there is no key.
    """
    bare, *hashes = names_of(contact, keys)
    known = "SELECT 1 FROM opt_outs WHERE contact = ? UNION ALL SELECT 1 FROM opt_out_changes WHERE contact = ? LIMIT 1"
    if not execute(known, (bare, bare)):
        return 0
    if not hashes:
        problem = "is needed to keep a hash of the opt-outs of an erased contact: set it, or the credentials"
        raise ConfigurationError("SECRET_KEY", problem)
    update = "UPDATE opt_out_changes SET contact = ?, reason = '', origin = '' WHERE contact = ?"
    execute(update, (hashes[0], bare))
    return rename_opt_outs(execute, bare, hashes[0])


def rename_opt_outs(execute: Transaction, old: str, new: str) -> int:
    """Keep the opt-outs of a contact under another name, and return how many there are."""
    execute(
        "INSERT INTO opt_outs (contact, sender, source, reason, origin, created_at)"
        " SELECT ?, sender, source, '', '', created_at FROM opt_outs WHERE contact = ? ON CONFLICT DO NOTHING",
        (new, old),
    )
    return len(execute("DELETE FROM opt_outs WHERE contact = ? RETURNING sender", (old,)))


def _note(execute: Transaction, done: OptOutChange) -> None:
    insert = f"INSERT INTO opt_out_changes (change, {_COLUMNS}, keep_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    execute(insert, (*astuple(done), done.created_at + AUDIT_DAYS * DAY_S))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
