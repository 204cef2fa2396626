"""Put the work of an application together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ..config import Settings
from ..events import InboundMessage
from ..inbound_media import MediaSource
from ..journal import Engine
from ..routing import Schedule
from .background import Background
from .delivering import deliver
from .queue import open_queue
from .runner import Surroundings
from .work import Work


def open_work(
    engine: Engine,
    schedules: Sequence[Schedule],
    settings: Settings,
    root: Path,
    *,
    context: Callable[[], AbstractContextManager[object]],
    on_exception: Callable[[Exception], object],
    media_source: Callable[[InboundMessage], MediaSource] | None,
) -> Work:
    """Return the work of an application, which runs in ``context``; nothing runs until its background is armed.

    Raises: ConfigurationError.
    """
    queue = open_queue(settings, root)
    surroundings = Surroundings(
        context=context,
        on_exception=on_exception,
        deliver=deliver,
        media_source=media_source,
        keep_s=settings.retention_days * 86400,
    )
    background = Background(elsewhere=queue.announce) if queue else Background()
    return Work(engine, schedules, surroundings, background)
