"""Somebody's phone, in the hands of a test: it texts our numbers, and takes what they send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from ..errors import ConfigurationError
from .context import Context
from .handsets import Handsets
from .media import FetchedMedia, MediaFetcher
from .receiving import Receiving, Turn
from .resources import FATES, Message


class Handset:
    """Somebody's phone: texts our numbers, and takes what they send."""

    def __init__(
        self, context: Context, handsets: Handsets, receiving: Receiving, fetcher: MediaFetcher, number: str
    ) -> None:
        self._context = context
        self._handsets = handsets
        self._receiving = receiving
        self._fetcher = fetcher
        self.number = number

    def text(self, body: str = "", *, to: str = "", media: Iterable[str | FetchedMedia] = ()) -> Turn:
        """Text one of our numbers, the only one if none is named; media are URLs or bytes with their type.

        Raises: ConfigurationError, for a number that is not ours; ApiError, for a media that cannot be sent.
        """
        urls = [each for each in media if isinstance(each, str)]
        contents = [each for each in media if not isinstance(each, str)]
        return self._receiving.receive(
            from_=self.number,
            to=to or self._context.only_number(),
            body=body,
            media=[*self._fetcher.fetch_all(urls), *contents],
        )

    def will(self, status: str, error_code: int | None = None) -> Self:
        """Choose the status that messages to this phone end with: delivered, undelivered, failed, sent or read.

        Raises: ConfigurationError.
        """
        if status not in FATES:
            raise ConfigurationError("status", f"{status!r} is none of {', '.join(FATES)}")
        self._handsets.save(replace(self._handsets.get(self.number), status=status, error_code=error_code))
        return self

    def takes_media(self, takes: bool) -> Self:
        """Choose whether this phone takes pictures."""
        self._handsets.save(replace(self._handsets.get(self.number), takes_media=takes))
        return self

    @property
    def inbox(self) -> list[Message]:
        """What has reached this phone, in the order of arrival."""
        return self._handsets.inbox(self.number)
