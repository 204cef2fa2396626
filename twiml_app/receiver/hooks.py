"""What a receiver calls besides handlers and the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..events import Event, InboundMessage
from ..inbound_media import MediaSource
from ..pending import Effect
from .claims import Outcome
from .file_urls import FileUrls


class Observer(Protocol):
    """Counts what the receiver does; it must neither wait nor raise."""

    def count_webhook(self, event: Event, outcome: Outcome, seconds: float) -> None:
        """Count an answered webhook, and the seconds that it took."""

    def count_refusal(self, status: int) -> None:
        """Count a refused request by its HTTP status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions that a receiver calls; by default there are none."""

    #: Returns what else is stored with the answer to an event.
    bookkeeping: Callable[[Event], tuple[Effect, ...]] = lambda _: ()
    #: Called with every exception that a handler raises.
    on_exception: Callable[[Exception], object] = lambda _: None
    #: Counts what happens, except in replays.
    observer: Observer | None = None
    #: Returns where the media files of a message come from.
    media_source: Callable[[InboundMessage], MediaSource] | None = None
    #: Makes URLs of local files.
    file_urls: FileUrls | None = None


NO_HOOKS = Hooks()
