"""Resetting an emulator: nothing of the test before is left, and everything that was set up is kept."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.emulator.program import CONTACT, NUMBER, Program, say, send
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.resources import IncomingNumber

OTHER = "+15017122662"
SEED = {"numbers": [{"phone_number": NUMBER}]}


def test_reset_begins_anew_with_the_seed() -> None:
    """Between two tests that share an emulator nothing may be left, and nothing of the seed be missing."""
    seed = {"numbers": [{"phone_number": NUMBER}]}
    with Emulator(EmulatorOptions(seed=seed)) as emulator:
        send(emulator)
        emulator.phone(CONTACT).will("failed", 30003)
        emulator.reset()
        emulator.settle()

        assert (emulator.outbox, emulator.requests, emulator.debugger) == ([], [], [])
        assert send(emulator).status == "queued"
        emulator.settle()
        assert [each.status for each in emulator.outbox] == ["delivered"]


def test_reset_keeps_the_numbers_that_were_added_and_how_webhooks_are_signed() -> None:
    """The fixture's number would be gone after a reset, and the rest of the test with it."""
    with Emulator() as emulator:
        number = emulator.add_number(NUMBER, "http://127.0.0.1:1/message")
        emulator.sign_with("key", "secret")
        emulator.phone(CONTACT).text("hi")
        emulator.reset()

        assert emulator.context.store.find(IncomingNumber) == [number]
        assert emulator.context.account(emulator.account_sid).signing_key == "key"
        assert emulator.debugger == []


def test_reset_forgets_how_often_was_replied() -> None:
    """With a clock that stands still, the thirty-first reply of a test run would be taken for a loop."""
    with Program("basic") as program, Emulator() as emulator:
        program.answers("/message", say("hello"))
        emulator.add_number(NUMBER, program.url("/message"))
        for _ in range(30):
            emulator.phone(CONTACT).text("hi")
        emulator.reset()

        assert emulator.phone(CONTACT).text("hi").text == "hello"


def test_reset_ends_an_outage() -> None:
    """The next test would be refused for what the last one tried."""
    with Emulator() as emulator:
        emulator.fail_next(100)
        emulator.reset()

        assert send(emulator).status == "queued"


def test_clients_never_see_half_a_reset() -> None:
    """A request at that moment was refused, or met an internal error."""
    over = threading.Event()
    seen: list[tuple[str, int]] = []
    with Emulator(EmulatorOptions(seed=SEED)) as emulator:
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


def test_reset_adds_no_number_of_the_seed_twice() -> None:
    """A number of the seed that was pointed to the test's program is one number, also afterwards."""
    with Emulator(EmulatorOptions(seed=SEED)) as emulator:
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
    with Emulator(EmulatorOptions(state=state)) as emulator:
        message = send(emulator, status_callback=program.url("/status"))
        emulator.client().messages(message.sid).update(status="canceled")
        emulator.reset()
    with Emulator(EmulatorOptions(state=state)) as emulator:
        assert emulator.settle()

        assert program.received == []
