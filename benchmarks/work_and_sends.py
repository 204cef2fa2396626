"""kill -9 of processes that run work and send messages, and the stop button meanwhile.

    python -m benchmarks.work_and_sends [--kills 60] [--messages 10000] [--only kills] [--only pause]

Workers of gunicorn and of ``twiml-app worker`` are killed at random while clients send texts, whose handlers ask for
work and for messages; the messages go to the emulator. Then 10,000 messages leave, workers are killed, and everything
is paused. It prints a table, and ends with 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.kill import Tally, talk
from benchmarks.killed_project import SHORT_CODE, TOKEN, Project, running, settings_of
from benchmarks.postgres import new_database, postgres_server
from twiml_app.app import build_app, state_of
from twiml_app.config import Settings
from twiml_app.emulator import Emulator
from twiml_app.journal import Engine, SendArchive, SendFilter, SendRow, WorkArchive, WorkFilter, open_engine
from twiml_app.routing import Router
from twiml_app.sending import send

CLIENTS = 2
#: Segments per second while processes are killed; with the pause, it is the default of a short code.
FAST, PACE = 400, 100
#: How far messages that are no replies may be ahead of their pace, in seconds.
WINDOW_S = 2
#: How long everything may take to come to its end: a lease of 60 s, a search, and work that waits for another attempt.
SETTLE_S = 420.0
#: For how long it is watched whether something leaves in spite of a pause.
WATCHED_S = 15.0
_MOST = 1_000_000
_UNFINISHED = (
    "SELECT (SELECT count(*) FROM work WHERE state IN ('waiting', 'running')),"
    " (SELECT count(*) FROM sends WHERE state IN ('waiting', 'leaving') OR (state = 'unknown' AND due_at < 1e11))"
)


@dataclass
class Figures:
    """What happened, and which promises were broken."""

    name: str
    kills: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield the rows of a table."""
        yield f"\n{self.name}: {self.kills} processes killed"
        yield from (f"  {count:7} {name}" for name, count in self.counts.items())
        yield from (f"  {count:7} {name}{' - BROKEN' if count else ''}" for name, count in self.broken.items())


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Engine]:
    """Open a journal."""
    engine = open_engine(Settings.read(settings_of(url, "http://127.0.0.1:1", PACE)), folder)
    assert engine is not None
    try:
        yield engine
    finally:
        engine.close()


def note(text: str) -> None:
    """Show how far it is."""
    print(text, file=sys.stderr, flush=True)


def settle(engine: Engine, name: str) -> int:
    """Wait until everything has come to its end, and return how much has not."""
    deadline, shown_at = time.monotonic() + SETTLE_S, 0.0
    while time.monotonic() < deadline:
        work, sends = engine.read(lambda execute: execute(_UNFINISHED))[0]
        if not work and not sends:
            return 0
        if time.monotonic() > shown_at + 10:
            shown_at = time.monotonic()
            note(f"{name}: {work} pieces of work and {sends} messages are left")
        time.sleep(1)
    return int(work + sends)


def kills_under_load(name: str, url: str, folder: Path, kills: int) -> Figures:
    """Kill processes while texts are answered, and judge what became of the work and the messages."""
    tally, stop, figures = Tally(), threading.Event(), Figures(f"{name}, under load")
    with running(url, folder, web=True, pace=FAST) as (project, twilio), opened(url, folder) as engine:
        clients = [
            threading.Thread(target=talk, args=(project.message_url, tally, stop, n), kwargs={"token": TOKEN})
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        kill(project, tally, kills, name)
        stop.set()
        for client in clients:
            client.join()
        figures.broken["not finished in time"] = settle(engine, name)
        figures.kills = project.kills
        judge_work(figures, engine, tally, folder / "runs")
        answered = [sid for sid, seen in tally.answers.items() if seen]
        judge_sends(figures, engine, twilio, {f"{word} {sid}" for sid in answered for word in ("text", "done")})
    return figures


def kill(project: Project, tally: Tally, kills: int, name: str) -> None:
    """Kill processes, but only after more texts were answered: otherwise the new ones are still starting."""
    answered = 0
    while project.kills < kills:
        project.pause_between_kills()
        if len(tally.answers) <= answered:
            continue
        answered = len(tally.answers)
        project.kill_one()
        if project.kills % 10 == 0:
            note(f"{name}: {project.kills} of {kills} processes killed, {answered} texts answered")


def judge_work(figures: Figures, engine: Engine, tally: Tally, runs: Path) -> None:
    """Compare the work that was asked for with the marks of what ran."""
    rows = WorkArchive(engine).latest(WorkFilter(), _MOST)
    marks = Counter(line.split()[0] for line in runs.read_text().splitlines())
    accepted = {sid for sid, seen in tally.answers.items() if seen}
    killed = sum(each.outcome == "killed" for row in rows for each in row.attempts)
    repeated = sum(marks.values()) - len(marks)
    figures.counts |= {
        "texts answered": len(accepted),
        "pieces of work": len(rows),
        "runs that were killed": killed,
        "runs that were repeated": repeated,
    }
    figures.broken |= {
        "pieces of work lost": len(accepted - {row.origin for row in rows}) + len(accepted - marks.keys()),
        "pieces of work not done": sum(row.state != "done" for row in rows),
        "pieces of work repeated without a reason": max(0, repeated - killed),
    }


def judge_sends(figures: Figures, engine: Engine, twilio: Emulator, expected: set[str]) -> None:
    """Compare the messages that were asked for with those that the emulator has accepted."""
    rows = SendArchive(engine).latest(SendFilter(), _MOST)
    arrived = Counter(message.body for message in twilio.outbox)
    states = Counter(row.state for row in rows)
    figures.counts |= {"messages": len(rows), "messages that arrived": len(arrived)}
    figures.counts["messages reported as unknown"] = states["unknown"]
    figures.counts["of these, found at Twilio and reported as probable"] = sum(bool(row.probable_sid) for row in rows)
    figures.broken |= {
        "messages lost": len(expected - {row.body for row in rows}),
        "messages that arrived twice": sum(count > 1 for count in arrived.values()),
        "messages reported as they were not": sum(not is_reported_truly(row, arrived[row.body]) for row in rows),
    }


def is_reported_truly(row: SendRow, times: int) -> bool:
    """Return whether the state of a message says how often it arrived."""
    if row.state == "accepted":
        return times == 1 or (times == 2 and bool(row.other_sid))
    return row.state == "unknown" and times <= 1 and (times == 1) == bool(row.probable_sid)


def pause_while_sending(name: str, url: str, folder: Path, messages: int) -> Figures:
    """Pause everything while many messages leave and workers are killed, and count what still leaves."""
    figures = Figures(f"{name}, {messages} messages and a pause")
    ask_for_messages(url, folder, messages)
    with running(url, folder, web=False, pace=PACE) as (project, twilio), opened(url, folder) as engine:
        kill_until(project, twilio, messages // 10, name)
        project.command("sends", "pause", "--all")
        before, deadline = len(twilio.outbox), time.monotonic() + WATCHED_S
        while time.monotonic() < deadline:
            project.pause_between_kills()
            project.kill_one()
        after, figures.kills = len(twilio.outbox), project.kills
        project.command("sends", "resume", "--all")
        figures.broken["not finished in time"] = settle(engine, name)
        figures.counts |= {"arrived before the pause": before, "arrived while paused": after - before}
        figures.broken["more than one pacing window while paused"] = max(0, after - before - WINDOW_S * PACE)
        judge_sends(figures, engine, twilio, {f"campaign {n}" for n in range(messages)})
    return figures


def kill_until(project: Project, twilio: Emulator, messages: int, name: str) -> None:
    """Kill a process whenever more messages have arrived, until there are so many."""
    arrived, deadline = 0, time.monotonic() + SETTLE_S
    while arrived < messages and time.monotonic() < deadline:
        project.pause_between_kills()
        if (now := len(twilio.outbox)) > arrived:
            arrived = now
            project.kill_one()
            note(f"{name}: {project.kills} processes killed, {arrived} messages arrived")


def ask_for_messages(url: str, folder: Path, messages: int) -> None:
    """Store messages to leave."""
    note(f"asking for {messages} messages")
    app = build_app(settings_of(url, "http://127.0.0.1:1", PACE), folder, router=Router())
    with app.app_context():
        for n in range(messages):
            send(f"+1555{n:07}", f"campaign {n}", from_=SHORT_CODE)
    engine = state_of(app).engine
    assert engine is not None
    engine.close()


@contextmanager
def empty_journal(database: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty journal; PostgreSQL gets a server of its own.

    Raises: NotMeasured, if there is no PostgreSQL.
    """
    if database == "SQLite":
        yield f"sqlite:///{folder}/twiml.db"
        return
    with postgres_server(folder / "postgres") as url:
        yield new_database(url)


def main() -> None:
    """Run everything, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--only", choices=("kills", "pause"))
    parser.add_argument("--database", choices=("SQLite", "PostgreSQL"), help="default: one after the other")
    given = parser.parse_args()
    broken = 0
    for database in (given.database,) if given.database else ("SQLite", "PostgreSQL"):
        for part in (given.only,) if given.only else ("kills", "pause"):
            measure, size = MEASUREMENTS[part], given.kills if part == "kills" else given.messages
            with tempfile.TemporaryDirectory() as name, empty_journal(database, Path(name)) as url:
                figures = measure(database, url, Path(name), size)
            print(*figures.lines(), sep="\n", flush=True)
            broken += sum(figures.broken.values())
    sys.exit(1 if broken else 0)


MEASUREMENTS = {"kills": kills_under_load, "pause": pause_while_sending}


if __name__ == "__main__":
    main()
