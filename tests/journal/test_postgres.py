"""The journal in PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from tests.journal.program import Program, bodies
from tests.postgres_server import new_schema
from twiml_app.errors import JournalUnavailable
from twiml_app.journal.archive import Filter
from twiml_app.journal.postgres import PostgresStore


def test_connection_that_the_server_ended_is_replaced(postgres_url: str) -> None:
    """A restart of the server ends every session, and no request may fail because of it."""
    program = Program(new_schema(postgres_url))
    program.text(sid="SM1")
    end_session(program, postgres_url)

    assert [program.text(sid=f"SM{number}").status for number in (2, 3)] == [200, 200]


@pytest.mark.parametrize(("durability", "level"), [("power", "on"), ("process", "off")])
def test_commit_waits_for_the_disk_if_it_must_survive_a_power_cut(
    postgres_url: str, durability: str, level: str
) -> None:
    """The setting must reach the server, transaction by transaction."""
    engine = Program(new_schema(postgres_url), TWIML_DURABILITY=durability).engine

    assert engine.run(lambda execute: execute("SHOW synchronous_commit")) == [(level,)]
    assert engine.query("SHOW synchronous_commit") == [("off",)]
    assert engine.run(lambda execute: execute("SHOW synchronous_commit")) == [(level,)]


def test_failed_statement_keeps_the_connection(postgres_url: str) -> None:
    """The connection marks this process as alive: with a new one other processes would take over its claims."""
    engine = Program(new_schema(postgres_url)).engine
    engine.check()
    before = engine.owner

    with pytest.raises(JournalUnavailable, match="no_such_table"):
        engine.query("SELECT 1 FROM no_such_table")

    assert engine.query("SELECT 1") == [(1,)]
    assert engine.owner == before


def test_connection_that_breaks_during_a_handler_loses_no_answer(postgres_url: str) -> None:
    """A claim that this process made on an earlier connection is still its own."""
    program = Program(new_schema(postgres_url))
    program.during = lambda _: end_session(program, postgres_url)

    first, owner = program.text(), program.engine.owner

    assert (bodies(first), program.text(), len(program.ran)) == (["answer 1 to hello"], first, 1)
    assert program.archive.all(Filter())[0].owner != owner
    assert program.engine.is_own(program.archive.all(Filter())[0].owner)


def test_closed_store_reports_every_process_as_alive() -> None:
    """Without a connection, no process can be known to be dead."""
    store = PostgresStore("postgresql://127.0.0.1:1/nowhere", durable=True)
    for harmless in (store.commit, store.roll_back, store.recover, store.forget, store.close):
        harmless()

    assert store.is_alive(1)


def test_hanging_statement_ends_before_twilio_gives_up(postgres_url: str) -> None:
    """Twilio waits 15 seconds, so a server that hangs must become a 503 before that."""
    engine = Program(new_schema(postgres_url)).engine

    assert engine.query("SHOW statement_timeout") == [("8s",)]


def end_session(program: Program, url: str) -> None:
    """End the session of a program, as a restart of the server does."""
    ((own,),) = program.engine.query("SELECT pg_backend_pid()")
    sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'twiml_app' AND pid = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({sessions}) AS own", (own,)).fetchall()
    assert ended == [(True,)]
