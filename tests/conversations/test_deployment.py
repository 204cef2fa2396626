"""Dialogs survive deployments and kills of real processes: the short form of ``python -m benchmarks.dialogs``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.dialogs import Figures, deploy, kill, undisturbed
from tests.postgres_server import new_schema

pytestmark = pytest.mark.slow


def test_everybody_finishes_during_a_rolling_deployment(tmp_path: Path, postgres_url: str) -> None:
    """Workers of two releases, and no server error: a message for the other one is answered later."""
    figures = deploy(new_schema(postgres_url), tmp_path, 40)

    assert (figures.people, figures.server_errors, figures.wrong) == (40, 0, [])


def test_kills_between_and_during_questions_are_not_seen(tmp_path: Path) -> None:
    """Each person sees an undisturbed conversation, as the requests that were lost are repeated."""
    figures = kill(f"sqlite:///{tmp_path}/twiml.db", tmp_path, 3)

    assert (figures.kills, figures.wrong) == (3, [])


def test_conversation_that_differs_is_shown() -> None:
    """A measurement that cannot fail measures nothing."""
    figures = Figures("kill -9", people=2, wrong=[undisturbed(1)[1:]])

    assert [*figures.lines()][-1].split("[[")[0].strip() == "1 conversations that differ from an undisturbed one"
