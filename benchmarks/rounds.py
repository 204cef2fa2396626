"""Loads several contestants in turn, so that a change in the speed of the machine affects all of them alike."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers import check_answers
from benchmarks.contestants import Contestant
from benchmarks.machine import cpu_s, memory_mb
from benchmarks.plan import NotMeasured, Plan, progress
from benchmarks.rows import Served
from benchmarks.servers import Server, free_port, started
from benchmarks.signed_requests import write_requests
from benchmarks.wrk import Load, RequestFile, run_wrk

#: More than the fastest contestant with a journal answers; the others may get the same requests again.
_REQUESTS_PER_S = 8000


@dataclass(frozen=True, slots=True)
class Round:
    """One contestant in one round."""

    load: Load
    cpu_us: float
    memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is sent to each contestant, and how its answers are checked before."""

    connections: int
    write: Callable[[Path, int], RequestFile] = write_requests
    check: Callable[[Contestant, int], None] = check_answers


#: The rounds of each contestant, by its name.
Rounds = Mapping[str, Sequence[Round]]


def measure_rounds(plan: Plan, traffic: Traffic, contestants: Sequence[Contestant], missing: dict[str, str]) -> Rounds:
    """Serve all contestants at once, and load one after another, the order reversed in every second round.

    A contestant that cannot be served, answers wrongly or fails goes to ``missing`` with the reason.
    """
    rounds: dict[str, list[Round]] = {}
    with ExitStack() as stack:
        servers = list(_serve(stack, plan, traffic, contestants, missing))
        _warm_up(plan, traffic, servers)
        for number in range(-plan.warm_up, plan.rounds):
            if plan.is_late(number):
                break
            progress(f"  round {number + 1} of {plan.rounds}" if number >= 0 else "  warming up")
            requests = traffic.write(plan.folder / "requests", _REQUESTS_PER_S * plan.seconds)
            for contestant, server in servers if number % 2 else reversed(servers):
                result = _load_unless_missing(plan, traffic, contestant, server, requests, missing)
                if result and number >= 0:
                    rounds.setdefault(contestant.name, []).append(result)
    return {name: each for name, each in rounds.items() if name not in missing}


def _warm_up(plan: Plan, traffic: Traffic, servers: Sequence[tuple[Contestant, Server]]) -> None:
    """Load the contestants that need more than the rounds to warm up; none of them keeps a journal."""
    slow = [(contestant, server) for contestant, server in servers if contestant.warm_up_s]
    for contestant, server in slow:
        requests = traffic.write(plan.folder / "requests", _REQUESTS_PER_S)
        seconds, connections = contestant.warm_up_s, traffic.connections
        run_wrk(server.port, requests, seconds=seconds, connections=connections, cores=plan.cores.load)


def _load_unless_missing(
    plan: Plan,
    traffic: Traffic,
    contestant: Contestant,
    server: Server,
    requests: RequestFile,
    missing: dict[str, str],
) -> Round | None:
    if contestant.name in missing:
        return None
    try:
        return _load(plan, contestant, server, requests, traffic.connections)
    except NotMeasured as error:
        progress(f"  {error}")
        missing[contestant.name] = str(error)
        return None


def _serve(
    stack: ExitStack, plan: Plan, traffic: Traffic, contestants: Sequence[Contestant], missing: dict[str, str]
) -> Iterator[tuple[Contestant, Server]]:
    for contestant in contestants:
        try:
            server = stack.enter_context(serve(plan, contestant))
            traffic.check(contestant, server.port)
        except NotMeasured as error:
            progress(f"  {error}")
            missing[contestant.name] = str(error)
        else:
            yield contestant, server


@contextmanager
def serve(plan: Plan, contestant: Contestant) -> Iterator[Server]:
    """Serve a contestant in a new folder.

    Raises: NotMeasured.
    """
    port = free_port()
    folder = Path(tempfile.mkdtemp(dir=plan.folder))
    command = contestant.command(port)
    with started(contestant.name, command, port, contestant.settings, folder, plan.cores.server) as server:
        yield server


def _load(plan: Plan, contestant: Contestant, server: Server, requests: RequestFile, connections: int) -> Round:
    """Load a contestant once.

    Raises: NotMeasured, if a request failed, or a journal may have seen one twice.
    """
    before = cpu_s(server.pid)
    load = run_wrk(server.port, requests, seconds=plan.seconds, connections=connections, cores=plan.cores.load)
    if load.refused or load.broken or not load.requests:
        problem = f"{load.requests} answers, {load.refused} refusals, {load.broken} broken connections"
        raise NotMeasured(f"{contestant.name}: {problem}")
    cpu_us = (cpu_s(server.pid) - before) / load.requests * 1e6
    if contestant.keeps_journal and load.requests + connections > requests.count:
        raise NotMeasured(f"{contestant.name}: {load.requests} answers to {requests.count} requests")
    return Round(load, cpu_us, memory_mb(server.pid))


def speeds(rounds: Rounds, name: str) -> list[float]:
    """Return the requests per second of a contestant in each round."""
    return [each.load.per_second for each in rounds[name]]


def summarize(rounds: Rounds, connections: int) -> list[Served]:
    """Return the medians of each contestant, the fastest first."""
    found = [_summary(name, each, connections) for name, each in rounds.items()]
    return sorted(found, key=lambda served: -served.per_second)


def _summary(name: str, rounds: Sequence[Round], connections: int) -> Served:
    per_second = [each.load.per_second for each in rounds]
    return Served(
        name=name,
        connections=connections,
        per_second=statistics.median(per_second),
        low=min(per_second),
        high=max(per_second),
        cpu_us=statistics.median(each.cpu_us for each in rounds),
        p50_ms=statistics.median(each.load.p50_ms for each in rounds),
        p99_ms=statistics.median(each.load.p99_ms for each in rounds),
        memory_mb=rounds[-1].memory_mb,
    )
