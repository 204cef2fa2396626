"""Two machines share a journal in PostgreSQL: work, schedules and sends behave as on one."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.postgres_server import new_schema
from tests.sending.bot import ACCOUNT, SETTINGS, TOKEN
from tests.servers import LIMIT_S, ROOT, clean_environment
from tests.webhook_requests import BASIC, read_settings
from tests.work.machine import SCHEDULES
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.journal import Engine, Pause, SendArchive, WorkArchive, WorkFilter, open_engine

pytestmark = pytest.mark.slow

TEXTS = 30


@dataclass(frozen=True)
class Place:
    """Where a machine runs: the command that puts it there, and the host of the emulator as seen from there."""

    command: tuple[str, ...]
    emulator_host: str


@contextmanager
def network_namespace(index: int) -> Iterator[Place]:
    """Yield a place with a network and process ids of its own.

    Raises: OSError or subprocess.CalledProcessError, where this is not allowed.
    """
    name = f"twiml-{secrets.token_hex(3)}"
    subnet = f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 1}.{4 * index}"
    ours, theirs = (subnet.rpartition(".")[0] + f".{4 * index + host}" for host in (1, 2))

    def ip(line: str) -> None:
        subprocess.run(["ip", *line.split()], check=True, capture_output=True)

    with ExitStack() as cleaning:
        ip(f"netns add {name}")
        cleaning.callback(ip, f"netns del {name}")
        ip(f"link add {name} type veth peer name eth0 netns {name}")
        cleaning.callback(ip, f"link del {name}")
        ip(f"addr add {ours}/30 dev {name}")
        ip(f"link set {name} up")
        ip(f"-n {name} addr add {theirs}/30 dev eth0")
        ip(f"-n {name} link set eth0 up")
        command = f"ip netns exec {name} unshare --pid --fork --kill-child"
        subprocess.run([*command.split(), "true"], check=True, capture_output=True)
        yield Place(tuple(command.split()), ours)


@pytest.fixture(params=["folders", "namespaces"])
def places(request: pytest.FixtureRequest) -> Iterator[list[Place]]:
    """Two places: two folders of this machine, or two namespaces, which share nothing but the files."""
    if request.param == "folders":
        yield [Place((), "127.0.0.1")] * 2
        return
    if urlsplit(request.getfixturevalue("postgres_url")).hostname:
        pytest.skip("PostgreSQL is not reached by a file, and a namespace has a loopback interface of its own")
    with ExitStack() as namespaces:
        try:
            found = [namespaces.enter_context(network_namespace(index)) for index in range(2)]
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"this machine allows no network namespaces: {error}")
        yield found


class Machine:
    """A running machine."""

    def __init__(self, place: Place, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        source = f"from tests.work.machine import main; main({settings!r})"
        with (folder / "errors").open("w") as errors:
            self.process = subprocess.Popen(
                [*place.command, sys.executable, "-c", source],
                cwd=folder,
                env=clean_environment(PYTHONPATH=str(ROOT)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def tell(self, *lines: str) -> None:
        """Give it lines of input."""
        assert self.process.stdin
        self.process.stdin.writelines(f"{line}\n" for line in lines)
        self.process.stdin.flush()

    def wait_until_ready(self) -> None:
        """Wait until it can be texted."""
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n", (self.folder / "errors").read_text()

    def ran(self) -> list[str]:
        """Return what ran on it."""
        file = self.folder / "ran"
        return file.read_text().splitlines() if file.exists() else []


@dataclass(frozen=True)
class Cluster:
    """Two machines, their journal, and the emulator that both send to."""

    machines: tuple[Machine, Machine]
    engine: Engine
    twilio: Emulator

    def texts(self) -> list[str]:
        """Return the texts that were sent."""
        return [message.body for message in self.twilio.outbox]

    def unfinished(self) -> int:
        """Return how much work is not done."""
        return sum(row.state != "done" for row in WorkArchive(self.engine).latest(WorkFilter(), 1000))


@pytest.fixture
def cluster(places: list[Place], postgres_url: str, tmp_path: Path) -> Iterator[Cluster]:
    """Two machines that are ready."""
    url = new_schema(postgres_url)
    engine = open_engine(read_settings(BASIC, TWIML_DATABASE_URL=url), tmp_path)
    assert engine
    options = EmulatorOptions(host="0.0.0.0", account_sid=ACCOUNT, auth_token=TOKEN, clock="real")
    with Emulator(options) as twilio, ExitStack() as machines:
        started = []
        for number, place in enumerate(places):
            folder = tmp_path / f"machine {number}"
            folder.mkdir()
            api = f"http://{place.emulator_host}:{twilio.port}"
            settings = SETTINGS | {"TWIML_DATABASE_URL": url, "TWIML_API_URL": api, "TWIML_PUBLIC_URL": ""}
            machine = Machine(place, folder, settings)
            machines.enter_context(machine.process)
            machines.callback(machine.process.kill)
            started.append(machine)
        for machine in started:
            machine.wait_until_ready()
        yield Cluster((started[0], started[1]), engine, twilio)
    engine.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_machines_behave_as_one(cluster: Cluster) -> None:
    """Both get every text: all work runs once, somewhere; an occurrence runs once, and a key is sent once."""
    for machine in cluster.machines:
        machine.tell("go", *map(str, range(TEXTS)))
    wait_for(lambda: sum(len(machine.ran()) for machine in cluster.machines) >= SCHEDULES + 2 * TEXTS)
    wait_for(lambda: len(cluster.texts()) >= TEXTS)
    wait_for(lambda: not cluster.unfinished())
    SendArchive(cluster.engine).pause(Pause("all", ""))
    time.sleep(0.5)  # what is leaving
    for machine in cluster.machines:
        machine.tell("while paused")
    wait_for(lambda: sum("while paused" in line for machine in cluster.machines for line in machine.ran()) == 2)
    paused = cluster.texts()
    SendArchive(cluster.engine).resume(Pause("all", ""))
    wait_for(lambda: len(cluster.texts()) > TEXTS)
    for machine in cluster.machines:
        machine.process.communicate(timeout=LIMIT_S)

    assert all(machine.ran() for machine in cluster.machines)
    ran = [line for machine in cluster.machines for line in machine.ran()]
    expected = Counter({f"work {number}": 2 for number in [*range(TEXTS), "while paused"]})
    assert Counter(line for line in ran if line.startswith("work")) == expected
    occurrences = Counter(line for line in ran if not line.startswith("work"))
    assert len(occurrences) >= SCHEDULES  # one more if the time of one came meanwhile
    assert set(occurrences.values()) == {1}
    assert Counter(paused) == Counter(f"text {number}" for number in range(TEXTS))
    assert Counter(cluster.texts()) == Counter([*paused, "text while paused"])
