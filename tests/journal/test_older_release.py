"""The frozen copy of the release with schema 1 uses a journal as that release did."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.journal.kept_journals import load_kept_journal
from tests.journal.older_release import OlderRelease
from tests.journal.older_release_postgres import OlderPostgresRelease
from tests.postgres_server import new_schema
from tests.servers import LIMIT_S, ROOT, clean_environment


def run(path: Path, commands: str) -> list[str]:
    """Run an older release in its own process, and return the lines that it prints."""
    command = [sys.executable, "-m", "tests.journal.older_release", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), input=commands, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def columns(path: Path) -> set[tuple[object, ...]]:
    """Return every column of a database, with its type and default."""
    query = (
        "SELECT m.name, c.* FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.name NOT LIKE 'sqlite_%'"
    )
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(query))


def test_tables_are_those_of_the_kept_journal(tmp_path: Path) -> None:
    """Otherwise tests with it would prove nothing about the journals of users."""
    load_kept_journal(f"sqlite:///{tmp_path}/kept.db", 1)

    assert run(tmp_path / "new.db", "claim SM1\nquit\n") == ["open", "claimed"]
    assert columns(tmp_path / "new.db") == columns(tmp_path / "kept.db")


def test_event_is_answered_once(tmp_path: Path) -> None:
    """A claim holds as long as its process runs, and the next process takes over what a dead one left."""
    load_kept_journal(f"sqlite:///{tmp_path}/kept.db", 1)
    running = OlderRelease(tmp_path / "kept.db")
    running.open()
    assert running.claim("SM1")

    assert run(tmp_path / "kept.db", "claim SM1\nfinish SM1 no\nclaim SM2\nquit\n") == [
        "open",
        "taken",
        "refused: another process took over the event",
        "claimed",
    ]
    assert running.finish("SM1", "the answer")
    running.close()
    assert run(tmp_path / "kept.db", "claim SM1\nclaim SM2\nfinish SM2 two words\n") == [
        "open",
        "taken",
        "claimed",
        "finished",
    ]


def test_journal_of_an_incompatible_later_release_is_refused(tmp_path: Path) -> None:
    """The check is what a migration relies on to keep older releases away."""
    load_kept_journal(f"sqlite:///{tmp_path}/kept.db", 1)
    with closing(sqlite3.connect(tmp_path / "kept.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = '2' WHERE name = 'oldest_reader'")

    assert run(tmp_path / "kept.db", "claim SM1\n") == ["refused: the journal needs a release that supports version 2"]


def test_event_is_answered_once_in_postgres(postgres_url: str) -> None:
    """Several machines may run different releases during a deployment."""
    url = new_schema(postgres_url)
    load_kept_journal(url, 1)
    one, other = OlderPostgresRelease(url), OlderPostgresRelease(url)

    assert [one.claim("SM1"), other.claim("SM1"), other.finish("SM1", "no")] == [True, False, False]
    assert one.finish("SM1", "the answer")
    one.close()
    other.close()
