"""Schedule: actions run in the order of their due times, with a stepped or a running clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import LIMIT_S
from twiml_app.emulator.clock_control import ClockControl
from twiml_app.emulator.clocks import LATEST, RunningClock, SteppedClock, SwitchableClock
from twiml_app.emulator.schedule import Schedule
from twiml_app.errors import ConfigurationError

START = 1000.0
DUES = st.lists(st.tuples(st.integers(-5, 20), st.booleans()), max_size=20)


class Stepped:
    """A schedule with a stepped clock, and a record of the actions that have run."""

    def __init__(self) -> None:
        self.clock = SteppedClock(START)
        self.schedule = Schedule(self.clock)
        self.happened: list[tuple[float, object]] = []

    def note(self, what: object) -> None:
        """Record an action and its time."""
        self.happened.append((self.clock.now() - START, what))

    def at(self, due: float, what: object, *, patient: bool = False) -> None:
        """Schedule the recording of an action at a time after the start."""
        self.schedule.at(START + due, partial(self.note, what), patient=patient)


@given(DUES, st.lists(st.integers(0, 7), max_size=6))
def test_actions_run_in_order_however_the_clock_is_stepped(dues: list[tuple[int, bool]], steps: list[int]) -> None:
    """One step of an hour and many steps of a second must have the same result."""
    stepped = Stepped()
    for n, (due, patient) in enumerate(dues):
        stepped.at(due, n, patient=patient)
    for step in steps:
        stepped.schedule.advance(step)
    expected = sorted((max(0.0, due), due, n) for n, (due, _) in enumerate(dues) if steps and due <= sum(steps))

    assert stepped.happened == [(moment, n) for moment, _, n in sorted(expected, key=lambda each: each[1:])]
    assert stepped.clock.now() == START + sum(steps)


@given(DUES)
def test_settle_ends_with_the_last_action_that_is_not_patient(dues: list[tuple[int, bool]]) -> None:
    """A message for next month must not move the clock to next month, unless another action is later."""
    stepped = Stepped()
    for n, (due, patient) in enumerate(dues):
        stepped.at(due, n, patient=patient)
    last = max(((due, n) for n, (due, patient) in enumerate(dues) if not patient), default=None)
    expected = sorted((due, n) for n, (due, _) in enumerate(dues) if last and (due, n) <= last)

    assert stepped.schedule.settle()
    assert [n for _, n in stepped.happened] == [n for _, n in expected]
    assert stepped.clock.now() == START + max([0, *(due for due, _ in expected)])


def test_action_may_schedule_more_actions(schedule: Stepped) -> None:
    """A message may be sent and delivered within one step."""

    def first() -> None:
        schedule.note("first")
        schedule.at(2, "second")
        schedule.at(0, "at once")

    schedule.schedule.at(START + 1, first)
    schedule.at(1.5, "between")
    schedule.schedule.advance(3)

    assert schedule.happened == [(1, "first"), (1, "at once"), (1.5, "between"), (2, "second")]


def test_action_may_step_the_clock(schedule: Stepped) -> None:
    """The program that is called may run in the same process and use the emulator."""

    def first() -> None:
        schedule.note("first")
        assert schedule.schedule.settle()
        schedule.schedule.advance(10)

    schedule.schedule.at(START + 1, first)
    schedule.at(2, "second")
    schedule.at(5, "patient", patient=True)
    schedule.schedule.advance(3)

    assert schedule.happened == [(1, "first"), (2, "second"), (5, "patient")]
    assert schedule.clock.now() == START + 12


def test_settle_gives_up_if_actions_never_end(schedule: Stepped) -> None:
    """Two programs that reply to each other must not hang a test."""

    def again() -> None:
        schedule.note("again")
        schedule.schedule.at(schedule.clock.now(), again)

    schedule.schedule.at(START, again)

    while len(schedule.happened) < 2:
        assert not schedule.schedule.settle(0.05)
    assert not schedule.schedule.settle(0.0)


def test_exception_is_raised_to_the_caller_and_other_actions_still_run(schedule: Stepped) -> None:
    """A bug in the emulator must not look like a message that did not arrive."""

    def fail() -> None:
        raise LookupError("no account")

    schedule.schedule.at(START + 1, fail)
    schedule.at(2, "second")

    with pytest.raises(LookupError, match="no account"):
        schedule.schedule.settle()
    assert schedule.schedule.settle()
    assert schedule.happened == [(2, "second")]


def test_several_threads_may_step(schedule: Stepped) -> None:
    """Server threads step the clock too: no action may run twice, and no second may be lost."""
    for n in range(200):
        schedule.at(n / 10, n)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: schedule.schedule.advance(0.5), range(40)))

    assert [what for _, what in schedule.happened] == list(range(200))
    assert [moment for moment, _ in schedule.happened] == pytest.approx([n / 10 for n in range(200)])
    assert schedule.clock.now() == START + 20


def test_cleared_actions_never_run(schedule: Stepped) -> None:
    """After a reset, the messages of one test must not arrive in the next."""
    schedule.at(1, "first")
    schedule.at(2, "patient", patient=True)
    schedule.schedule.clear()
    schedule.at(3, "later")

    assert schedule.schedule.settle()
    assert schedule.happened == [(3, "later")]


def test_start_does_not_run_a_stepped_clock(schedule: Stepped) -> None:
    """Only the test steps it."""
    schedule.schedule.start()
    schedule.at(0, "now")
    assert not [each for each in threading.enumerate() if each.name == "twilio clock"]
    schedule.schedule.stop()

    assert schedule.schedule.settle()
    assert schedule.happened == []


@pytest.fixture
def schedule() -> Stepped:
    """A schedule with a stepped clock."""
    return Stepped()


class Running:
    """A schedule with a running clock, whose seconds the test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.schedule = Schedule(RunningClock(START, speed=10.0, seconds=lambda: self.seconds))

    def poke(self) -> None:
        """Make the schedule look at the clock; all actions that are due have started when this returns."""
        seen = threading.Event()
        self.schedule.at(START, seen.set)
        assert seen.wait(LIMIT_S)


@pytest.fixture
def running() -> Iterator[Running]:
    """A started schedule with a running clock."""
    running = Running()
    running.schedule.start()
    yield running
    running.schedule.stop()


def test_running_clock_runs_actions_when_they_are_due(running: Running) -> None:
    """At ten times the speed, an action due in five seconds runs after half a second, and not before."""
    happened = threading.Event()
    running.schedule.at(START + 5, happened.set)
    running.seconds = 0.4
    running.poke()
    assert not happened.is_set()
    assert not running.schedule.settle(0.0)

    running.seconds = 0.5
    running.poke()
    assert happened.wait(LIMIT_S)
    assert running.schedule.settle(LIMIT_S)


def test_running_clock_wakes_up_automatically() -> None:
    """Nothing else triggers it in normal use."""
    happened = threading.Event()
    schedule = Schedule(RunningClock(START, speed=1000.0))
    schedule.start()
    schedule.at(START + 5, happened.set)

    assert happened.wait(LIMIT_S)
    schedule.stop()


def test_settle_waits_for_running_actions(running: Running) -> None:
    """A status that is being posted has not arrived yet."""
    begun, release, done = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert release.wait(LIMIT_S)
        done.set()

    running.schedule.at(START, slow)
    running.schedule.at(START + 1000, done.set, patient=True)
    assert begun.wait(LIMIT_S)
    assert not running.schedule.settle(0.0)
    release.set()

    assert running.schedule.settle(LIMIT_S)
    assert done.is_set()


def test_exception_is_logged_with_a_running_clock(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """There is no caller to raise it to, and the next action still runs."""

    def fail() -> None:
        raise LookupError("no account")

    running.schedule.at(START, fail)
    assert running.schedule.settle(LIMIT_S)
    running.poke()

    assert [record.message for record in caplog.records] == ["a scheduled action of the emulator raised an exception"]
    assert "LookupError: no account" in caplog.text


def test_quick_actions_do_not_wait_for_slow_ones(running: Running) -> None:
    """Messages arrive while every program that was called is still busy."""
    begun, release = threading.Semaphore(0), threading.Event()
    for _ in range(40):
        running.schedule.at(START, _blocker(begun, release, []))
    quick = threading.Event()
    running.schedule.at(START, quick.set, quick=True)

    assert quick.wait(LIMIT_S)
    release.set()
    assert running.schedule.settle(LIMIT_S)


def test_quick_actions_run_one_after_the_other(running: Running) -> None:
    """They change the same messages and queues, and would wait for each other."""
    threads = list[threading.Thread]()
    for _ in range(10):
        running.schedule.at(START, lambda: threads.append(threading.current_thread()), quick=True)

    assert running.schedule.settle(LIMIT_S)
    assert threads == _clock_threads() * 10


def test_exception_of_a_quick_action_does_not_stop_the_clock(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk must not hold up the messages that follow."""

    def fail() -> None:
        raise OSError("no space left on device")

    running.schedule.at(START, fail, quick=True)
    running.poke()

    assert [record.message for record in caplog.records] == ["a scheduled action of the emulator raised an exception"]


def test_second_start_does_nothing(running: Running) -> None:
    """Two clock threads would run actions out of order."""
    running.schedule.start()

    assert len(_clock_threads()) == 1


def _clock_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "twilio clock"]


def _blocker(begun: threading.Semaphore, release: threading.Event, done: list[int]) -> Callable[[], None]:
    def block() -> None:
        begun.release()
        assert release.wait(LIMIT_S)
        done.append(1)

    return block


def test_stop_waits_for_running_actions_and_drops_the_rest() -> None:
    """An action that still runs would write to a closed store."""
    running = Running()
    running.schedule.start()
    (driver,) = _clock_threads()
    begun, release, done = threading.Semaphore(0), threading.Event(), list[int]()
    for _ in range(40):
        running.schedule.at(START, _blocker(begun, release, done))
    running.schedule.at(START + 1, partial(done.append, 2))
    for _ in range(32):
        assert begun.acquire(timeout=LIMIT_S)
    stopping = threading.Thread(target=running.schedule.stop)
    stopping.start()
    driver.join(LIMIT_S)
    assert stopping.is_alive()
    release.set()
    stopping.join(LIMIT_S)

    assert len(done) >= 32
    assert 2 not in done
    assert running.schedule.settle(0.0)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, LATEST], ids=str)
def test_step_out_of_range_is_refused(schedule: Stepped, seconds: float) -> None:
    """The clock does not move, and scheduled actions stay scheduled."""
    schedule.at(1, "first")
    with pytest.raises(ConfigurationError, match=r"^clock: cannot advance by .* or past 9999-01-01$"):
        schedule.schedule.advance(seconds)
    assert (schedule.clock.now(), schedule.happened) == (START, [])
    schedule.schedule.advance(1)

    assert schedule.happened == [(1, "first")]


def test_running_clock_cannot_be_stepped(running: Running) -> None:
    """It would not move, and the test would believe that an hour has passed."""
    with pytest.raises(ConfigurationError, match=r"^clock: this clock runs on its own"):
        running.schedule.advance(3600)


def test_stop_abandons_actions_that_hang(caplog: pytest.LogCaptureFixture) -> None:
    """A program that never answers must not prevent a stop, and later exceptions are not logged."""
    schedule = Schedule(RunningClock(START), stop_s=0.01)
    before = set(threading.enumerate())
    schedule.start()
    workers = set(threading.enumerate()) - before
    begun, release = threading.Semaphore(0), threading.Event()

    def hang() -> None:
        begun.release()
        assert release.wait(LIMIT_S)
        raise LookupError("the store is closed")

    schedule.at(START, hang)
    assert begun.acquire(timeout=LIMIT_S)
    schedule.stop()
    assert not schedule.settle(0.0), "it still runs"
    assert all(worker.daemon for worker in workers)
    release.set()
    assert schedule.settle(LIMIT_S)
    for worker in workers:
        worker.join(LIMIT_S)

    assert caplog.records == []


def test_stop_drops_actions_that_wait_for_a_free_thread() -> None:
    """If more programs hang than there are threads, the others must not be called after the stop."""
    looks, all_submitted = count(), threading.Event()

    def seconds() -> float:
        if next(looks) == 41:  # once at the start of the clock, and once per event
            all_submitted.set()
        return 0.0

    schedule = Schedule(RunningClock(START, seconds=seconds), stop_s=0.01)
    begun, release, done = threading.Semaphore(0), threading.Event(), list[int]()
    for _ in range(40):
        schedule.at(START, _blocker(begun, release, done))
    schedule.start()
    assert all_submitted.wait(LIMIT_S)
    for _ in range(32):
        assert begun.acquire(timeout=LIMIT_S)
    schedule.stop()
    release.set()

    assert schedule.settle(LIMIT_S)
    assert len(done) == 32


def test_stop_is_idempotent_and_a_stopped_schedule_can_be_started_again() -> None:
    """A fixture and a test may both stop it."""
    running = Running()
    for _ in range(2):
        running.schedule.start()
        running.poke()
        running.schedule.stop()
        running.schedule.stop()

    assert running.schedule.settle(0.0)


def test_actions_run_until_something_is_done() -> None:
    """The clock is moved no further than that takes."""
    stepped = Stepped()
    for due in (1, 2, 3):
        stepped.at(due, due)

    assert stepped.schedule.run_until(lambda: len(stepped.happened) == 2, LIMIT_S)
    assert (stepped.happened, stepped.clock.now()) == ([(1, 1), (2, 2)], START + 2)
    assert not stepped.schedule.run_until(lambda: False, LIMIT_S)
    assert stepped.clock.now() == START + 3


def test_thread_does_not_wait_for_ever_for_another_that_moves_the_clock() -> None:
    """A handler that is called while a test moves the clock may itself wait for something that needs the clock."""
    stepped = Stepped()
    with ThreadPoolExecutor() as pool:
        stepped.schedule.at(
            START + 1,
            lambda: stepped.note(pool.submit(stepped.schedule.run_until, lambda: False, 0.01).result(LIMIT_S)),
        )
        stepped.at(2, "later")
        assert stepped.schedule.settle()

    assert stepped.happened == [(1, False), (2, "later")]


def test_switched_clock_keeps_what_is_due_and_when() -> None:
    """Nothing is lost, and nothing happens before its time."""
    clock = SwitchableClock("step", START)
    schedule = Schedule(clock)
    control = ClockControl(clock, schedule)
    ran: list[str] = []
    happened = threading.Event()
    schedule.at(START + 10, lambda: ran.append("first"))
    schedule.at(START + 1000, happened.set)
    schedule.start()
    try:
        control.switch("real")
        control.switch("step")
        control.advance(10)
        assert ran == ["first"]
        control.switch("fast")
        control.advance(989)
        assert happened.wait(10)
        assert clock.now() >= START + 1000
        with pytest.raises(ConfigurationError, match="'sundial' is not one of: real, fast, step"):
            control.switch("sundial")
        assert clock.kind == "fast"
    finally:
        schedule.stop()


def test_clock_is_not_switched_while_it_is_stepped() -> None:
    """An action would see two clocks."""
    clock = SwitchableClock("step", START)
    schedule = Schedule(clock)
    begun, switched = threading.Event(), threading.Event()
    kinds: list[str] = []

    def act() -> None:
        begun.set()
        switched.wait(0.2)
        kinds.append(clock.kind)

    schedule.at(START + 1, act)
    stepping = threading.Thread(target=schedule.advance, args=(1,))
    stepping.start()
    begun.wait(10)
    ClockControl(clock, schedule).switch("real")
    switched.set()
    stepping.join(10)

    assert kinds == ["step"]


def test_clock_of_another_kind_cannot_be_switched() -> None:
    """Tests pass clocks of their own."""
    clock = SteppedClock(START)
    control = ClockControl(clock, Schedule(clock))

    with pytest.raises(ConfigurationError, match="this clock cannot be changed"):
        control.switch("real")


def test_change_of_the_clock_gives_up_waiting() -> None:
    """A step that never ends does not block everything else."""
    schedule = Schedule(SteppedClock(START))
    begun, end = threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        end.wait(10)

    schedule.at(START + 1, act)
    stepping = threading.Thread(target=schedule.advance, args=(1,))
    stepping.start()
    begun.wait(10)

    with pytest.raises(ConfigurationError, match="it is being moved"), schedule.changing_clock(0.01):
        pass
    end.set()
    stepping.join(10)
