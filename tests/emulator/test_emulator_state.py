"""The state file of an emulator: what survives a stop or a kill, and which emulator may use it."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, MONDAY, NUMBER, Program, send
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions
from twiml_app.emulator.resources import IncomingNumber
from twiml_app.errors import ConfigurationError

DAY_S = 24 * 3600.0
SEED = {"numbers": [{"phone_number": NUMBER}]}


def killed(state: Path) -> Path:
    """Return a copy of the state as it would be if its emulator were killed now."""
    found = state.with_name("killed.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{state}{suffix}", f"{found}{suffix}")
    return found


def test_clock_starts_after_the_dates_in_the_state_of_a_killed_emulator(tmp_path: Path) -> None:
    """Messages with a later date would block the queue of a number, and new ones would be refused."""
    state = tmp_path / "state.db"
    with Emulator(EmulatorOptions(state=state, start=MONDAY)) as emulator:
        emulator.advance(DAY_S)
        for _ in range(3):
            send(emulator)
        emulator.advance(1.5)
        found, now = killed(state), emulator.clock.now()
    with Emulator(EmulatorOptions(state=found, start=MONDAY)) as emulator:
        began = emulator.clock.now()
        assert MONDAY + DAY_S < began <= now
        assert send(emulator).status == "queued"
        assert emulator.settle()
        sent = [message.date_sent or 0.0 for message in emulator.outbox]

        assert emulator.clock.now() - began < 10
        assert [later - earlier >= 0.999 for earlier, later in pairwise(sent)] == [True] * 3


def test_clock_starts_at_the_given_time_if_that_is_later(tmp_path: Path) -> None:
    """An old state is continued with today's date."""
    state = tmp_path / "state.db"
    with Emulator(EmulatorOptions(state=state, start=MONDAY)) as emulator:
        send(emulator)
    with Emulator(EmulatorOptions(state=state, start=MONDAY + DAY_S)) as emulator:
        assert emulator.clock.now() == MONDAY + DAY_S


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_pending_status_callback_is_posted_after_a_restart(tmp_path: Path, program: Program, is_killed: bool) -> None:
    """Otherwise the program would wait forever for the final status."""
    state = tmp_path / "state.db"
    with Emulator(EmulatorOptions(state=state, start=MONDAY)) as emulator:
        message = send(emulator, status_callback=program.url("/status"))
        emulator.client().messages(message.sid).update(status="canceled")
        found = killed(state) if is_killed else state
    assert program.received == []
    for _ in range(2):
        with Emulator(EmulatorOptions(state=found, start=MONDAY)) as emulator:
            assert emulator.settle()

        assert [each.form["MessageStatus"] for each in program.received] == ["canceled"]


def test_state_in_a_file_is_continued_after_a_restart(tmp_path: Path) -> None:
    """Developers find yesterday's conversation again, and messages in transit still arrive."""
    state = tmp_path / "state.db"
    with Emulator(EmulatorOptions(state=state, start=MONDAY)) as emulator:
        emulator.add_number(NUMBER, "http://127.0.0.1:1/message")
        send(emulator, "first")
        emulator.settle()
        send(emulator, "second")
        left_at = emulator.clock.now()
    with Emulator(EmulatorOptions(state=state, start=MONDAY)) as emulator:
        assert emulator.clock.now() == left_at
        assert [(each.body, each.status) for each in emulator.outbox] == [("first", "delivered"), ("second", "queued")]
        emulator.settle()

        assert [each.status for each in emulator.outbox] == ["delivered", "delivered"]
        assert [each.phone_number for each in emulator._context.store.find(IncomingNumber)] == [NUMBER]


def test_new_token_applies_to_an_old_state(tmp_path: Path) -> None:
    """If the token changes in the environment, the clients use the new one."""
    state = tmp_path / "state.db"
    with Emulator(EmulatorOptions(state=state, auth_token="old")) as emulator:
        send(emulator)
    with Emulator(EmulatorOptions(state=state, auth_token="new")) as emulator:
        assert send(emulator, "again").status == "queued"
        assert [each.body for each in emulator.outbox] == ["hello", "again"]


def test_invalid_seed_leaves_the_state_empty(tmp_path: Path) -> None:
    """The corrected seed must still be applied."""
    state = tmp_path / "state.db"
    with pytest.raises(ConfigurationError):
        Emulator(EmulatorOptions(state=state, seed={"numbers": [{"phone_number": "garbage"}]}))
    with Emulator(EmulatorOptions(state=state, seed={"numbers": [{"phone_number": NUMBER}]})) as emulator:
        assert [each.phone_number for each in emulator._context.store.find(IncomingNumber)] == [NUMBER]


def test_media_links_are_unique_across_restarts(tmp_path: Path) -> None:
    """Otherwise an old link would lead to a new picture."""
    links = []
    for _ in range(2):
        with Emulator(EmulatorOptions(state=tmp_path / "state.db")) as emulator:
            emulator.phone(CONTACT).takes_media(False)
            links.append(send(emulator, "", media_url=["https://example.com/cat.jpg"]).body.rpartition("/")[2])

    assert len(set(links)) == 2


def test_state_created_with_a_seed_keeps_its_senders(tmp_path: Path) -> None:
    """Whether a sender is refused must not depend on the options of a later start."""
    state = tmp_path / "state.db"
    for seed in (SEED, None, SEED):
        with Emulator(EmulatorOptions(state=state, seed=seed)) as emulator:
            assert [each.phone_number for each in emulator._context.store.find(IncomingNumber)] == [NUMBER]
            with pytest.raises(TwilioRestException, match="is not a number of this account"):
                emulator.client().messages.create(to=CONTACT, from_="+15017122669", body="hello")


@pytest.mark.parametrize(
    "seed", [SEED, {"phones": [{"contact": CONTACT, "status": "failed"}]}], ids=["numbers", "phones"]
)
def test_seed_for_a_state_created_without_one_is_refused(tmp_path: Path, seed: dict[str, Any]) -> None:
    """Otherwise it would be ignored silently."""
    state = tmp_path / "state.db"
    Emulator(EmulatorOptions(state=state)).stop()

    with pytest.raises(ConfigurationError, match="was created without a seed: drop the seed, or use another state"):
        Emulator(EmulatorOptions(state=state, seed=seed))


def test_state_of_another_account_is_refused(tmp_path: Path) -> None:
    """Its numbers do not belong to this account, so all messages would be refused."""
    state = tmp_path / "state.db"
    Emulator(EmulatorOptions(state=state)).stop()

    with pytest.raises(ConfigurationError, match=f"belongs to account {ACCOUNT_SID}: set TWILIO_ACCOUNT_SID to it"):
        Emulator(EmulatorOptions(state=state, account_sid="AC" + "1" * 32))


def test_state_belongs_to_one_emulator_at_a_time(tmp_path: Path) -> None:
    """Two emulators would both deliver the queued messages."""
    state = tmp_path / "state.db"
    with (
        Emulator(EmulatorOptions(state=state)),
        pytest.raises(ConfigurationError, match="cannot be used: another emulator is using it"),
    ):
        Emulator(EmulatorOptions(state=state))
    with Emulator(EmulatorOptions(state=state)) as emulator:
        assert send(emulator).status == "queued"
