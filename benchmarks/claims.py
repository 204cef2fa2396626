"""Claims messages in journals and stores their answers, in a process of its own, and prints how long each claim took.

python -m benchmarks.claims compare ROUNDS CLAIMS URL URL    # in turns, in two journals
python -m benchmarks.claims watch URL                        # until the input ends: when each began and ended
"""

from __future__ import annotations

import json
import random
import select
import sys
import time
from pathlib import Path

from benchmarks.journal_rows import CONTACTS
from benchmarks.signed_requests import CREDENTIALS, HOST, signed_headers
from twiml_app.caller.forms import inbound_form
from twiml_app.config import Settings
from twiml_app.events import parse_event
from twiml_app.journal import DurableJournal, open_engine
from twiml_app.receiver import Claim, Outcome
from twiml_app.receiver.responses import twiml_response
from twiml_app.webhook import WebhookRequest

_WAIT_S = 10.0
#: Between two claims that are watched: a busy worker, which does not saturate the disk.
_PAUSE_S = 0.001
_WARM_UP = 200
#: How often the journals take turns in a round.
_TURNS = 10


class Claimer:
    """Claims one message after another in a journal."""

    def __init__(self, url: str) -> None:
        settings = Settings.read({"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_DATABASE_URL": url})
        engine = open_engine(settings, Path.cwd())
        assert engine is not None
        self._journal = DurableJournal(engine, settings)

    def claim(self) -> tuple[float, float, float]:
        """Claim a new message and store its answer: return when it began, was claimed, and was stored."""
        form = inbound_form("order 2 coffee", from_=f"+1555{random.randrange(CONTACTS):07}")
        headers = {name.lower(): value for name, value in signed_headers(form).items()}
        body = form.encode().encode()
        request = WebhookRequest(
            endpoint="message", method="POST", scheme="http", host=HOST, target="/message", headers=headers, body=body
        )
        event = parse_event(form)
        began = time.monotonic()
        claim = self._journal.claim(request, event, wait_s=_WAIT_S)
        claimed = time.monotonic()
        assert isinstance(claim, Claim)
        outcome = Outcome(twiml_response(), "replied", "echo", digest=random.randbytes(8).hex())
        self._journal.finish(claim, outcome, wait_s=_WAIT_S)
        return began, claimed, time.monotonic()


def compare(rounds: int, claims: int, urls: list[str]) -> list[list[list[tuple[float, float]]]]:
    """Return for each journal and each round the milliseconds of each claim, and of its claim and answer together."""
    claimers = [Claimer(url) for url in urls]
    for claimer in claimers:
        _take(claimer, _WARM_UP)
    found: list[list[list[tuple[float, float]]]] = [[] for _ in claimers]
    for _ in range(rounds):
        for times in found:
            times.append([])
        for _ in range(_TURNS):
            for times, claimer in zip(found, claimers, strict=True):
                times[-1] += _take(claimer, claims // _TURNS)
    return found


def _take(claimer: Claimer, count: int) -> list[tuple[float, float]]:
    times = [claimer.claim() for _ in range(count)]
    return [((claimed - began) * 1000, (ended - began) * 1000) for began, claimed, ended in times]


def watch(url: str) -> list[tuple[float, float, float]]:
    """Claim until the input ends, and return the times of each claim."""
    claimer = Claimer(url)
    for _ in range(_WARM_UP):
        claimer.claim()
    print("ready", flush=True)
    times = []
    while not select.select([sys.stdin], [], [], _PAUSE_S)[0]:
        times.append(claimer.claim())
    return times


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    print(json.dumps(watch(rest[0]) if kind == "watch" else compare(int(rest[0]), int(rest[1]), rest[2:])))
