"""Where the media files of a message come from: local files in replays and tests, otherwise a download."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import MediaError
from ..events import InboundMessage
from ..inbound_media import InboundMedia
from .fetching import MediaFetcher

_LOCAL_FILES: ContextVar[Mapping[str, Path]] = ContextVar("local media files")


@contextmanager
def local_files(by_url: Mapping[str, Path]) -> Iterator[None]:
    """Read these media URLs from local files, in what this context calls."""
    token = _LOCAL_FILES.set({**_LOCAL_FILES.get({}), **by_url})
    try:
        yield
    finally:
        _LOCAL_FILES.reset(token)


@dataclass(frozen=True, slots=True)
class MessageFiles:
    """The media files of one message; those of a replayed message are never downloaded."""

    fetcher: MediaFetcher
    account_sid: str
    is_replayed: bool

    @classmethod
    def of(cls, fetcher: MediaFetcher, message: InboundMessage) -> MessageFiles:
        """Return the files of a message."""
        return cls(fetcher, message.account_sid, message.replayed)

    def open(self, media: InboundMedia) -> BinaryIO:
        """Return a file, at its beginning.

        Raises: MediaError.
        """
        return io.BytesIO(self._content(media))

    def save(self, media: InboundMedia, path: Path) -> None:
        """Write a file to a path.

        Raises: MediaError; OSError.
        """
        content = self._content(media)
        draft = path.with_name(f".{secrets.token_hex(8)}.draft")
        try:
            draft.write_bytes(content)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _content(self, media: InboundMedia) -> bytes:
        local = _LOCAL_FILES.get({}).get(media.url)
        if local is not None:
            return _read(media, local)
        if self.is_replayed:
            problem = "a replay downloads nothing: put the file into the .media folder next to the recording"
            raise MediaError(problem, file=media.url)
        return self.fetcher.fetch(media.url, content_type=media.content_type, account_sid=self.account_sid)


def _read(media: InboundMedia, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"the file {path} cannot be read: {error.strerror}", file=media.url) from error
