"""A body in chunks: what is read of it, and what is no such body."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.chunked_body import ChunkedBody


def read(encoded: bytes, size: int = 8192) -> bytes:
    """Return the body, read in parts of this size."""
    return io.BufferedReader(ChunkedBody(io.BytesIO(encoded)), size).read()


@given(parts=st.lists(st.binary(min_size=1, max_size=50), max_size=5), size=st.integers(1, 60))
def test_body_is_put_together(parts: list[bytes], size: int) -> None:
    """However it was cut, and however it is read."""
    encoded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)

    assert read(encoded + b"0\r\n\r\n", size) == b"".join(parts)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"5;name=value\r\nhello\r\n0\r\n\r\n", id="an extension"),
        pytest.param(b"5\r\nhello\r\n0\r\nExpires: never\r\n\r\n", id="a trailer"),
        pytest.param(b"005 \nhello\n0\n\n", id="plain line feeds"),
    ],
)
def test_what_belongs_to_it_is_read(encoded: bytes) -> None:
    """By the book, and a little beside it."""
    assert read(encoded) == b"hello"


@given(garbage=st.binary(max_size=60))
def test_garbage_is_an_error_and_no_more(garbage: bytes) -> None:
    """It comes to an end, and never with bytes that were not there."""
    try:
        found = read(garbage)
    except OSError:
        return
    assert found in garbage or len(found) < len(garbage)


@given(body=st.binary(min_size=1, max_size=50), cut=st.integers(1, 60))
def test_cut_body_is_an_error(body: bytes, cut: int) -> None:
    """Half a message must not be sent."""
    encoded = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with pytest.raises(OSError, match=r"cut off|no number"):
        read(encoded[: -min(cut, len(encoded))])


@pytest.mark.parametrize("encoded", [b"x\r\n", b"-1\r\n", b"\r\n", b"1" * 2000, b"2\r\nhello\r\n0\r\n\r\n"])
def test_wrong_length_is_an_error(encoded: bytes) -> None:
    """Nobody knows what is meant."""
    with pytest.raises(OSError, match=r"no number|too long|longer than it says"):
        read(encoded)


def test_end_stays_the_end() -> None:
    """What follows is another request."""
    chunks = ChunkedBody(io.BytesIO(b"5\r\nhello\r\n0\r\n\r\n5\r\nagain\r\n"))

    assert [chunks.read(8) for _ in range(3)] == [b"hello", b"", b""]
