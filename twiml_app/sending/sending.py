"""Messages that an application sends first: what ``send`` stores them with, and what makes them leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..pending import Transaction
from .api import Api, TwilioApi
from .asking import OutgoingMessage
from .dispatcher import Dispatcher, FileUrl, RefusalOf, refuse_files, refuse_nothing

if TYPE_CHECKING:
    from ..config import Settings
    from ..consent import Leaving
    from ..journal import Ending, Engine, SendRow, SendStore

#: How often ``drain`` sends what is due, at most.
_MAX_ROUNDS = 1000
#: Later than any message waits, in seconds since 1970.
_FOREVER = 1e12


class Sending:
    """The sends of one application: ``app.extensions["twiml"].sending``.

    ``clock`` returns seconds since 1970. A background thread sets ``on_wake``, which must neither wait nor raise.
    """

    def __init__(
        self,
        store: SendStore,
        settings: Settings,
        api: Api,
        *,
        status_url: Callable[[str, str], str],
        clock: Callable[[], float] = time.time,
        refusal_of: RefusalOf = refuse_nothing,
        file_url: FileUrl = refuse_files,
    ) -> None:
        self.clock = clock
        self.dispatcher = Dispatcher(
            store,
            api,
            settings,
            status_url=status_url,
            clock=lambda: self.clock(),
            refusal_of=refusal_of,
            file_url=file_url,
        )
        self.on_wake: Callable[[], object] = lambda: None
        self._store = store

    def insert(self, execute: Transaction, message: OutgoingMessage) -> str:
        """Store a message in a transaction, and return its id; that of the earlier one, if its key is known."""
        return self._store.insert(execute, message.columns())  # type: ignore[arg-type]

    def cancel(self, execute: Transaction, key: str) -> bool:
        """Withdraw the message with a key in a transaction, and return whether it was still waiting."""
        return self._store.cancel(execute, key, self.clock())  # type: ignore[arg-type]

    def connect(self, api: Api, clock: Callable[[], float]) -> None:
        """Send to another API from now on, such as an emulator, and by its clock."""
        self.clock = clock
        self.dispatcher.api = api

    def wake(self) -> None:
        """Make the threads look at once, after something was stored."""
        self.on_wake()

    def run_due(self) -> float:
        """Send some of what is due, and return the seconds until the next call: 0 if there may be more."""
        return self.dispatcher.run_due()

    def is_needed(self) -> bool:
        """Return whether a message waits, now or for later.

        Raises: JournalUnavailable.
        """
        return any(self._store.what_is_due(_FOREVER))

    def drain(self) -> None:
        """Send everything that may leave now, for tests."""
        for _ in range(_MAX_ROUNDS):
            if self.run_due() > 0:
                return

    def find(self, send_id: str) -> SendRow | None:
        """Return a send by the id that ``send`` returned.

        Raises: JournalUnavailable.
        """
        return self._store.find(send_id)


def make_sending(engine: Engine, settings: Settings, file_url: FileUrl = refuse_files) -> Sending:
    """Return what sends messages from a journal, through Twilio's API; ``file_url`` makes links to local files."""
    from ..journal import SendStore  # not at the top: handlers import this package, and need no database
    from ..receiver import SendUrls

    store = SendStore(engine, settings.retention_days, learn=_learn)
    return Sending(
        store,
        settings,
        TwilioApi(settings),
        status_url=SendUrls(settings.secret_keys, settings.status_path).url,
        refusal_of=partial(_refusal_of, settings),
        file_url=file_url,
    )


def _refusal_of(settings: Settings, execute: Transaction, row: SendRow, now: float) -> Ending | None:
    """Return why a message must not leave; None if it may."""
    from ..consent import refusal_of
    from ..journal import Ending

    refusal = refusal_of(execute, settings, _leaving(row), now=now)
    return None if refusal is None else Ending("refused", refusal.reason, refusal.code)


def _learn(execute: Transaction, row: SendRow, ending: Ending, now: float) -> None:
    """Remember what an error of the API says about a contact."""
    from ..consent import learn_from_error

    learn_from_error(execute, ending.error_code, _leaving(row), now=now)


def _leaving(row: SendRow) -> Leaving:
    """Return what decides whether a message may leave."""
    from ..consent import Leaving

    return Leaving(
        contact=row.contact,
        sender=row.number,
        segments=row.segments,
        is_template=bool(row.template),
        is_counted=row.attempts > 0,
    )
