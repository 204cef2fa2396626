"""The journal in PostgreSQL."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest

from tests.journal.program import Program, bodies, query
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
    assert query(engine, "SHOW synchronous_commit") == [("off",)]
    assert engine.run(lambda execute: execute("SHOW synchronous_commit")) == [(level,)]


def test_failed_statement_keeps_the_connection(postgres_url: str) -> None:
    """The connection marks this process as alive: with a new one other processes would take over its claims."""
    engine = Program(new_schema(postgres_url)).engine
    engine.check()
    before = engine.store.owner

    with pytest.raises(JournalUnavailable, match="no_such_table"):
        query(engine, "SELECT 1 FROM no_such_table")

    assert query(engine, "SELECT 1") == [(1,)]
    assert engine.store.owner == before


def test_connection_that_breaks_during_a_handler_loses_no_answer(postgres_url: str) -> None:
    """A claim that this process made on an earlier connection is still its own."""
    program = Program(new_schema(postgres_url))
    program.during = lambda _: end_session(program, postgres_url)

    first, owner = program.text(), program.engine.store.owner

    assert (bodies(first), program.text(), len(program.ran)) == (["answer 1 to hello"], first, 1)
    assert program.archive.all(Filter())[0].owner != owner
    assert program.archive.all(Filter())[0].owner in program.engine.store.own_owners


def test_store_that_never_connected_can_be_closed() -> None:
    """An application that is stopped before its first request must not fail at its end."""
    store = PostgresStore("postgresql://127.0.0.1:1/nowhere", durable=True)
    for harmless in (store.commit, store.roll_back, store.recover, partial(store.forget, 1.0), store.close):
        harmless()

    assert store.owner == 0


@pytest.mark.parametrize("limit", ["statement_timeout", "idle_in_transaction_session_timeout"])
def test_server_ends_a_transaction_that_nobody_waits_for(postgres_url: str, limit: str) -> None:
    """If this process is suspended, within a statement or between two, its locks must not stop the others for ever."""
    engine = Program(new_schema(postgres_url)).engine

    assert query(engine, f"SHOW {limit}") == [("30s",)]


def end_session(program: Program, url: str) -> None:
    """End the session of a program, as a restart of the server does."""
    ((own,),) = query(program.engine, "SELECT pg_backend_pid()")
    sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'twiml_app' AND pid = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({sessions}) AS own", (own,)).fetchall()
    assert ended == [(True,)]
