"""The parts of one application, put together: the handlers, the journal, and what answers webhooks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from .config import Settings
from .conversations import ConversationKeeper, LaterTurns, OpenDialogs, postponing
from .media import MediaFetcher, MediaLinks, MessageFiles
from .project_routers import load_router
from .receiver import Hooks, Observer, Receiver
from .routing import Router
from .sending import Sending, can_send, make_sending

if TYPE_CHECKING:
    from .consent import OptOutList
    from .events import InboundMessage
    from .inbound_media import MediaSource
    from .journal import ConversationStore, DurableJournal, Engine, Ledger
    from .work import Background, Work


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
    #: What handlers asked to be done later, and the schedules; None without a journal.
    work: Work | None = None
    #: What answers with dialogs; None if the program has none.
    dialogs: OpenDialogs | None = None
    #: The stored conversations, and who is being answered; None without a journal.
    conversations: ConversationStore | None = None
    #: Turns of conversations that work takes; None without a journal.
    later: LaterTurns | None = None

    @property
    def background(self) -> Background | None:
        """The threads that do work, in a process that serves or in ``twiml-app worker``; None without a journal."""
        return self.work.background if self.work else None

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
    context: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> TwimlState:
    """Return the extension's state: the handlers, the journal, the receiver, and the work, which runs in ``context``.

    Raises: ConfigurationError; RegistrationError.
    """
    chosen = router or load_router(settings.handlers, root)
    engine = _open_engine(settings, root)
    fetcher, links = MediaFetcher(settings), MediaLinks(settings, root, url_prefix)
    media_source = partial(MessageFiles.of, fetcher)
    work = _open_work(
        engine, chosen, settings, root, context=context, on_exception=on_exception, media_source=media_source
    )
    journal = _open_journal(engine, settings, work)
    store = _open_store(engine)
    conversations = _open_conversations(store, journal, settings, work)
    ledger = _open_ledger(engine)
    sending = _open_sending(engine, settings, work, links)
    opt_outs = _open_opt_outs(engine, settings)
    dialogs = _open_dialogs(store, engine, chosen, settings, work)
    receiver = Receiver(
        chosen,
        settings,
        journal=journal,
        conversations=conversations,
        dialogs=dialogs,
        hooks=Hooks(
            bookkeeping=opt_outs.effects_of if opt_outs else lambda _: (),
            on_exception=on_exception,
            observer=observer,
            media_source=media_source,
            file_urls=links.urls,
        ),
    )
    later = _open_later(store, receiver, settings, dialogs)
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
        work=work,
        dialogs=dialogs,
        conversations=store,
        later=later,
    )


def _open_engine(settings: Settings, root: Path) -> Engine | None:
    if settings.database_url == "off":
        return None
    from .journal import open_engine  # a quarter of the time of our imports

    return open_engine(settings, root)


def _open_journal(engine: Engine | None, settings: Settings, work: Work | None) -> DurableJournal | None:
    if engine is None or work is None:
        return None
    from .journal import DurableJournal

    return DurableJournal(engine, settings, on_upkeep=work.background.look)


def _open_conversations(
    store: ConversationStore | None, journal: DurableJournal | None, settings: Settings, work: Work | None
) -> ConversationKeeper:
    """Return what keeps the conversations, without a journal only those of commands that store nothing.

    Duplicates and messages that wait for their turn share a limit.
    """
    if store is None or journal is None or work is None:
        return ConversationKeeper(None, hours=settings.conversation_hours, may_wait=BoundedSemaphore())
    return ConversationKeeper(
        store,
        hours=settings.conversation_hours,
        may_wait=journal.may_wait,
        postpones=postponing(work, store, lambda message: can_send(settings, message.account_sid)),
    )


def _open_store(engine: Engine | None) -> ConversationStore | None:
    """Return where conversations are stored, one for each process: it knows which messages are being answered."""
    if engine is None:
        return None
    from .journal import ConversationStore

    return ConversationStore(engine)


def _open_later(
    store: ConversationStore | None, receiver: Receiver, settings: Settings, dialogs: OpenDialogs | None
) -> LaterTurns | None:
    if store is None:
        return None
    from .work import deliver_to

    return LaterTurns(store, receiver.answer_in_turn, deliver_to, dialogs, hours=settings.conversation_hours)


def _open_dialogs(
    store: ConversationStore | None, engine: Engine | None, router: Router, settings: Settings, work: Work | None
) -> OpenDialogs | None:
    """Return what answers with dialogs; None if the program has none, so that no message pays for them."""
    if not router.dialogs:
        return None
    if engine is None or work is None:
        return OpenDialogs(router, None, early_s=settings.early_answer_s)
    from .journal import DialogVersions

    versions = DialogVersions(engine, [route.key for route in router.dialogs])
    work.background.add(versions, is_needed=lambda: True)
    return OpenDialogs(router, store, early_s=settings.early_answer_s, is_elsewhere=versions.is_live, work=work)


def _open_work(
    engine: Engine | None,
    router: Router,
    settings: Settings,
    root: Path,
    *,
    context: Callable[[], AbstractContextManager[object]],
    on_exception: Callable[[Exception], object],
    media_source: Callable[[InboundMessage], MediaSource],
) -> Work | None:
    if engine is None:
        return None
    from .work import open_work

    return open_work(
        engine,
        router.schedules,
        settings,
        root,
        context=context,
        on_exception=on_exception,
        media_source=media_source,
    )


def _open_sending(engine: Engine | None, settings: Settings, work: Work | None, links: MediaLinks) -> Sending | None:
    """Return what sends, in the threads that run work."""
    if engine is None or work is None:
        return None
    sending = make_sending(engine, settings, lambda path, channel: links.url(path, channel=channel))
    sending.on_wake = work.background.wake
    work.background.add(sending, pooled=True, is_needed=sending.is_needed)
    return sending


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
