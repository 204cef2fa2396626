"""Resetting an emulator: everything from the previous test is deleted, and the setup is kept."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.emulator.program import CONTACT, NUMBER, Program, say, send
from tests.servers import LIMIT_S
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.resources import IncomingNumber

OTHER = "+15017122662"
SEED = {"numbers": [{"phone_number": NUMBER}]}


def test_reset_restores_the_seed() -> None:
    """Tests that share an emulator must not affect each other, and all need the seed."""
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


def test_reset_keeps_the_numbers_that_were_added_and_how_webhooks_are_signed(dead_url: str) -> None:
    """The fixture's number would be gone after a reset, and the rest of the test with it."""
    with Emulator() as emulator:
        number = emulator.add_number(NUMBER, f"{dead_url}/message")
        emulator.sign_with("key", "secret")
        emulator.phone(CONTACT).text("hi")
        emulator.reset()

        assert emulator._context.store.find(IncomingNumber) == [number]
        assert emulator._context.account(emulator.account_sid).signing_key == "key"
        assert emulator.debugger == []


def test_reset_clears_the_reply_counts() -> None:
    """With a stepped clock, the 31st reply of a test run would be treated as a loop."""
    with Program("basic") as program, Emulator() as emulator:
        program.answers("/message", say("hello"))
        emulator.add_number(NUMBER, program.url("/message"))
        for _ in range(30):
            emulator.phone(CONTACT).text("hi")
        emulator.reset()

        assert emulator.phone(CONTACT).text("hi").text == "hello"


def test_reset_ends_an_outage() -> None:
    """The outage is meant only for the test that started it."""
    with Emulator() as emulator:
        emulator.fail_next(100)
        emulator.reset()

        assert send(emulator).status == "queued"


def test_clients_never_see_an_incomplete_reset() -> None:
    """Otherwise a request during a reset would be refused or cause an internal error."""
    over = threading.Event()
    seen: list[tuple[str, int]] = []
    with Emulator(EmulatorOptions(seed=SEED)) as emulator:
        emulator.add_number(OTHER)

        def look() -> None:
            while not over.is_set():
                token = emulator._context.account(emulator.account_sid).auth_token
                seen.append((token, emulator._context.store.count(IncomingNumber)))

        watcher = threading.Thread(target=look)
        watcher.start()
        for _ in range(50):
            emulator.reset()
        while not seen:
            time.sleep(0.001)
        over.set()
        watcher.join(LIMIT_S)

        assert set(seen) == {(emulator.auth_token, 2)}


def test_reset_does_not_duplicate_a_number_of_the_seed() -> None:
    """A number of the seed that was changed by ``add_number`` is still one number."""
    with Emulator(EmulatorOptions(seed=SEED)) as emulator:
        emulator.add_number(NUMBER, "http://127.0.0.1:1/message", method="GET")
        emulator.add_number(NUMBER, "http://127.0.0.1:2/message")
        other = emulator.add_number(OTHER)
        for _ in range(2):
            emulator.reset()
            numbers = emulator._context.store.find(IncomingNumber, oldest_first=True)

            assert [each.phone_number for each in numbers] == [NUMBER, OTHER]
            assert (numbers[0].sms_url, numbers[0].sms_method) == ("http://127.0.0.1:2/message", "GET")
            assert numbers[1] == other


def test_reset_drops_pending_status_callbacks(tmp_path: Path, program: Program) -> None:
    """They belong to the previous test."""
    state = tmp_path / "state.db"
    with Emulator(EmulatorOptions(state=state)) as emulator:
        message = send(emulator, status_callback=program.url("/status"))
        emulator.client().messages(message.sid).update(status="canceled")
        emulator.reset()
    with Emulator(EmulatorOptions(state=state)) as emulator:
        assert emulator.settle()

        assert program.received == []
