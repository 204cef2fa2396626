"""The messages that the program sends first, in the journal: every step of a message as a transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import JournalUnavailable
from . import send_claims, send_rows
from .engine import Engine
from .received_events import DAY_S
from .send_claims import Claiming, Due
from .send_rows import Ending, SendRow
from .stores import Execute, Operation, T

#: How long a step may wait for the journal, in seconds.
_WAIT_S = 10.0
#: How many claims without a result are remembered.
_MAX_ORPHANS = 100


#: Remembers, in the same transaction, what the end of an attempt says about a contact.
Learn = Callable[[Execute, SendRow, Ending, float], object]


class SendStore:
    """Stores messages and their attempts; ``retention_days`` is how long one is kept after its end.

    Raises: JournalUnavailable, from every method that takes no ``execute``.
    """

    def __init__(self, engine: Engine, retention_days: int, *, learn: Learn = lambda *_: None) -> None:
        self._engine = engine
        self._kept_s = retention_days * DAY_S
        self._learn = learn
        self._orphans: list[str] = []

    def insert(self, execute: Execute, columns: Mapping[str, Any]) -> str:
        """Store a message in a transaction, and return its id; that of the earlier one, if its key is known."""
        return send_rows.insert_send(execute, columns)

    def cancel(self, execute: Execute, key: str, now: float) -> bool:
        """Withdraw the message with a key in a transaction, and return whether it was still waiting."""
        return send_rows.cancel_send(execute, key, now, now + self._kept_s)

    def find(self, send_id: str) -> SendRow | None:
        """Return a message by its id."""
        return self._engine.read(lambda execute: send_rows.find_send(execute, send_id))

    def what_is_due(self, now: float) -> Due:
        """Return what there is to do; no writer waits for this."""
        return self._engine.read(lambda execute: send_claims.what_is_due(execute, now))

    def tidy(self, now: float) -> int:
        """End what has expired, and what lost its process; return the number of the latter."""
        return self._run(lambda execute: send_claims.tidy(execute, now, self._kept_s))

    def claim(
        self,
        now: float,
        pace_of: Callable[[str], float],
        refusal_of: Callable[[Execute, SendRow, float], Ending | None],
        only: str = "",
    ) -> SendRow | float:
        """Claim the message that leaves next, or return in how many seconds to ask again."""
        owner, orphans = secrets.token_hex(8), list(self._orphans)
        wanted = Claiming(now, owner, pace_of, refusal_of, self._kept_s, only)

        def claim(execute: Execute) -> SendRow | float:
            send_claims.release(execute, orphans, now)
            return send_claims.claim_send(execute, wanted)

        try:
            claimed = self._run(claim)
        except JournalUnavailable:
            self._orphans = [*self._orphans, owner][-_MAX_ORPHANS:]
            raise
        self._orphans = [each for each in self._orphans if each not in orphans]
        return claimed

    def accept(self, row: SendRow, message_sid: str, status: str, now: float) -> bool:
        """Store that Twilio has accepted a message; return whether it is the only one of this send."""
        return self._run(lambda execute: send_rows.accept(execute, row, message_sid, status, now, now + self._kept_s))

    def end(self, row: SendRow, ending: Ending, now: float) -> bool:
        """Store how an attempt ended without a message; False if there is one after all."""

        def write(execute: Execute) -> bool:
            self._learn(execute, row, ending, now)
            return send_rows.end_attempt(execute, row, ending, now, now + self._kept_s)

        return self._run(write)

    def put_back(self, row: SendRow, due_at: float, problem: str, now: float, *, blocks_sender: bool = False) -> bool:
        """Let a message wait for another attempt, and with ``blocks_sender`` all others of its sender too."""

        def write(execute: Execute) -> bool:
            if blocks_sender:
                send_claims.block_sender(execute, row.number, due_at)
            return send_rows.put_back(execute, row, due_at, problem, now)

        return self._run(write)

    def unknown(self, now: float) -> list[SendRow]:
        """Return messages of unknown outcome that are to be searched for."""
        return self._run(lambda execute: send_claims.unknown_rows(execute, now))

    def settle(self, row: SendRow, sids: Sequence[str], now: float) -> list[str]:
        """Store what a search has found, and return the messages that may be this one."""

        def write(execute: Execute) -> list[str]:
            left = send_claims.unclaimed(execute, row, sids)
            send_claims.settle_unknown(execute, row, left[0] if len(left) == 1 else "", _described(row, left), now)
            return left

        return self._run(write)

    def repeat(self, row: SendRow, now: float) -> bool:
        """Let a message of unknown outcome wait again."""
        return self._run(lambda execute: send_claims.repeat(execute, row, now))

    def _run(self, operation: Operation[T]) -> T:
        return self._engine.run(operation, wait_s=_WAIT_S)


def _described(row: SendRow, sids: Sequence[str]) -> str:
    """Return the reason of an attempt that ended as unknown, with what a search has found."""
    found = f"{len(sids)} messages at Twilio are like it" if len(sids) != 1 else f"probably {sids[0]}"
    return f"{row.problem}; {found if sids else 'no message at Twilio is like it'}"
