"""The parts of one application, put together: the handlers, the journal, and what answers webhooks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """What an application consists of besides its journal."""

    router: Router
    settings: Settings
    root: Path
    url_prefix: str
    media_fetcher: MediaFetcher
    media_links: MediaLinks
    hooks: Hooks
    #: Work runs in it.
    context: Callable[[], AbstractContextManager[object]]


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
    fetcher, links = MediaFetcher(settings), MediaLinks(settings, root, url_prefix)
    program = _Program(
        router=chosen,
        settings=settings,
        root=root,
        url_prefix=url_prefix,
        media_fetcher=fetcher,
        media_links=links,
        hooks=Hooks(
            on_exception=on_exception,
            observer=observer,
            media_source=partial(MessageFiles.of, fetcher),
            file_urls=links.urls,
        ),
        context=context,
    )
    engine = _open_engine(settings, root)
    return _without_journal(program) if engine is None else _with_journal(engine, program)


def _open_engine(settings: Settings, root: Path) -> Engine | None:
    if settings.database_url == "off":
        return None
    from .journal import open_engine  # a quarter of the time of our imports

    return open_engine(settings, root)


def _without_journal(program: _Program) -> TwimlState:
    """Return the state of an application that stores nothing; only replays have conversations and dialogs."""
    router, settings, hooks = program.router, program.settings, program.hooks
    hours, early_s = settings.conversation_hours, settings.early_answer_s
    dialogs = OpenDialogs(router, None, early_s=early_s) if router.dialogs else None
    receiver = Receiver(
        router,
        settings,
        conversations=ConversationKeeper(None, hours=hours, may_wait=BoundedSemaphore()),
        dialogs=dialogs,
        hooks=hooks,
    )
    return TwimlState(
        receiver,
        settings,
        program.root,
        url_prefix=program.url_prefix,
        media_fetcher=program.media_fetcher,
        media_links=program.media_links,
        dialogs=dialogs,
    )


def _with_journal(engine: Engine, program: _Program) -> TwimlState:
    from .consent import OptOutList
    from .journal import ConversationStore, DurableJournal, Ledger
    from .work import deliver_to

    router, settings, hooks = program.router, program.settings, program.hooks
    work = _open_work(engine, program)
    journal = DurableJournal(engine, settings, on_upkeep=work.background.look)
    # One for each process: it knows which messages are being answered.
    store = ConversationStore(engine)
    sending = _open_sending(engine, work, program)
    opt_outs = OptOutList(engine, settings)
    dialogs = _open_dialogs(engine, store, work, program) if router.dialogs else None
    receiver = Receiver(
        router,
        settings,
        journal=journal,
        conversations=_conversations(store, journal, work, settings),
        dialogs=dialogs,
        hooks=replace(hooks, bookkeeping=opt_outs.effects_of),
    )
    later = LaterTurns(store, receiver.answer_in_turn, deliver_to, dialogs, hours=settings.conversation_hours)
    return TwimlState(
        receiver,
        settings,
        program.root,
        engine,
        Ledger(engine),
        program.url_prefix,
        media_fetcher=program.media_fetcher,
        media_links=program.media_links,
        opt_outs=opt_outs,
        sending=sending,
        work=work,
        dialogs=dialogs,
        conversations=store,
        later=later,
    )


def _open_work(engine: Engine, program: _Program) -> Work:
    from .work import open_work

    return open_work(
        engine,
        program.router.schedules,
        program.settings,
        program.root,
        context=program.context,
        on_exception=program.hooks.on_exception,
        media_source=program.hooks.media_source,
    )


def _open_sending(engine: Engine, work: Work, program: _Program) -> Sending:
    """Return what sends, in the threads that run work."""
    links = program.media_links
    sending = make_sending(engine, program.settings, lambda path, channel: links.url(path, channel=channel))
    sending.on_wake = work.background.wake
    work.background.add(sending, pooled=True, is_needed=sending.is_needed)
    return sending


def _open_dialogs(engine: Engine, store: ConversationStore, work: Work, program: _Program) -> OpenDialogs:
    from .journal import DialogVersions

    router, early_s = program.router, program.settings.early_answer_s
    versions = DialogVersions(engine, [route.key for route in router.dialogs])
    work.background.add(versions, is_needed=lambda: True)
    return OpenDialogs(router, store, early_s=early_s, is_elsewhere=versions.is_live, work=work)


def _conversations(
    store: ConversationStore, journal: DurableJournal, work: Work, settings: Settings
) -> ConversationKeeper:
    """Return what keeps the conversations; duplicates and messages that wait for their turn share a limit."""
    return ConversationKeeper(
        store,
        hours=settings.conversation_hours,
        may_wait=journal.may_wait,
        postpones=postponing(work, store, lambda message: can_send(settings, message.account_sid)),
    )
