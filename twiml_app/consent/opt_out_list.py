"""The opt-outs of an application: learned from texts and status callbacks, and changed by programs and people."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..config import Settings
from ..errors import CannotStore
from ..events import Event, InboundMessage, StatusCallback
from ..journal import Engine, OptOut, OptOutChange, opt_out_rows
from ..opt_out_words import opt_out_change
from ..pending import Effect, Transaction
from .permission import CANNOT_RECEIVE, OPTED_OUT, Leaving, learn_from_error, service_or_number

#: Of how many of our numbers a process remembers the messaging service.
MAX_NUMBERS = 10_000
_MAX_REASON = 200
_LEARNED = CANNOT_RECEIVE | {OPTED_OUT}


class OptOutList:
    """Reads and changes the opt-outs of an application; ``clock`` returns seconds since 1970."""

    def __init__(self, engine: Engine, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        #: What this process has stored about our numbers.
        self._services: dict[str, str] = {}

    def effects_of(self, event: Event) -> tuple[Effect, ...]:
        """Return what is stored about an event in the commit of its answer; nothing for nearly all events."""
        if isinstance(event, InboundMessage):
            return self._effects_of_text(event)
        if isinstance(event, StatusCallback) and event.error_code in _LEARNED:
            learned = Leaving(contact=event.contact, sender=event.messaging_service_sid or event.number)
            now, sid = self._clock(), event.message_sid
            write = partial(learn_from_error, code=event.error_code, leaving=learned, origin=sid, now=now)
            return (Effect("delivery problem", {"code": event.error_code}, write, _nothing, is_asked_for=False),)
        return ()

    def adding(self, contact: str, reason: str, *, sender: str, source: str, origin: str = "") -> Effect:
        """Return the effect that records an opt-out from a sender, or from all senders if that is empty.

        ``source`` is ``program`` or ``command line``; ``origin`` is the MessageSid of the text that is being handled.

        Raises: CannotStore, for an address that no contact can have.
        """
        added = self._opt_out(contact, reason, sender=sender, source=source, origin=origin)

        def write(execute: Transaction) -> bool:
            pool = service_or_number(execute, added.sender)
            return opt_out_rows.add_opt_out(execute, replace(added, sender=pool))

        return Effect("opt-out", _summary("added", contact, sender, reason), write, _nothing)

    def removing(
        self, contact: str, reason: str, *, sender: str, source: str, origin: str = "", reported: bool = False
    ) -> Effect:
        """Return the effect that ends opt-outs; those that Twilio reported too only if ``reported``.

        Raises: CannotStore, for an address that no contact can have.
        """
        by = self._opt_out(contact, reason, sender=sender, source=source, origin=origin)
        names = self._names(contact)

        def write(execute: Transaction) -> int:
            senders = {sender, service_or_number(execute, sender)} if sender else set()
            return opt_out_rows.remove_opt_outs(execute, names, by, senders=[*senders], reported=reported)

        return Effect("opt-out", _summary("removed", contact, sender, reason), write, _nothing)

    def store(self, effect: Effect) -> object:
        """Store an effect at once, and return what it returns.

        Raises: JournalUnavailable.
        """
        stored = self._engine.run(effect.write)
        effect.committed()
        return stored

    def latest(self, limit: int) -> list[OptOut]:
        """Return the latest opt-outs, newest first.

        Raises: JournalUnavailable.
        """
        return self._engine.read(partial(opt_out_rows.all_opt_outs, limit=limit))

    def of(self, contact: str) -> list[OptOut]:
        """Return the opt-outs of a contact, oldest first; those of an erased one are found by its address.

        Raises: JournalUnavailable.
        """
        return self._engine.read(partial(opt_out_rows.opt_outs_of, names=self._names(contact)))

    def changes_of(self, contact: str) -> list[OptOutChange]:
        """Return the audit trail of a contact, oldest first.

        Raises: JournalUnavailable.
        """
        return self._engine.read(partial(opt_out_rows.changes_of, names=self._names(contact)))

    def _names(self, contact: str) -> tuple[str, ...]:
        return opt_out_rows.names_of(contact, self._settings.secret_keys)

    def _opt_out(self, contact: str, reason: str, *, sender: str, source: str, origin: str) -> OptOut:
        """Return an opt-out as it is stored.

        Raises: CannotStore.
        """
        _require_contact(contact)
        bare, of = opt_out_rows.bare_address(contact), sender or opt_out_rows.EVERY_SENDER
        return OptOut(bare, of, source, reason[:_MAX_REASON], origin, self._clock())

    def _effects_of_text(self, message: InboundMessage) -> tuple[Effect, ...]:
        number, service = message.number, message.messaging_service_sid
        change = change_of(message, self._settings)
        if not change and self._services.get(number) == service:
            return ()
        write = partial(
            _write_text, message=message, change=change, names=self._names(message.contact), at=self._clock()
        )
        remember = partial(self._remember, number, service)
        return (Effect("opt-out", {"change": change}, write, remember, is_asked_for=False),)

    def _remember(self, number: str, service: str) -> None:
        if len(self._services) >= MAX_NUMBERS:
            self._services.clear()
        self._services[number] = service


def change_of(message: InboundMessage, settings: Settings) -> str:
    """Return ``STOP`` if a text opts out, ``START`` if it ends an opt-out, empty for any other.

    With Advanced Opt-Out, Twilio sends the kind. Numbers in ``TWIML_OPT_OUT_NUMBERS`` decide for themselves.
    """
    if message.opt_out_type:
        return message.opt_out_type.upper()
    if message.messaging_service_sid in settings.advanced_opt_out or message.number in settings.opt_out_numbers:
        return ""
    return opt_out_change(message.body)


def _write_text(execute: Transaction, message: InboundMessage, change: str, names: tuple[str, ...], at: float) -> None:
    """Store the service of the number that was texted, and the opt-out that the text begins or ends."""
    number, service = message.number, message.messaging_service_sid
    opt_out_rows.set_service(execute, number, service)
    reason = message.body.strip()[:_MAX_REASON]
    opt_out = OptOut(names[0], service or number, "text", reason, message.message_sid, at)
    if change == "STOP":
        opt_out_rows.add_opt_out(execute, opt_out)
    elif change == "START":
        others = opt_out_rows.numbers_of(execute, service) if service else []
        senders = [opt_out.sender, number, *others, opt_out_rows.EVERY_SENDER]
        opt_out_rows.remove_opt_outs(execute, names, opt_out, senders=senders)


def _summary(change: str, contact: str, sender: str, reason: str) -> dict[str, str]:
    return {"change": change, "contact": contact, "sender": sender, "reason": reason}


def _require_contact(contact: str) -> None:
    """Check the address of a contact: a number without its country code would never be found.

    Raises: CannotStore.
    """
    if not re.fullmatch(r"\+[0-9]{6,15}", opt_out_rows.bare_address(contact)) and not re.match(".+:.", contact):
        raise CannotStore(f"{contact!r} is not the address of a contact: give a number such as +15005550001")


def _nothing() -> None: ...
