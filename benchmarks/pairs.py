"""Two quick messages of one conversation, 500 times on four workers, and how long 50 others wait meanwhile.

    python -m benchmarks.pairs [--pairs 500] [--postgres]

For comparison, as many messages are sent with every one in a conversation of its own. It prints the times of the
others in both cases, and ends with 1 if two messages of one conversation saw each other's half, or if one was lost.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.dialogs import LIMIT_S, Figures, Release, Town, text_of, town
from benchmarks.postgres import new_database, postgres_server

WORKERS, OTHERS, AT_ONCE = 4, 50, 8

_HANDLERS = '''
import time
from twiml_app import Conversation, InboundMessage, Router

router = Router()


@router.default
def remember(message: InboundMessage, conversation: Conversation) -> str:
    """Reply with all texts of the conversation."""
    texts = list(conversation.get("texts", []))[-1:]
    time.sleep(0.005)
    conversation["texts"] = [*texts, message.body]
    return " ".join(conversation["texts"])


routers = [router]
'''


@dataclass
class Load:
    """What happened to the others while many messages were sent, and which pairs were wrong."""

    milliseconds: list[float] = field(default_factory=list)
    wrong: list[list[str]] = field(default_factory=list)
    #: How many were answered later, as there were too many that waited.
    later: int = 0

    def line(self, name: str) -> str:
        """Return the times of the others."""
        ranked = sorted(self.milliseconds)
        p99 = ranked[int(len(ranked) * 0.99)]
        return f"{name}: {len(ranked)} messages of {OTHERS} others, median {self.median:.1f} ms, p99 {p99:.1f} ms"

    @property
    def median(self) -> float:
        """The median time of the others, in milliseconds."""
        return statistics.median(self.milliseconds)


def later(people: Town, contact: str, count: int) -> list[str]:
    """Wait for the replies that are sent later, because too many messages were waiting."""
    ends_at = time.monotonic() + LIMIT_S
    while len(sent := people.sent_to(contact) if count else []) < count and time.monotonic() < ends_at:
        time.sleep(0.05)
    return sent


def load(people: Town, pairs: int, start: int, *, together: bool) -> Load:
    """Send two texts at the same time, so many times, from one contact or else from two, while others text."""
    found, has_ended = Load(), threading.Event()

    def pair(number: int) -> None:
        contacts = [f"+1501{start + 2 * number + (0 if together else each):07}" for each in range(2)]
        with ThreadPoolExecutor(2) as two:
            forms = [text_of(contact, body) for contact, body in zip(contacts, ("one", "two"), strict=True)]
            texts = [text for _, replies in two.map(people.post, forms) for text in replies]
        if together:
            sent = later(people, contacts[0], 2 - len(texts))
            found.later += len(sent)
            texts += sent
        answers = sorted(texts, key=len)
        if together and answers not in (["one", "one two"], ["two", "two one"]):
            found.wrong.append(answers)

    def text_again(number: int) -> None:
        while not has_ended.is_set():
            began = time.perf_counter()
            people.post(text_of(f"+1502{number:07}", "other"))
            found.milliseconds.append((time.perf_counter() - began) * 1000)
            has_ended.wait(1.0)

    with ThreadPoolExecutor(OTHERS) as others:
        for number in range(OTHERS):
            others.submit(text_again, number)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(pair, range(pairs)))
        has_ended.set()
    return found


def measure(url: str, folder: Path, pairs: int) -> tuple[Load, Load]:
    """Return what happened while messages were sent in conversations of their own, and in pairs."""
    with town(url, folder, Figures("pairs"), repeats=False, handlers=_HANDLERS) as (people, settings):
        people.servers = [Release(folder, settings, "", workers=WORKERS)]
        load(people, AT_ONCE, 9_000_000, together=False)
        apart = load(people, pairs, 0, together=False)
        return apart, load(people, pairs, 2_000_000, together=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the times, and return 1 if a pair was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--postgres", action="store_true", help="Measure PostgreSQL instead of SQLite.")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with postgres_server(folder / "postgres") if given.postgres else nullcontext("") as url:
            database = new_database(url) if url else f"sqlite:///{folder}/twiml.db"
            apart, together = measure(database, folder, given.pairs)
    print(apart.line("conversations of their own"))
    print(together.line("two messages of each conversation"))
    print(f"the others: {together.median / apart.median:.2f} x; {together.later} messages were answered later")
    print(f"wrong pairs: {len(together.wrong)} of {given.pairs} {together.wrong[:3] or ''}")
    return 1 if together.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
