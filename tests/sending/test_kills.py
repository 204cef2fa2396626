"""Eight processes ask for the same messages and are killed at random: each leaves once, or is reported as unknown."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journal.other_process import Script, module
from tests.sending.bot import SETTINGS, Bot, serving
from tests.sending.crowd import CANCELLED_FROM, KEYS, PROCESSES
from tests.servers import LIMIT_S
from twiml_app.journal import Pause, SendArchive, SendFilter

pytestmark = pytest.mark.slow

#: Later than the lease of every message that was leaving.
LATER_S = 120.0


@contextmanager
def crowd(bot: Bot) -> Iterator[Script]:
    """Run the processes on the journal and the emulator of a bot; without a public URL nobody proves a message."""
    settings = SETTINGS | {"TWIML_DATABASE_URL": bot.state.settings.database_url, "TWIML_API_URL": bot.twilio.url}
    with module("tests.sending.crowd", json.dumps(settings | {"TWIML_PUBLIC_URL": ""})) as running:
        yield running


def end(running: Script) -> set[str]:
    """Let all processes die, and return the texts that were withdrawn."""
    running.proceed()
    return {f"text {number}" for number in running.finish().split()}


def wait_until_nothing_waits(bot: Bot) -> None:
    """Wait until every message was asked for, and none of them waits."""
    ends_at = time.monotonic() + LIMIT_S
    while time.monotonic() < ends_at:
        rows = rows_of(bot)
        if len(rows) == KEYS and "waiting" not in rows.values():
            return
        time.sleep(0.1)


def settle(bot: Bot) -> None:
    """Let every lease expire."""
    bot.sending.connect(bot.sending.dispatcher.api, lambda: time.time() + LATER_S)
    bot.sending.drain()


def rows_of(bot: Bot) -> dict[str, str]:
    """Return the state of each text."""
    assert bot.state.engine
    return {row.body: row.state for row in SendArchive(bot.state.engine).latest(SendFilter(), 1000)}


def test_each_key_leaves_once_or_is_unknown(bot: Bot) -> None:
    """Jobs run twice, and processes die: people must not notice."""
    with crowd(bot) as running:
        wait_until_nothing_waits(bot)
        withdrawn = end(running)
    arrived = Counter(bot.texts())
    settle(bot)
    states = rows_of(bot)

    assert len(states) == KEYS
    assert not arrived.keys() & withdrawn
    for body, state in states.items():
        times = Counter(bot.texts())[body]
        assert times <= 1, body
        assert state != "accepted" or times == 1, body
        assert state != "cancelled" or times == 0, body
    assert set(states.values()) <= {"accepted", "unknown", "cancelled"}
    assert all(states[f"text {number}"] != "cancelled" for number in range(CANCELLED_FROM))
    assert Counter(states.values())["accepted"] > KEYS // 2


def test_pause_stops_every_process_whatever_is_killed(tmp_path: Path) -> None:
    """The stop button must work while everything else goes wrong."""
    with serving(f"sqlite:///{tmp_path}/twiml.db", TWIML_PUBLIC_URL="", TWIML_DURABILITY="process") as bot:
        for number in range(600):
            bot.send(f"campaign {number}", from_="40404")
        assert bot.state.engine
        with crowd(bot) as running:
            while len(bot.twilio.outbox) < 20:
                time.sleep(0.05)
            SendArchive(bot.state.engine).pause(Pause("all", ""))
            before = len(bot.texts())
            time.sleep(2)
            after = len(bot.texts())
            end(running)

    assert before <= after <= before + 2 * PROCESSES
