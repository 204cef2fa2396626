"""How SQLite finds messages: a poll must not read a table that has millions of them."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sending.bot import Bot
from twiml_app.journal import SendArchive
from twiml_app.journal.send_claims import Claiming, claim_send, tidy, unknown_rows, what_is_due
from twiml_app.journal.stores import Execute, Row


class Explained:
    """Runs statements, and keeps the plan of each."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self.plans: list[str] = []

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        self._explain(statement, parameters)
        return self._execute(statement, parameters)

    def count(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and return the number of rows that it wrote."""
        self._explain(statement, parameters)
        return self._execute.count(statement, parameters)

    def _explain(self, statement: str, parameters: Sequence[object]) -> None:
        self.plans += [row[3] for row in self._execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def test_no_step_of_the_dispatcher_reads_all_messages(local_bot: Bot) -> None:
    """Two threads of each worker poll every second."""
    local_bot.send()
    assert local_bot.state.engine
    wanted = Claiming(local_bot.sending.clock() + 1, "me", lambda _: 1.0, lambda *_: None, 60.0)

    def run(execute: Execute) -> list[str]:
        explained = Explained(execute)
        what_is_due(explained, wanted.now)
        claim_send(explained, wanted)
        tidy(explained, wanted.now, 60.0)
        unknown_rows(explained, wanted.now)
        return explained.plans

    plans = local_bot.state.engine.run(run)

    assert [plan for plan in plans if "sends" in plan]
    assert [plan for plan in plans if plan.startswith("SCAN sends")] == []


def test_counts_of_the_overview_use_small_indexes(local_bot: Bot) -> None:
    """The overview must not read what was sent in the last month."""
    assert local_bot.state.engine
    archive = SendArchive(local_bot.state.engine)
    local_bot.send()

    assert (archive.counts().waiting, archive.counts().failed) == (1, 0)
    plans = {
        state: row[3]
        for state in ("failed", "unknown")
        for row in local_bot.state.engine.read(
            lambda execute, state=state: execute(  # type: ignore[misc]
                "EXPLAIN QUERY PLAN SELECT 1 FROM sends"
                f" WHERE state IN ('failed', 'unknown', 'refused', 'expired') AND state = '{state}'"
            )
        )
    }
    # The index of the messages of unknown outcome is smaller still, and newer versions of SQLite find it.
    assert plans["failed"] == "SCAN sends USING INDEX sends_failed"
    assert plans["unknown"] in (
        "SCAN sends USING INDEX sends_failed",
        "SCAN sends USING COVERING INDEX sends_unknown",
    )
