"""Chunked bodies: what is read, and what is malformed."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.chunked_body import ChunkedBody


def read(encoded: bytes, size: int = 8192) -> bytes:
    """Read a body in parts of this size."""
    return io.BufferedReader(ChunkedBody(io.BytesIO(encoded)), size).read()


@given(parts=st.lists(st.binary(min_size=1, max_size=50), max_size=5), size=st.integers(1, 60))
def test_chunks_are_joined(parts: list[bytes], size: int) -> None:
    """The sizes of the chunks and of the reads make no difference."""
    encoded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)

    assert read(encoded + b"0\r\n\r\n", size) == b"".join(parts)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"5;name=value\r\nhello\r\n0\r\n\r\n", id="extension"),
        pytest.param(b"5\r\nhello\r\n0\r\nExpires: never\r\n\r\n", id="trailer"),
        pytest.param(b"005 \nhello\n0\n\n", id="plain line feeds"),
    ],
)
def test_body_is_read_with_optional_parts(encoded: bytes) -> None:
    """Clients may send extensions and trailers, and some end lines with a line feed only."""
    assert read(encoded) == b"hello"


@given(garbage=st.binary(max_size=60))
def test_garbage_is_an_error_or_part_of_it(garbage: bytes) -> None:
    """Reading ends, and never returns bytes that were not sent."""
    try:
        found = read(garbage)
    except OSError:
        return
    assert found in garbage or len(found) < len(garbage)


@given(body=st.binary(min_size=1, max_size=50), cut=st.integers(1, 60))
def test_cut_body_is_an_error(body: bytes, cut: int) -> None:
    """Half of a message must not be sent."""
    encoded = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with pytest.raises(OSError, match=r"cut off|not a number"):
        read(encoded[: -min(cut, len(encoded))])


@pytest.mark.parametrize("encoded", [b"x\r\n", b"-1\r\n", b"\r\n", b"1" * 2000, b"2\r\nhello\r\n0\r\n\r\n"])
def test_wrong_length_is_an_error(encoded: bytes) -> None:
    """The body cannot be read without its length."""
    with pytest.raises(OSError, match=r"not a number|too long|longer than its declared length"):
        read(encoded)


def test_nothing_is_read_after_the_last_chunk() -> None:
    """The bytes that follow belong to the next request."""
    chunks = ChunkedBody(io.BytesIO(b"5\r\nhello\r\n0\r\n\r\n5\r\nagain\r\n"))

    assert [chunks.read(8) for _ in range(3)] == [b"hello", b"", b""]
