"""The rows that are measured under load, on one pinned worker: requests per second, latency and memory."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.contestants import (
    DEFAULT,
    DJANGO,
    EXPRESS,
    FASTAPI,
    FLASK,
    GRANIAN_DEFAULT,
    GRANIAN_LIMIT,
    GRANIAN_OFF,
    JOURNAL,
    LIMIT,
    OFF,
    OURS,
    PROCESS,
    RIVALS,
    SHIPPED,
    Command,
    Contestant,
    gunicorn,
    ours,
    rival,
)
from benchmarks.plan import Plan
from benchmarks.report import Found
from benchmarks.rounds import Rounds, Traffic, measure_rounds, speeds, summarize
from benchmarks.rows import Measurement, ratios

_CONNECTIONS, _TAIL_CONNECTIONS = 4, 8
#: Which contestant is compared with which, by the key of the row.
_RATIOS = {
    "off-flask": (OFF, FLASK),
    "off-limit": (OFF, LIMIT),
    "off-express": (OFF, EXPRESS),
    "process-flask": (PROCESS, FLASK),
    "default-flask": (DEFAULT, FLASK),
    "default-limit": (DEFAULT, LIMIT),
    "limit-flask": (LIMIT, FLASK),
    "django-flask": (DJANGO, FLASK),
    "fastapi-flask": (FASTAPI, FLASK),
    "express-flask": (EXPRESS, FLASK),
    "granian-off": (GRANIAN_OFF, OFF),
    "granian-default": (GRANIAN_DEFAULT, DEFAULT),
}
_MEMORY = "memory"


def measure_served(plan: Plan, keys: frozenset[str]) -> Found:
    """Measure requests per second, CPU time and memory, with as many connections as threads."""
    missing: dict[str, str] = {}
    chosen = _contestants(keys)
    rounds = measure_rounds(plan, Traffic(connections=_CONNECTIONS), chosen, missing)
    return Found(list(_measurements(rounds, missing, keys)), summarize(rounds, _CONNECTIONS))


def _contestants(keys: frozenset[str]) -> list[Contestant]:
    """Return the contestants that the rows need, in the order in which they are listed."""
    pairs = [pair for key, pair in _RATIOS.items() if key in keys]
    pairs += [(DEFAULT, FLASK)] if _MEMORY in keys else []
    pairs += [(GRANIAN_LIMIT, LIMIT)] if any(GRANIAN_OFF in pair for pair in pairs) else []
    needed = [each for pair in pairs for each in pair]
    return list({each.name: each for each in needed}.values())


def _measurements(rounds: Rounds, missing: dict[str, str], keys: frozenset[str]) -> Iterator[Measurement]:
    for key, (this, that) in _RATIOS.items():
        if key not in keys:
            continue
        if absent := [missing[each.name] for each in (this, that) if each.name not in rounds]:
            yield Measurement(key, (), absent[0])
        else:
            yield Measurement(
                key, ratios(speeds(rounds, this.name), speeds(rounds, that.name)), _cpu(rounds, this, that)
            )
    if _MEMORY in keys and {DEFAULT.name, FLASK.name} <= rounds.keys():
        memory = [[each.memory_mb for each in rounds[name]] for name in (DEFAULT.name, FLASK.name)]
        yield Measurement(_MEMORY, ratios(*memory), f"{memory[0][-1]:.0f} MB against {memory[1][-1]:.0f} MB")


def _cpu(rounds: Rounds, this: Contestant, that: Contestant) -> str:
    """Return the CPU time per request of both, which varies less than their requests per second."""
    mine, theirs = (statistics.median(each.cpu_us for each in rounds[one.name]) for one in (this, that))
    return f"CPU per request {mine:.0f} against {theirs:.0f} us"


def measure_tail(plan: Plan, keys: frozenset[str]) -> Found:
    """Measure p99 / p50 with the threads and all other settings that the project ships."""
    limit = rival(
        "a constant answer, gunicorn as shipped", _as_shipped(f"{RIVALS}.constant:app"), checks_signature=False
    )
    limit = replace(limit, settings=limit.settings | ours("").settings)  # its hooks load nothing, but read them
    served = _as_shipped(OURS)
    off = ours("twiml_app, journal off, gunicorn as shipped", command=served)
    default = ours("twiml_app, default journal, gunicorn as shipped", journal=JOURNAL, command=served)
    contestants = {"": limit, "tail-off": off, "tail-default": default}
    chosen = [each for key, each in contestants.items() if not key or key in keys]
    missing: dict[str, str] = {}
    rounds = measure_rounds(plan, Traffic(connections=_TAIL_CONNECTIONS), chosen, missing)
    found = [
        Measurement(key, ratios(_tails(rounds, each.name), _tails(rounds, limit.name)))
        if {each.name, limit.name} <= rounds.keys()
        else Measurement(key, (), next(iter(missing.values()), ""))
        for key, each in contestants.items()
        if key in keys
    ]
    return Found(found, summarize(rounds, _TAIL_CONNECTIONS))


def _as_shipped(target: str) -> Command:
    return gunicorn(target, *SHIPPED, threads=None)


def _tails(rounds: Rounds, name: str) -> list[float]:
    return [each.load.p99_ms / each.load.p50_ms for each in rounds[name]]
