"""Faults of a text from a phone: it arrives twice, in parts, or at another number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import ConfigurationError
from ..segments import segment
from .context import Context
from .fault_kinds import FAULT_KINDS
from .faults import Fault, Occasion
from .media import FetchedMedia


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text from a contact to one of our numbers."""

    contact: str
    number: str
    body: str
    media: Sequence[FetchedMedia] = ()

    @property
    def occasion(self) -> Occasion:
        """The occasion of a fault."""
        return Occasion(contact=self.contact, number=self.number)


def text_fault(fault: Fault | str, contact: str) -> Fault:
    """Return a fault, or the one with this name, for one text of a contact.

    Raises: ConfigurationError, for a fault that does not happen to texts or to their webhooks.
    """
    given = Fault(fault) if isinstance(fault, str) else fault
    kind = FAULT_KINDS.get(given.kind)
    if kind is None or kind.place not in ("text", "webhook"):
        names = ", ".join(each.name for each in FAULT_KINDS.values() if each.place in ("text", "webhook"))
        raise ConfigurationError("fault", f"{given.kind!r} does not happen to a text: use one of {names}")
    event = "message" if kind.place == "webhook" else ""
    return replace(given, contact=contact, event=event, count=given.count or 1)


def arriving(context: Context, text: Text) -> list[Text]:
    """Return the texts that arrive when one is sent: one, if nothing goes wrong."""
    if not context.faults:
        return [text]
    others = _other_numbers(context, text.number)
    if others and context.faults.take("text-other-number", occasion=text.occasion):
        text = replace(text, number=others[0])
    texts = [*_parts(context, text)]
    return texts * 2 if context.faults.take("text-duplicate", occasion=text.occasion) else texts


def _other_numbers(context: Context, number: str) -> list[str]:
    """Return the other numbers of the messaging service of a number."""
    service = context.find_service(context.find_number(number))
    pool = context.numbers_of(service) if service else []
    return [each.phone_number for each in pool if each.phone_number != number]


def _parts(context: Context, text: Text) -> Iterator[Text]:
    """Yield the parts in which a text arrives; media come with the first."""
    first, *rest = segment(text.body).parts
    if not rest or not context.faults.take("text-parts", occasion=text.occasion):
        yield text
        return
    yield replace(text, body=first)
    for part in rest:
        yield replace(text, body=part, media=())
