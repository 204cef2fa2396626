"""The rows about four workers, on both cores, which the load generator shares: SQLite, PostgreSQL and no journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.contestants import JOURNAL, OURS, SHIPPED, Contestant, gunicorn, ours
from benchmarks.plan import NotMeasured, Plan, progress
from benchmarks.postgres import new_database, postgres_server, profile_waits
from benchmarks.report import Found
from benchmarks.rounds import Rounds, Traffic, measure_rounds, serve, speeds, summarize
from benchmarks.rows import Measurement, ratios
from benchmarks.signed_requests import write_requests
from benchmarks.wrk import run_wrk

_CONNECTIONS, _WORKERS = 16, 4
_PROFILE_S = 3


def _ours(name: str, journal: str, workers: int) -> Contestant:
    return ours(f"twiml_app, {name}", journal=journal, command=gunicorn(OURS, *SHIPPED, workers=workers))


ONE_OFF, ONE = _ours("journal off, one worker, two cores", "off", 1), _ours("SQLite, one worker, two cores", JOURNAL, 1)
FOUR_OFF, FOUR = _ours("journal off, four workers", "off", _WORKERS), _ours("SQLite, four workers", JOURNAL, _WORKERS)


def measure_workers(plan: Plan, keys: frozenset[str]) -> Found:
    """Measure how much more four workers answer than one, and PostgreSQL against SQLite."""
    plan = replace(plan, cores=plan.cores.shared)
    missing: dict[str, str] = {}
    contestants = [ONE_OFF, ONE, FOUR_OFF, FOUR] if "workers" in keys else [FOUR]
    with ExitStack() as stack:
        postgres = _postgres(stack, plan, missing) if "postgres" in keys else None
        chosen = [*contestants, *([postgres] if postgres else [])]
        rounds = measure_rounds(plan, Traffic(connections=_CONNECTIONS), chosen, missing)
        profile = _profile(plan, postgres) if postgres and postgres.name in rounds else []
    found = [each for each in _measurements(rounds, postgres, missing) if each.key in keys]
    return Found(found, summarize(rounds, _CONNECTIONS), profile)


def _postgres(stack: ExitStack, plan: Plan, missing: dict[str, str]) -> Contestant | None:
    try:
        url = new_database(stack.enter_context(postgres_server(plan.folder / "postgres")))
    except NotMeasured as error:
        progress(f"  {error}")
        missing["postgres"] = str(error)
        return None
    return _ours("PostgreSQL, four workers", url, _WORKERS)


def _measurements(rounds: Rounds, postgres: Contestant | None, missing: dict[str, str]) -> Iterator[Measurement]:
    reason = next(iter(missing.values()), "")
    yield Measurement("workers", _shares(rounds), reason)
    compared = bool(postgres and postgres.name in rounds and FOUR.name in rounds)
    values = ratios(speeds(rounds, postgres.name), speeds(rounds, FOUR.name)) if postgres and compared else ()
    yield Measurement("postgres", values, reason)


def _shares(rounds: Rounds) -> tuple[float, ...]:
    """Return, per round, the gain of four workers with the journal as a share of the gain without it."""
    if not {ONE_OFF.name, ONE.name, FOUR_OFF.name, FOUR.name} <= rounds.keys():
        return ()
    with_journal = ratios(speeds(rounds, FOUR.name), speeds(rounds, ONE.name))
    return ratios(with_journal, ratios(speeds(rounds, FOUR_OFF.name), speeds(rounds, ONE_OFF.name)))


def _profile(plan: Plan, contestant: Contestant) -> list[str]:
    """Load the PostgreSQL contestant once more, and return where its connections and its processes spend the time."""
    requests = write_requests(plan.folder / "requests", 4000 * _PROFILE_S)
    with (
        serve(plan, contestant) as server,
        profile_waits(contestant.settings["TWIML_DATABASE_URL"], server.pid, plan.folder / "postgres") as lines,
    ):
        run_wrk(server.port, requests, seconds=_PROFILE_S, connections=_CONNECTIONS, cores=plan.cores.load)
    return lines
