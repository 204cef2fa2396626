"""The tables: created once, and shared with earlier and later releases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.journal.kept_journals import SCHEMAS, load_kept_journal
from tests.journal.older_release_postgres import OlderPostgresRelease
from tests.journal.other_process import module, script
from tests.journal.program import ROWS, Clock, Program, bodies, claim_message, query, replied
from tests.postgres_server import new_schema
from tests.servers import LIMIT_S
from tests.webhook_requests import SID, webhook
from twiml_app.caller.forms import inbound_form
from twiml_app.errors import JournalTooNew, OlderReleaseRunning
from twiml_app.events import parse_event
from twiml_app.journal.migrations import INDEXES, MIGRATIONS, OLDEST_READER, SCHEMA_VERSION, SMALL_JOURNAL
from twiml_app.journal.received_events import event_key
from twiml_app.twiml import MessagingResponse


def test_journal_of_an_incompatible_later_release_is_refused(database_url: str) -> None:
    """A rollback works if the later release only added to the schema; otherwise the error says what to do."""
    program = Program(database_url)
    program.text()
    program.engine.run(lambda execute: execute("UPDATE meta SET value = '99' WHERE name = 'oldest_reader'"))

    with pytest.raises(JournalTooNew, match="install the later release again"):
        Program(database_url).journal.check()


def test_journal_of_a_later_release_that_only_added_is_used(database_url: str) -> None:
    """An older release must keep working after a rollback, and must not lower the schema version."""
    program = Program(database_url)
    program.text()
    query(program.engine, "ALTER TABLE exchanges ADD COLUMN added_later TEXT NOT NULL DEFAULT ''")
    query(program.engine, "UPDATE meta SET value = '99' WHERE name = 'schema_version'")

    older = Program(database_url)

    assert bodies(older.text(sid="SM2")) == ["answer 1 to hello"]
    assert versions(older) == {"schema_version": "99", "oldest_reader": oldest(database_url)}


def test_journal_records_its_schema_version(program: Program, database_url: str) -> None:
    """The next release reads it to decide what to add."""
    program.journal.check()

    assert versions(program) == {"schema_version": str(SCHEMA_VERSION), "oldest_reader": oldest(database_url)}


def test_tables_are_created_only_once(database_url: str) -> None:
    """Every worker runs the same statements at its start, also on a journal that is in use."""
    first = Program(database_url)
    first.text()
    second = Program(database_url)
    second.journal.check()

    assert first.text() == second.text()
    assert (len(first.ran), len(second.ran)) == (1, 0)


def oldest(database_url: str) -> str:
    """Return the oldest schema whose releases can use a journal of this release."""
    return str(OLDEST_READER["sqlite" if "sqlite" in database_url else "postgresql"])


def versions(program: Program) -> dict[str, str]:
    """Return the schema versions that a journal records."""
    return dict(query(program.engine, "SELECT name, value FROM meta"))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: f"schema {schema}")
def test_journal_of_an_earlier_release_gets_the_tables_and_indexes_of_this_one(
    database_url: str, another_url: str, schema: int
) -> None:
    """After an upgrade everything must be as in a new journal, except that nothing is lost."""
    load_kept_journal(database_url, schema)
    upgraded, new = Program(database_url), Program(another_url)
    upgraded.journal.check()
    new.journal.check()

    assert versions(upgraded) == versions(new)
    assert columns(upgraded) == columns(new)
    assert (upgraded.engine.missing_indexes(), new.engine.missing_indexes()) == ([], [])
    assert upgraded.archive.overview().exchanges == 28
    assert new.archive.overview().exchanges == 0


def test_indexes_of_a_large_journal_are_built_later_while_others_write(database_url: str) -> None:
    """To build them takes long, and Twilio waits 15 seconds."""
    load_kept_journal(database_url, 1)
    add_exchanges(database_url, SMALL_JOURNAL)
    program = Program(database_url)
    program.text(sid="SM1")
    missing = program.engine.missing_indexes()
    source = """
    from tests.journal.program import Program
    program = Program(sys.argv[1])
    for number in range(10_000):
        assert program.text(sid=f"SMother{number}").status == 200
        print("answered", flush=True)
    """
    with script(source, database_url) as writing:
        for index in missing:
            assert writing.read() == "answered"
            program.engine.build_index(index)
            assert program.text(sid=index.name).status == 200
        assert writing.read() == "answered"

    assert missing == [index for migration in MIGRATIONS[1:] for index in migration.indexes]
    assert program.engine.missing_indexes() == []
    assert versions(program)["schema_version"] == str(SCHEMA_VERSION)


def test_index_that_another_one_replaces_is_dropped(program: Program, database_url: str) -> None:
    """It would cost time at each insert, and no query uses it."""
    program.journal.check()
    query(program.engine, "CREATE INDEX exchanges_failed ON exchanges (received_at) WHERE outcome IN ('failed')")
    query(program.engine, "ALTER TABLE exchanges DROP COLUMN effects")
    query(program.engine, "ALTER TABLE ledger DROP COLUMN send_id")
    query(program.engine, "UPDATE meta SET value = '2' WHERE name = 'schema_version'")

    upgraded = Program(database_url)
    upgraded.journal.check()

    names = upgraded.engine.read(upgraded.engine.store.index_names)
    assert "exchanges_failed" not in names
    assert "exchanges_attention" in names


@pytest.mark.parametrize("more", [-28, -27], ids=["small", "large"])
def test_indexes_of_a_small_journal_are_built_when_it_is_opened(database_url: str, more: int) -> None:
    """Most journals are small, and nobody should have to know the command."""
    load_kept_journal(database_url, 1)
    add_exchanges(database_url, SMALL_JOURNAL + more)
    program = Program(database_url)
    program.journal.check()

    assert bool(program.engine.missing_indexes()) is (more == -27)


def test_index_that_is_there_is_built_again_without_harm(program: Program) -> None:
    """The command may be started twice."""
    program.journal.check()
    for index in INDEXES:
        program.engine.build_index(index)

    assert program.engine.missing_indexes() == []


@pytest.mark.parametrize("database_url", ["sqlite", "sqlite with claims as rows"], indirect=True)
def test_journal_that_an_older_release_uses_is_refused_until_that_has_ended(database_url: str) -> None:
    """The older release does not know the locks of events, so a message would be answered by both."""
    load_kept_journal(database_url, 1)
    path = database_url.removeprefix(ROWS).removeprefix("sqlite:///")
    program = Program(database_url)
    with module("tests.journal.older_release", path) as older:
        assert older.read() == "open"
        with pytest.raises(OlderReleaseRunning, match=rf"pid {older.pid} \(.*older_release.*stop it first"):
            program.engine.check()
        refused = program.text().status
        older.send("claim SM1")
        claimed = older.read()
        older.send("quit")
        older.finish()

    assert (refused, claimed) == (503, "claimed")
    assert bodies(program.text()) == ["answer 1 to hello"]
    with module("tests.journal.older_release", path) as older:
        assert older.read() == "refused: the journal needs a release that supports version 2"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_journal_of_an_older_release_that_was_killed_is_used_at_once(database_url: str) -> None:
    """Its lock file is still there, but nobody holds the lock; its claims are taken over."""
    load_kept_journal(database_url, 1)
    path = database_url.removeprefix("sqlite:///")
    program = Program(database_url, Clock())
    with module("tests.journal.older_release", path) as older:
        assert older.read() == "open"
        older.send(f"claim {hello_key()}")
        assert older.read() == "claimed"
        older.kill()

    assert bodies(program.text()) == ["answer 1 to hello"]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_older_and_new_release_work_side_by_side_in_postgres(database_url: str) -> None:
    """Several machines are upgraded one after the other."""
    load_kept_journal(database_url, 1)
    older = OlderPostgresRelease(database_url)
    assert older.claim(hello_key())
    program = Program(database_url, Clock())

    meanwhile = program.text().status
    assert older.finish(hello_key(), str(MessagingResponse()))
    claim = claim_message(program, "SM2")
    taken = older.claim(hello_key("SM2"))
    program.journal.finish(claim, replied("from the new one"), wait_s=LIMIT_S)

    assert (meanwhile, taken, older.claim(hello_key("SM2"))) == (503, False, False)
    assert (program.text().body, program.ran) == (str(MessagingResponse()).encode(), [])
    assert older.claim("a new one")
    assert older.finish("a new one", "answer")
    older.close()


@pytest.fixture
def another_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the same kind as ``database_url``."""
    if "sqlite" in database_url:
        return f"{ROWS if database_url.startswith(ROWS) else ''}sqlite:///{tmp_path}/another.db"
    return new_schema(request.getfixturevalue("postgres_url"))


def columns(program: Program) -> set[tuple[object, ...]]:
    """Return every column of a journal, with its type, whether it may be null, and its default."""
    names = (
        'SELECT m.name, c.name, c.type, c."notnull", c.dflt_value FROM sqlite_master AS m,'
        " pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        if "sqlite" in program.settings.database_url
        else "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    )
    return set(query(program.engine, names))


def add_exchanges(database_url: str, number: int) -> None:
    """Add exchanges to a journal of schema 1, without opening it as this release does."""
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {})"
    statement = (
        "INSERT INTO exchanges (key, kind, sid, contact, number, message_status, received_at, endpoint, method, state,"
        f" owner, keep_until) {numbers.format(number)} SELECT 'key ' || n, 'message', 'SM', '+1', '+2', '', n,"
        " 'message', 'POST', 'done', 0, 1e10 FROM numbers"
    )
    path = database_url.removeprefix(ROWS).removeprefix("sqlite:///")
    connection = sqlite3.connect(path) if "sqlite" in database_url else psycopg.connect(database_url)
    with closing(connection) as opened:
        opened.execute(statement)
        opened.commit()


def hello_key(sid: str = SID) -> str:
    """Return the key of the message ``program.text()``."""
    form = inbound_form("hello", message_sid=sid)
    return event_key(webhook(form), parse_event(form))
