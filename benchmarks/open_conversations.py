"""How long the turn of a message takes among 100,000 open conversations, against an empty store.

    python -m benchmarks.open_conversations [--open 100000] [--rounds 20] [--postgres]

Both stores take turns in each round. A claim is the look whether a dialog is open, the ticket and the state; an answer
is the commit that stores the state and the dialog, and ends the turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks.postgres import new_database, postgres_server
from benchmarks.signed_requests import CREDENTIALS
from twiml_app.config import Settings
from twiml_app.journal import ConversationRow, ConversationStore, Engine, open_engine
from twiml_app.journal.conversation_rows import save_conversation

NUMBER = "+15005550006"
#: How many messages each store gets in a round, and how many rows one transaction fills.
_MESSAGES, _BATCH = 50, 2000
#: An open dialog, as large as one with a few answers.
_DIALOG = json.dumps({"name": "signup", "version": 1, "log": ["x" * 200] * 4})


class Store:
    """A journal with so many open conversations."""

    def __init__(self, url: str, count: int) -> None:
        settings = Settings.read({"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_DATABASE_URL": url})
        engine = open_engine(settings, Path.cwd())
        assert engine is not None
        self._engine: Engine = engine
        self._store = ConversationStore(engine)
        self._next = 0
        self.claims: list[float] = []
        self.answers: list[float] = []
        for start in range(0, count, _BATCH):
            self._fill(range(start, min(start + _BATCH, count)))

    def _fill(self, numbers: range) -> None:
        rows = [_row(f"+1500{number:07}") for number in numbers]

        def write(execute: object) -> None:
            for row in rows:
                save_conversation(execute, row, hands_off=False, now=0.0)  # type: ignore[arg-type]

        self._engine.run(write, durable=False, wait_s=60)

    def talk(self) -> None:
        """Answer some messages, each of another person, and note how long that took."""
        for _ in range(_MESSAGES):
            self._next += 1
            contact = f"+1500{self._next * 7919 % 10**5:07}"
            began = time.perf_counter()
            self._store.is_busy(contact, NUMBER, wait_s=10)
            drawn = self._store.draw(contact, NUMBER, wait_s=10)
            claimed = time.perf_counter()
            assert drawn
            ticket, row = drawn.ticket, _row(contact)
            self._engine.run(lambda execute, ticket=ticket, row=row: self._store.end(execute, ticket, row))  # type: ignore[misc]
            self._store.forget(ticket)
            self.claims.append((claimed - began) * 1000)
            self.answers.append((time.perf_counter() - claimed) * 1000)

    def close(self) -> None:
        """Close the connections."""
        self._engine.close()


def _row(contact: str) -> ConversationRow:
    until = time.time() + 86400
    return ConversationRow(
        contact=contact, sender=NUMBER, state='{"size": "large"}', expires_at=until, dialog=_DIALOG, dialog_until=until
    )


def compare(urls: Sequence[str], count: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the median milliseconds of a claim and of an answer: in an empty store, and among open conversations."""
    stores = [Store(urls[0], 0), Store(urls[1], count)]
    for _ in range(rounds):
        for store in stores:
            store.talk()
    for store in stores:
        store.close()
    empty, full = stores
    return {
        "claim": (statistics.median(empty.claims), statistics.median(full.claims)),
        "answer": (statistics.median(empty.answers), statistics.median(full.answers)),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--postgres", action="store_true", help="Measure PostgreSQL instead of SQLite.")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with postgres_server(folder / "postgres") if given.postgres else nullcontext("") as url:
            urls = [new_database(url) if url else f"sqlite:///{folder}/{each}.db" for each in ("empty", "full")]
            for step, (empty, full) in compare(urls, given.open, given.rounds).items():
                times = f"{full / empty:.2f} x ({full:.3f} against {empty:.3f} ms)"
                print(f"{step} among {given.open} open conversations: {times}")


if __name__ == "__main__":
    main()
