"""The measurement of work and messages under kills: it notices a message that is reported wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.work_and_sends import Figures, is_reported_truly
from tests.sending.bot import serving
from twiml_app.emulator import Fault


@pytest.mark.parametrize(
    ("fault", "true", "false"),
    [
        pytest.param("", [1], [0, 2], id="accepted"),
        pytest.param("api-cut-before", [0], [1, 2], id="unknown"),
        pytest.param("api-cut-after", [1], [0, 2], id="probable"),
    ],
)
def test_state_of_a_message_is_compared_with_how_often_it_arrived(
    tmp_path: Path, fault: str, true: list[int], false: list[int]
) -> None:
    """A measurement that cannot fail measures nothing."""
    with serving(f"sqlite:///{tmp_path}/twiml.db", TWIML_PUBLIC_URL="") as bot:
        if fault:
            bot.twilio.faults.add(Fault(fault, count=1, path="POST"))
        asked = bot.send()
        bot.advance(30)
        row = bot.row(asked)

    assert [is_reported_truly(row, times) for times in true] == [True] * len(true)
    assert [is_reported_truly(row, times) for times in false] == [False] * len(false)


def test_broken_promise_is_shown() -> None:
    """Whoever reads the table must not count zeros."""
    figures = Figures("SQLite", kills=3, counts={"messages": 12}, broken={"messages lost": 1, "work lost": 0})

    assert [*figures.lines()] == [
        "\nSQLite: 3 processes killed",
        "       12 messages",
        "        1 messages lost - BROKEN",
        "        0 work lost",
    ]
