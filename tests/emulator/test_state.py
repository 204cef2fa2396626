"""The state of an emulator: what outlives a stop, a kill and a reset."""

from __future__ import annotations

import shutil
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from tests.emulator.program import CONTACT, MONDAY, NUMBER, Program, say, send
from twiml_app.emulator import Emulator
from twiml_app.emulator.clocks import LATEST
from twiml_app.emulator.resources import IncomingNumber, MessagingService
from twiml_app.errors import ConfigurationError

DAY_S = 24 * 3600.0
OTHER = "+15017122662"
SEED = {"numbers": [{"phone_number": NUMBER}]}


def killed(state: Path) -> Path:
    """Return the state as it would be found if its emulator were killed now."""
    found = state.with_name("killed.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{state}{suffix}", f"{found}{suffix}")
    return found


def test_clock_never_goes_back_behind_a_state_that_was_killed(tmp_path: Path) -> None:
    """Messages of tomorrow would hold the line of a number back until then, and new ones be refused."""
    state = tmp_path / "state.db"
    with Emulator(state=state, start=MONDAY) as emulator:
        emulator.advance(DAY_S)
        for _ in range(3):
            send(emulator)
        emulator.advance(1.5)
        found, now = killed(state), emulator.clock.now()
    with Emulator(state=found, start=MONDAY) as emulator:
        began = emulator.clock.now()
        assert MONDAY + DAY_S < began <= now
        assert send(emulator).status == "queued"
        assert emulator.settle()
        sent = [message.date_sent or 0.0 for message in emulator.outbox]

        assert emulator.clock.now() - began < 10
        assert [later - earlier >= 0.999 for earlier, later in pairwise(sent)] == [True] * 3


def test_clock_begins_where_it_is_told_if_that_is_later(tmp_path: Path) -> None:
    """A state of last year goes on today."""
    state = tmp_path / "state.db"
    with Emulator(state=state, start=MONDAY) as emulator:
        send(emulator)
    with Emulator(state=state, start=MONDAY + DAY_S) as emulator:
        assert emulator.clock.now() == MONDAY + DAY_S


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_status_callback_that_is_owed_is_posted_after_a_restart(
    tmp_path: Path, program: Program, is_killed: bool
) -> None:
    """The program would wait for ever for the end of its message."""
    state = tmp_path / "state.db"
    with Emulator(state=state, start=MONDAY) as emulator:
        message = send(emulator, status_callback=program.url("/status"))
        emulator.client().messages(message.sid).update(status="canceled")
        found = killed(state) if is_killed else state
    assert program.received == []
    for _ in range(2):
        with Emulator(state=found, start=MONDAY) as emulator:
            assert emulator.settle()

        assert [each.form["MessageStatus"] for each in program.received] == ["canceled"]


def test_what_happens_before_the_start_happens_once(program: Program) -> None:
    """The start must not take up what is on its way already as something that a state left behind."""
    program.answers("/message", say("hello"))
    emulator = Emulator()
    service = MessagingService(
        sid="MG" + "1" * 32,
        account_sid=emulator.account_sid,
        date_created=MONDAY,
        date_updated=MONDAY,
        inbound_request_url=program.url("/message"),
        status_callback=program.url("/status"),
        numbers=(emulator.add_number(NUMBER).sid,),
    )
    emulator.context.store.save(service)
    emulator.phone(CONTACT).will("failed").text("hi")
    emulator.advance(0.2)
    with emulator:
        assert emulator.settle()

        assert [each.form["MessageStatus"] for each in program.received if each.path == "/status"] == ["failed"]


def test_clients_never_see_half_a_reset() -> None:
    """A request at that moment was refused, or met an internal error."""
    over = threading.Event()
    seen: list[tuple[str, int]] = []
    with Emulator(seed=SEED) as emulator:
        emulator.add_number(OTHER)

        def look() -> None:
            while not over.is_set():
                token = emulator.context.account(emulator.account_sid).auth_token
                seen.append((token, emulator.context.store.count(IncomingNumber)))

        watcher = threading.Thread(target=look)
        watcher.start()
        for _ in range(50):
            emulator.reset()
        over.set()
        watcher.join(10)

        assert set(seen) == {(emulator.auth_token, 2)}


def test_account_that_does_not_exist_is_named() -> None:
    """A mistake of the emulator itself is found by its sid."""
    with Emulator() as emulator, pytest.raises(LookupError, match=f"no account AC{'9' * 32}"):
        emulator.context.account("AC" + "9" * 32)


def test_reset_adds_no_number_of_the_seed_twice() -> None:
    """A number of the seed that was pointed to the test's program is one number, also afterwards."""
    with Emulator(seed=SEED) as emulator:
        emulator.add_number(NUMBER, "http://127.0.0.1:1/message", method="GET")
        emulator.add_number(NUMBER, "http://127.0.0.1:2/message")
        other = emulator.add_number(OTHER)
        for _ in range(2):
            emulator.reset()
            numbers = emulator.context.store.find(IncomingNumber, oldest_first=True)

            assert [each.phone_number for each in numbers] == [NUMBER, OTHER]
            assert (numbers[0].sms_url, numbers[0].sms_method) == ("http://127.0.0.1:2/message", "GET")
            assert numbers[1] == other


def test_reset_forgets_status_callbacks_that_are_owed(tmp_path: Path, program: Program) -> None:
    """They belong to the test before."""
    state = tmp_path / "state.db"
    with Emulator(state=state) as emulator:
        message = send(emulator, status_callback=program.url("/status"))
        emulator.client().messages(message.sid).update(status="canceled")
        emulator.reset()
    with Emulator(state=state) as emulator:
        assert emulator.settle()

        assert program.received == []


def test_started_and_stopped_twice_is_started_and_stopped_once() -> None:
    """A fixture and its test may both do it."""
    emulator = Emulator()
    emulator.start()
    assert emulator.start() is emulator
    assert send(emulator).status == "queued"
    emulator.stop()
    emulator.stop()

    with pytest.raises(ConfigurationError, match="emulator: it was stopped, and cannot be started again: make another"):
        emulator.start()


def test_stopped_inside_its_block_is_stopped_once() -> None:
    """The end of the block finds it closed."""
    with Emulator() as emulator:
        emulator.stop()

    assert emulator.url


@pytest.mark.parametrize("seconds", [-1.0, LATEST], ids=["back", "the year 10000"])
def test_step_that_the_clock_cannot_take_is_refused(seconds: float) -> None:
    """Every answer with a date would be an internal error from then on."""
    with Emulator(start=MONDAY) as emulator:
        with pytest.raises(ConfigurationError, match=r"clock: it cannot go on by .* nor beyond 9999-01-01"):
            emulator.advance(seconds)

        assert emulator.clock.now() == MONDAY


def test_last_moment_can_still_be_written() -> None:
    """What is sent then arrives."""
    with Emulator(start=MONDAY) as emulator:
        emulator.advance(LATEST - MONDAY)
        message = send(emulator)
        assert emulator.settle()

        assert message.fetch().date_sent.year == 9999
