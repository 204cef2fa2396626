"""The work of one application: store pieces, claim those that are due, and run them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence

from ..enqueueing import Piece
from ..errors import NotYet
from ..journal import Engine, WorkRow, claim_work, insert_work, next_due_at
from ..pending import Effect, Transaction
from ..routing import Schedule
from .background import MOST_S, Background
from .keeper import LEASE_S, Keeper
from .runner import Runner, Surroundings

#: How long to wait if others claimed all that is due, in seconds.
_AGAIN_S = 0.05
#: How much work a test may run at once: work that enqueues itself again would never end.
MAX_IN_TESTS = 10_000


class Work:
    """Stores and runs the work of an application: ``app.extensions["twiml"].work``."""

    def __init__(
        self,
        engine: Engine,
        schedules: Sequence[Schedule],
        surroundings: Surroundings,
        background: Background,
        *,
        lease_s: float = LEASE_S,
    ) -> None:
        self._engine = engine
        self._schedules = schedules
        self._around = surroundings
        self._lease_s = lease_s
        self.background = background
        #: Lets the threads that run work look at once.
        self.wake = background.wake
        #: What this process is called in leases.
        self.owner = secrets.token_hex(8)
        self._runner = Runner(engine, surroundings)
        self._running: dict[int, WorkRow] = {}
        self._changing = threading.Lock()
        self.keeper = Keeper(
            engine, schedules, surroundings, running=self.running, wake=self.wake, owner=self.owner, lease_s=lease_s
        )
        background.add(self.keeper)
        background.add(self, pooled=True, is_needed=self.is_needed)

    def store(self, execute: Transaction, piece: Piece) -> None:
        """Store a piece of work in a transaction."""
        now = self._around.clock()
        row = WorkRow(
            key=piece.key,
            kind=piece.kind,
            function=piece.function,
            arguments=piece.arguments,
            contact=piece.about.contact,
            number=piece.about.number,
            origin=piece.about.origin,
            due_at=now + piece.delay_s if piece.at is None else piece.at,
            created_at=now,
        )
        insert_work(execute, row)

    def commit(self, effect: Effect) -> None:
        """Store an effect at once.

        Raises: JournalUnavailable.
        """
        self._engine.run(effect.write)
        effect.committed()

    def is_needed(self) -> bool:
        """Return whether there is anything to run, now or later.

        Raises: JournalUnavailable.
        """
        return bool(self._schedules) or self._engine.read(next_due_at) is not None

    def running(self) -> Sequence[WorkRow]:
        """Return the pieces that this process is running."""
        with self._changing:
            return [*self._running.values()]

    def run_due(self) -> float:
        """Run the piece that has been due for longest; return the seconds until the next one may be due.

        Raises: JournalUnavailable.
        """
        due_at, now = self._engine.read(next_due_at), self._around.clock()
        if due_at is None:
            return MOST_S
        if due_at > now:
            return min(due_at - now, MOST_S)
        row = self._claim(now)
        if row is None:
            return _AGAIN_S
        self._run(row)
        return 0.0

    def run_until(self, until: float, *, most: int = MAX_IN_TESTS) -> int:
        """Run all work that is due until a time, in this thread and now, as tests do; return how many times it was run.

        Raises: the exception of a function that failed in its last attempt; JournalUnavailable.
        """
        errors: dict[str, BaseException] = {}
        #: What could not run yet, since something else has run; twice is enough.
        too_early: set[str] = set()
        count = 0
        for _ in range(most):
            row = self._claim(until)
            if row is None:
                if errors:
                    raise next(iter(errors.values()))
                return count
            errors.pop(row.key, None)
            error = self._run(row, not_before=until + 1 if row.key in too_early else 0.0)
            if isinstance(error, NotYet):
                too_early.add(row.key)
                continue
            too_early.clear()
            count += 1
            if error:
                errors[row.key] = error
        raise RuntimeError(f"{most} pieces of work were run, and there is still more: does work repeat itself?")

    def _claim(self, due_until: float) -> WorkRow | None:
        now, skip_locked = self._around.clock(), self._engine.store.skip_locked
        return self._engine.run(
            lambda execute: claim_work(
                execute, due_until, now, self.owner, lease_s=self._lease_s, skip_locked=skip_locked
            ),
            durable=False,
        )

    def _run(self, row: WorkRow, *, not_before: float = 0.0) -> BaseException | None:
        with self._changing:
            self._running[row.id] = row
        try:
            return self._runner.run(row, not_before=not_before)
        finally:
            with self._changing:
                self._running.pop(row.id, None)
