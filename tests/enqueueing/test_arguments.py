"""The arguments of work: what is stored is the same when it is read."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from hypothesis import given
from hypothesis import strategies as st

from twiml_app import InboundMedia
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.enqueueing import Arguments, decode_arguments
from twiml_app.events import StatusCallback, parse_event
from twiml_app.webhook import Form

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=3), st.dictionaries(TEXTS, VALUES, max_size=3))
def test_values_are_the_same_when_they_are_read(positional: list[Any], named: dict[str, Any]) -> None:
    """A number stays a number, and a text keeps every character."""
    encoded = Arguments(positional, named).encode("f")

    assert encoded.isascii()
    assert decode_arguments(encoded) == Arguments(tuple(positional), named)


#: Bytes that are not UTF-8 are kept as surrogate escapes.
RECEIVED = st.binary(max_size=20).map(lambda received: received.decode("utf-8", "surrogateescape"))


@given(st.lists(st.tuples(RECEIVED, RECEIVED), max_size=5), st.dictionaries(TEXTS, TEXTS, max_size=2), st.booleans())
def test_events_are_the_same_when_they_are_read(
    more: list[tuple[str, str]], query: dict[str, str], is_status: bool
) -> None:
    """Every parameter is kept as it was received."""
    form = status_form("SM1", "sent") if is_status else inbound_form("hello")
    event = parse_event(Form([*form.pairs, *more]), query)
    arguments = Arguments((1, event))

    assert decode_arguments(arguments.encode("f")) == Arguments((1, event), {})
    assert arguments.event == event
    assert Arguments((1,)).event is None


def test_event_that_was_late_is_late_when_it_is_read() -> None:
    """The ledger knew a later status when it arrived."""
    late = replace(cast(StatusCallback, parse_event(status_form("SM1", "sent"))), late=True)

    assert decode_arguments(Arguments((late,)).encode("f")).positional == (late,)


class Files:
    """A source of media files."""

    def open(self, media: InboundMedia) -> BinaryIO:
        """Return the URL."""
        return BytesIO(media.url.encode())

    def save(self, media: InboundMedia, path: Path) -> None:
        """Do nothing."""


def test_pictures_can_be_downloaded_in_work() -> None:
    """A download is slow, so it is done after the answer."""
    form = inbound_form("", media={"https://example.com/1.jpg": "image/jpeg"})
    encoded = Arguments((parse_event(form), parse_event(inbound_form("hello")), 5)).encode("f")
    message, *_ = decode_arguments(encoded, lambda _: Files()).positional

    assert message.media[0].open().read() == b"https://example.com/1.jpg"
