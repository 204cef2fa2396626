"""Dialogs through a rolling deployment, and through ``kill -9`` of the workers that answer.

    python -m benchmarks.dialogs [--people 1000] [--kills 60] [--only deployment] [--only kills]

People answer the questions of a dialog. During the deployment, workers of two releases run on one PostgreSQL: the old
one lacks the new version of the dialog. Then workers are killed at random, between and during questions, and requests
without an answer are repeated as Twilio does. What each person saw is compared with an undisturbed conversation. It
prints the figures, and ends with 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.kill import CREDENTIALS, ROOT, wait_until_served, workers_of
from benchmarks.killed_project import TOKEN, free_port
from benchmarks.postgres import new_database, postgres_server
from twiml_app.caller import ACCOUNT_SID, NUMBER, Caller, HttpTransport, Webhook, inbound_form, random_sid
from twiml_app.config import Settings
from twiml_app.errors import CallError
from twiml_app.journal import Engine, SendArchive, open_engine
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import Form

#: How many people talk at the same time, and how long one waits for a text, in seconds.
AT_ONCE, LIMIT_S = 16, 180.0
ANSWERS = ("large", "funghi", "Main Street")
_POLL_S = 0.05

#: Each release has its own version, and the second one keeps the first.
_RELEASES = '''
import os
from twiml_app import Dialog, InboundMessage, Router, step

router = Router()
RUNS = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def bake(contact: str, size: str, *, idempotency_key: str = "") -> str:
    """Write a mark that survives a kill."""
    os.write(RUNS, f"{contact} {idempotency_key}\\n".encode())
    return size.upper()


def register(version: int, pattern: str | None) -> None:
    """Register a version of the dialog."""

    @router.dialog(pattern, name="pizza", version=version)
    def pizza(message: InboundMessage) -> Dialog:
        size = yield f"{version}: Size?"
        kind = yield f"{version}: Pizza?"
        baked = yield from step(bake, message.contact, size)
        street = yield f"{version}: Street?"
        return f"{version}: {baked} {kind} to {street}"


VERSIONS = os.environ["VERSIONS"].split()
for each in VERSIONS:
    register(int(each), "pizza" if each == VERSIONS[-1] else None)
routers = [router]
'''


def undisturbed(version: int) -> list[str]:
    """Return the texts of an undisturbed conversation."""
    return [*(f"{version}: {each}?" for each in ("Size", "Pizza", "Street")), f"{version}: LARGE funghi to Main Street"]


@dataclass
class Figures:
    """What happened to all people."""

    name: str
    people: int = 0
    requests: int = 0
    server_errors: int = 0
    #: Replies that were sent because their message was answered later.
    later: int = 0
    kills: int = 0
    #: What people saw that differs from an undisturbed conversation.
    wrong: list[list[str]] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """Yield a table."""
        yield f"\n{self.name}: {self.people} people, {self.requests} requests, {self.kills} workers killed"
        yield f"{self.later:9} replies sent later, {self.seconds:.0f} s in all"
        yield f"{self.server_errors:9} server errors"
        yield f"{len(self.wrong):9} conversations that differ from an undisturbed one {self.wrong[:3] or ''}"


class Release:
    """A gunicorn that serves some versions of the dialog."""

    def __init__(self, folder: Path, settings: dict[str, str], versions: str, workers: int) -> None:
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        bind = ["--bind", self.address, "--workers", str(workers), "--log-level", "critical"]
        command = [sys.executable, "-m", "gunicorn", "wsgi:app", "-c", str(ROOT / "gunicorn.conf.py"), *bind]
        environment = os.environ | settings | {"VERSIONS": versions}
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
        wait_until_served(self._process, self._port)

    def kill_one(self, dice: random.Random) -> bool:
        """Kill one worker, if there is any."""
        victims = workers_of(self._process.pid)
        if victims:
            os.kill(dice.choice(victims), signal.SIGKILL)
        return bool(victims)

    def stop(self) -> None:
        """Let requests and work end."""
        self._process.terminate()
        self._process.wait(60)


class Town:
    """The people, and the servers that they reach."""

    def __init__(self, engine: Engine, figures: Figures, *, repeats: bool) -> None:
        self.servers: list[Release] = []
        self.figures = figures
        self._sends = SendArchive(engine)
        self._repeats = repeats
        self._counting = threading.Lock()

    def say(self, person: Person, body: str) -> None:
        """Send a text of a person, and wait for the next text to them."""
        form = inbound_form(
            body, from_=person.contact, to=NUMBER, message_sid=random_sid("SM"), account_sid=ACCOUNT_SID
        )
        ends_at = time.monotonic() + LIMIT_S
        status, texts = self.post(form)
        while status != 200 and self._repeats and time.monotonic() < ends_at:
            time.sleep(_POLL_S)
            status, texts = self.post(form)
        while not texts and status == 200 and time.monotonic() < ends_at:
            time.sleep(_POLL_S)
            texts = self.sent_to(person.contact)[person.sent_later :]
            person.sent_later += len(texts)
        person.seen += texts or [f"nothing ({status})"]

    def sent_to(self, contact: str) -> list[str]:
        """Return the texts that were sent later, oldest first."""
        return [row.body for row in self._sends.all_to(contact)]

    def post(self, form: Form) -> tuple[int, list[str]]:
        """Call one of the servers; the status is 0 if the connection breaks."""
        url = f"http://{CREDENTIALS}@{random.choice(self.servers).address}/message"
        try:
            response = Caller(HttpTransport(), token=TOKEN).call(Webhook(url=url), form).response
            status, body = response.status, response.body
        except CallError as error:
            status, body = error.status, b""
        with self._counting:
            self.figures.requests += 1
            self.figures.server_errors += status >= 500
        return status, [each.text for each in MessagingResponse.parse(body).messages] if status == 200 else []

    def all_say(self, people: Sequence[Person], *bodies: str) -> None:
        """Let people send texts, some of them at the same time."""

        def say(person: Person) -> None:
            for body in bodies:
                self.say(person, body)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(say, people):
                pass

    def check(self, people: Sequence[Person], *versions: int) -> None:
        """Compare what people saw with conversations that nothing disturbed."""
        self.figures.people = len(people)
        self.figures.later = sum(person.sent_later for person in people)
        expected = [undisturbed(version) for version in versions]
        self.figures.wrong = [person.seen for person in people if person.seen not in expected]


def text_of(contact: str, body: str) -> Form:
    """Return a text as Twilio delivers it."""
    return inbound_form(body, from_=contact, to=NUMBER, message_sid=random_sid("SM"), account_sid=ACCOUNT_SID)


@dataclass
class Person:
    """Somebody who orders a pizza."""

    contact: str
    seen: list[str] = field(default_factory=list)
    sent_later: int = 0


def people_of(count: int) -> list[Person]:
    """Return some people."""
    return [Person(f"+1500{number:07}") for number in range(count)]


@contextmanager
def town(
    url: str, folder: Path, figures: Figures, *, repeats: bool, handlers: str = _RELEASES
) -> Iterator[tuple[Town, dict[str, str]]]:
    """Yield the people, and the settings of the servers; servers that are left are stopped."""
    (folder / "dialog_handlers.py").write_text(handlers)
    (folder / "wsgi.py").write_text("from twiml_app.app import create_app\napp = create_app()\n")
    settings = {
        "TWIML_CREDENTIALS": CREDENTIALS,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWIML_DATABASE_URL": url,
        "TWIML_API_URL": "http://127.0.0.1:9",  # what is stored to be sent is read from the journal
        "TWIML_HANDLERS": "dialog_handlers",
        "TWIML_LOOP_LIMIT": "1000000",
        "TWIML_EARLY_ANSWER_S": "0",
        "PYTHONPATH": str(ROOT),
        "RUNS": str(folder / "runs"),
    }
    engine = open_engine(Settings.read({"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_DATABASE_URL": url}), folder)
    assert engine is not None
    made, began = Town(engine, figures, repeats=repeats), time.monotonic()
    try:
        yield made, settings
    finally:
        figures.seconds = time.monotonic() - began
        for server in made.servers:
            server.stop()
        engine.close()


def deploy(url: str, folder: Path, count: int) -> Figures:
    """Talk while workers of the old release are replaced, and return the figures."""
    figures, everybody = Figures("a rolling deployment"), people_of(count)
    before, meanwhile = everybody[::2], everybody[1::2]
    with town(url, folder, figures, repeats=False) as (people, settings):
        old = Release(folder, settings, "1", workers=1)
        people.servers = [old]
        people.all_say(before, "pizza", ANSWERS[0])
        new = Release(folder, settings, "1 2", workers=1)
        people.servers = [old, new]
        people.all_say(meanwhile, "pizza", ANSWERS[0])
        people.all_say(everybody, ANSWERS[1])
        people.servers = [new]
        old.stop()
        people.all_say(everybody, ANSWERS[2])
        people.check(everybody, 1, 2)
    return figures


def kill(url: str, folder: Path, kills: int, seed: int = 0) -> Figures:
    """Talk while workers are killed at random, until there were so many kills, and return the figures."""
    figures, dice, everybody = Figures("kill -9"), random.Random(seed), list[Person]()
    with town(url, folder, figures, repeats=True) as (people, settings):
        server = Release(folder, settings, "1", workers=3)
        people.servers, stopping = [server], threading.Event()

        def kill_workers() -> None:
            while figures.kills < kills and not stopping.wait(dice.uniform(0.05, 0.4)):
                figures.kills += server.kill_one(dice)

        killer = threading.Thread(target=kill_workers)
        killer.start()
        while killer.is_alive():
            some = [Person(f"+1500{len(everybody) + number:07}") for number in range(AT_ONCE)]
            people.all_say(some, "pizza", *ANSWERS)
            everybody += some
        killer.join()
        people.check(everybody, 1)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both measurements, print their figures, and return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--only", choices=["deployment", "kills"])
    given, found = parser.parse_args(arguments), list[Figures]()
    with tempfile.TemporaryDirectory() as name, postgres_server(Path(name, "postgres")) as url:
        for each in ("deployment", "kills"):
            folder = Path(name, each)
            folder.mkdir()
            if given.only in (None, each):
                run, count = (deploy, given.people) if each == "deployment" else (kill, given.kills)
                found.append(run(new_database(url), folder, count))
                print("\n".join(found[-1].lines()), flush=True)
    is_broken = [each.wrong or (each.name != "kill -9" and each.server_errors) for each in found]
    return 1 if any(is_broken) else 0


if __name__ == "__main__":
    sys.exit(main())
