"""The parts of one application, put together: the handlers, the journal, and what answers webhooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .config import Settings
from .media import MediaFetcher, MediaLinks, MessageFiles
from .project_routers import load_router
from .receiver import Observer, Receiver
from .routing import Router
from .sending import Sending, make_sending

if TYPE_CHECKING:
    from .consent import OptOutList
    from .journal import DurableJournal, Engine, Ledger


@dataclass(frozen=True, slots=True)
class TwimlState:
    """The state of the extension for one application, in ``app.extensions["twiml"]``."""

    receiver: Receiver
    settings: Settings
    #: The folder of the handlers, to which the path of the SQLite journal is relative.
    root: Path
    #: The database of the journal; None without a journal.
    engine: Engine | None = None
    #: The delivery status of sent messages; None without a journal.
    ledger: Ledger | None = None
    #: The part of the path in front of the extension's own paths.
    url_prefix: str = ""
    #: Downloads the media files of received messages.
    media_fetcher: MediaFetcher = field(kw_only=True)
    #: Makes links to local files.
    media_links: MediaLinks = field(kw_only=True)
    #: Who must get nothing that the program sends first; None without a journal.
    opt_outs: OptOutList | None = None
    #: Messages that the program sends first; None without a journal.
    sending: Sending | None = None

    @property
    def router(self) -> Router:
        """The registered handlers."""
        return self.receiver.router


def assemble(
    settings: Settings,
    root: Path,
    *,
    router: Router | None = None,
    url_prefix: str = "",
    on_exception: Callable[[Exception], object] = lambda _: None,
    observer: Observer | None = None,
) -> TwimlState:
    """Return the extension's state: the handlers, the journal, and the receiver.

    Raises: ConfigurationError; RegistrationError.
    """
    chosen = router or load_router(settings.handlers, root)
    engine = _open_engine(settings, root)
    journal = _open_journal(engine, settings)
    ledger = _open_ledger(engine)
    sending = make_sending(engine, settings) if engine else None
    opt_outs = _open_opt_outs(engine, settings)
    fetcher, links = MediaFetcher(settings), MediaLinks(settings, root, url_prefix)
    receiver = Receiver(
        chosen,
        settings,
        journal=journal,
        bookkeeping=opt_outs.effects_of if opt_outs else lambda _: (),
        on_exception=on_exception,
        observer=observer,
        media_source=partial(MessageFiles.of, fetcher),
        file_urls=links.urls,
    )
    return TwimlState(
        receiver,
        settings,
        root,
        engine,
        ledger,
        url_prefix,
        media_fetcher=fetcher,
        media_links=links,
        opt_outs=opt_outs,
        sending=sending,
    )


def _open_engine(settings: Settings, root: Path) -> Engine | None:
    if settings.database_url == "off":
        return None
    from .journal import open_engine  # a quarter of the time of our imports

    return open_engine(settings, root)


def _open_journal(engine: Engine | None, settings: Settings) -> DurableJournal | None:
    if engine is None:
        return None
    from .journal import DurableJournal

    return DurableJournal(engine, settings)


def _open_ledger(engine: Engine | None) -> Ledger | None:
    if engine is None:
        return None
    from .journal import Ledger

    return Ledger(engine)


def _open_opt_outs(engine: Engine | None, settings: Settings) -> OptOutList | None:
    if engine is None:
        return None
    from .consent import OptOutList

    return OptOutList(engine, settings)
