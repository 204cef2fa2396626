"""Read a chunked request body, https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding"""

from __future__ import annotations

import io
import re
from typing import Any

#: The maximum length of a line between chunks, in bytes.
_MAX_LINE = 1000
_LENGTH = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?\r?\n")


class ChunkedBody(io.RawIOBase):
    """Reads a chunked body; raises OSError if it is malformed."""

    def __init__(self, source: io.BufferedIOBase) -> None:
        self._source = source
        self._left = 0
        self._is_over = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read part of a chunk; returns 0 after the last one."""
        if self._is_over or not (self._left or self._begin()):
            return 0
        part = self._source.read(min(len(buffer), self._left))
        if not part:
            raise OSError("a chunk is cut off")
        buffer[: len(part)] = part
        self._left -= len(part)
        if not self._left and self._line().strip():
            raise OSError("a chunk is longer than its declared length")
        return len(part)

    def _begin(self) -> bool:
        """Read the length of the next chunk; returns False for the last one, which is empty."""
        found = _LENGTH.fullmatch(self._line())
        if not found:
            raise OSError("the length of a chunk is not a number")
        self._left = int(found[1], 16)
        self._is_over = not self._left
        while self._is_over and self._line().strip():
            pass  # skip the trailers after the last chunk
        return not self._is_over

    def _line(self) -> bytes:
        line = self._source.readline(_MAX_LINE)
        if not line.endswith(b"\n"):
            raise OSError("a line is cut off or too long")
        return line
