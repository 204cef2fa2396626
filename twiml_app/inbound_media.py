"""Media files that came with a message; the application says where their bytes come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from .errors import MediaError


class MediaSource(Protocol):
    """Where the media files of a message come from: the application's downloads, or the files of a recording.

    Raises: MediaError, from both methods.
    """

    def open(self, media: InboundMedia) -> BinaryIO:
        """Return a file, at its beginning."""

    def save(self, media: InboundMedia, path: Path) -> None:
        """Write a file to a path."""


class _FromSource:
    """Something that comes from a source; this is not a field, so that events can be compared, copied and pickled."""

    __slots__ = ("_source",)

    _source: MediaSource


@dataclass(frozen=True, slots=True)
class InboundMedia(_FromSource):
    """A media file that was received with a message.

    ``open`` and ``save`` download it with the account's credentials, which only Twilio gets. They take at most ten
    seconds, and accept at most 16 MB of the announced type.
    """

    url: str  #: Where the file can be downloaded.
    content_type: str  #: The media type, such as ``image/jpeg``; empty if Twilio sent none.

    def open(self) -> BinaryIO:
        """Download the file, and return it as a binary file object, which is a context manager too.

        Raises: MediaError.
        """
        return self._required_source().open(self)

    def save(self, path: str | Path) -> None:
        """Download the file, and write it to a path; a file that exists there is replaced when all of it is written.

        Raises: MediaError; OSError, if it cannot be written.
        """
        self._required_source().save(self, Path(path))

    def _required_source(self) -> MediaSource:
        source: MediaSource | None = getattr(self, "_source", None)
        if source is None:
            raise MediaError("only a message that an application has received can be downloaded", file=self.url)
        return source


def from_source(media: InboundMedia, source: MediaSource) -> InboundMedia:
    """Return a media file that comes from this source."""
    bound = InboundMedia(media.url, media.content_type)
    object.__setattr__(bound, "_source", source)
    return bound
