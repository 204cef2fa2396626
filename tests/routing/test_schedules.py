"""Schedules: when they are due, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app import Router
from twiml_app.errors import RegistrationError
from twiml_app.routing.schedules import Daily, Every, Schedule


def tick() -> None:
    """Do something from time to time."""


def tock(*, idempotency_key: str) -> None:
    """Do something once."""


def seconds(text: str) -> float:
    """Return a time in UTC as seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def occurrences(rule: Daily | Every, start: str, count: int) -> list[str]:
    """Return the first occurrences after a time, in UTC."""
    found, now = list[str](), seconds(start)
    for _ in range(count):
        now = rule.after(now)
        found.append(f"{datetime.fromtimestamp(now, UTC):%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        pytest.param(
            Daily.read("08:00", "Europe/Berlin"),
            "2027-01-05 07:00",
            ["01-06 07:00", "01-07 07:00"],
            id="not again at its own instant",
        ),
        pytest.param(
            Daily.read("02:30", "Europe/Berlin"),
            "2027-03-26 12:00",
            ["03-27 01:30", "03-28 01:00", "03-29 00:30"],
            id="skipped by daylight saving",
        ),
        pytest.param(
            Daily.read("02:30", "Europe/Berlin"),
            "2027-10-30 12:00",
            ["10-31 00:30", "11-01 01:30"],
            id="doubled by daylight saving",
        ),
        pytest.param(
            Daily.read("00:15", "Africa/Cairo"),
            "2027-04-28 22:00",
            ["04-28 22:15", "04-29 22:00"],
            id="skipped midnight",
        ),
        pytest.param(
            Daily.read("12:00", "Pacific/Apia"), "2011-12-29 00:00", ["12-29 22:00", "12-30 22:00"], id="skipped day"
        ),
        pytest.param(
            Daily.read("12:00", "Pacific/Kiritimati"), "2027-01-01 00:00", ["01-01 22:00", "01-02 22:00"], id="UTC+14"
        ),
        pytest.param(
            Daily.read("23:59", "Pacific/Niue"), "2027-01-01 00:00", ["01-01 10:59", "01-02 10:59"], id="UTC-11"
        ),
        pytest.param(Every.read(timedelta(minutes=5)), "2027-01-01 00:05", ["01-01 00:10", "01-01 00:15"], id="period"),
    ],
)
def test_schedule_runs_at_these_instants(rule: Daily | Every, start: str, expected: list[str]) -> None:
    """A day on which clocks change has the occurrence once."""
    assert occurrences(rule, start, len(expected)) == expected


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    st.times(),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Gaza", "UTC", "Pacific/Apia"]),
)
def test_every_instant_is_between_two_occurrences(moment: datetime, at: Any, zone: str) -> None:
    """None is left out, and none comes twice."""
    rule, now = Daily.read(f"{at:%H:%M}", zone), moment.replace(tzinfo=UTC).timestamp()
    before, after = rule.before(now), rule.after(now)

    assert before <= now < after
    assert after - before <= 2 * 86400 + 3600
    assert rule.after(before) == after
    assert rule.before(after) == after


@pytest.mark.parametrize(
    ("rule", "late_s", "is_done"),
    [
        pytest.param(Daily.read("08:00", "UTC"), 3600, True, id="daily, an hour late"),
        pytest.param(Daily.read("08:00", "UTC"), 3601, False, id="daily, later"),
        pytest.param(Every.read(timedelta(minutes=5)), 299, True, id="before the next"),
        pytest.param(Every.read(timedelta(hours=8)), 3600, True, id="long period, an hour late"),
        pytest.param(Every.read(timedelta(hours=8)), 3601, False, id="long period, later"),
    ],
)
def test_occurrence_that_was_missed_is_done_within_its_grace(rule: Daily | Every, late_s: float, is_done: bool) -> None:
    """A greeting for the morning is not sent in the evening, after an outage."""
    at = seconds("2027-01-05 08:00")

    assert Schedule(tick, rule).latest(at + late_s) == (at if is_done else None)


def test_merged_routers_have_the_schedules_of_all() -> None:
    """Each module of the handlers has a router of its own."""
    one, other = Router(), Router()
    one.daily("08:00", tz="Europe/Berlin")(tick)
    other.every(minutes=5)(tick)
    other.every(hours=1, minutes=30)(tock)

    assert [(each.handler, each.source) for each in Router(one, other).schedules] == [
        (tick, "daily 08:00 Europe/Berlin"),
        (tick, "every 0:05:00"),
        (tock, "every 1:30:00"),
    ]


async def coroutine() -> None:
    """Work may be asynchronous."""


def test_scheduled_function_may_be_asynchronous() -> None:
    """It runs as work does."""
    router = Router()
    router.every(seconds=10)(coroutine)

    assert router.schedules[0].handler is coroutine


@pytest.mark.parametrize(
    ("register", "says"),
    [
        pytest.param(lambda router: router.daily("8:00", tz="UTC"), "needs a time such as", id="short hour"),
        pytest.param(lambda router: router.daily("24:00", tz="UTC"), "needs a time such as", id="hour"),
        pytest.param(lambda router: router.daily(800, tz="UTC"), "not 800", id="number"),
        pytest.param(lambda router: router.daily("08:00", tz="Berlin"), "there is none named 'Berlin'", id="zone"),
        pytest.param(lambda router: router.daily("08:00", tz="../x"), "needs a time zone", id="path"),
        pytest.param(lambda router: router.daily("08:00", tz=None), "needs a time zone", id="naive"),
        pytest.param(lambda router: router.every(), "not 0 seconds", id="no period"),
        pytest.param(lambda router: router.every(seconds=9), "not 9 seconds", id="too short"),
        pytest.param(lambda router: router.every(hours=25), "not 90000 seconds", id="too long"),
        pytest.param(lambda router: router.every(seconds=10.5), "whole seconds", id="part of a second"),
        pytest.param(lambda router: router.every(minutes=5)(lambda: None), "is a lambda", id="lambda"),
        pytest.param(lambda router: router.every(minutes=5)(seconds), "missing a required argument", id="argument"),
        pytest.param(
            lambda router: [router.every(minutes=5)(tick) for _ in range(2)], "is registered twice", id="twice"
        ),
    ],
)
def test_schedule_that_cannot_work_is_refused(register: Callable[[Router], object], says: str) -> None:
    """Nobody would notice that nothing happens in the night."""
    with pytest.raises(RegistrationError, match=says):
        register(Router())


def test_schedule_is_refused_after_the_first_request() -> None:
    """It would run in this process only."""
    router = Router()
    router.begin_serving()
    with pytest.raises(RegistrationError, match="after the first request"):
        router.every(minutes=5)(tick)


def test_times_without_a_zone_are_not_accepted() -> None:
    """A server's own zone is often UTC, and nobody means that."""
    with pytest.raises(TypeError, match="tz"):
        Router().daily("08:00")  # type: ignore[call-arg]


def test_period_is_always_the_same() -> None:
    """Periods are counted from 1970, so all processes agree."""
    rule = Every.read(timedelta(minutes=7))
    found = list(itertools.islice(_all(rule, seconds("2027-01-01 00:00")), 100))

    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {420}


def _all(rule: Every, now: float) -> Any:
    while True:
        now = rule.after(now)
        yield now
