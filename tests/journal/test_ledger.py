"""The ledger: the furthest status and the smallest error code, in any order of arrival."""

from __future__ import annotations

import itertools
import time

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.program import ROWS, Clock, Program
from tests.webhook_requests import BASIC, SID
from twiml_app import Router
from twiml_app.app import Twiml, state_of
from twiml_app.caller.forms import status_form
from twiml_app.statuses import progress
from twiml_app.testing import Phone

CALLBACKS = [("queued", None), ("sent", None), ("delivered", None), ("undelivered", 30005), ("read", None)]


@pytest.fixture(scope="module")
def shared_program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return one program for all examples of a property; each example has its own message."""
    return Program(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/twiml.db", TWIML_DURABILITY="process")


@pytest.mark.parametrize(
    "order", list(itertools.permutations(CALLBACKS[1:4])), ids=lambda order: "-".join(s for s, _ in order)
)
def test_order_of_arrival_does_not_matter(program: Program, order: list[tuple[str, int | None]]) -> None:
    """Delivered and undelivered may both be reported: the entry must not depend on which came first."""
    for status, code in order:
        program.status(status, error_code=code)

    entry = program.ledger.get(SID)
    assert entry is not None
    assert (entry.status, entry.error_code, len(entry.history)) == ("delivered", 30005, 3)
    assert (entry.contact, entry.number) == ("+15005550001", "+15005550006")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrived=st.lists(st.sampled_from(CALLBACKS), min_size=1, max_size=8))
def test_any_permutation_repetition_and_omission_ends_in_the_right_entry(
    shared_program: Program, arrived: list[tuple[str, int | None]]
) -> None:
    """Networks repeat, lose and reorder callbacks; the ledger must be right for those that arrived."""
    sid = f"SM{len(shared_program.statuses):020}{time.perf_counter_ns():012x}"
    for status, code in arrived:
        shared_program.status(status, sid, error_code=code)

    entry = shared_program.ledger.get(sid)
    assert entry is not None
    assert entry.status == max((status for status, _ in arrived), key=progress)
    assert entry.error_code == (30005 if ("undelivered", 30005) in arrived else None)
    assert {(each.status, each.error_code) for each in entry.history} == set(arrived)


def test_failed_messages_are_listed_since_a_time(database_url: str) -> None:
    """The morning report covers only the last night."""
    clock = Clock()
    program = Program(database_url, clock)
    for sid, status in [("SM1", "failed"), ("SM2", "delivered")]:
        program.status(status, sid)
    clock.now += 100
    program.status("undelivered", "SM3", error_code=30003)

    assert [entry.message_sid for entry in program.ledger.failed_since(0)] == ["SM1", "SM3"]
    assert [entry.message_sid for entry in program.ledger.failed_since(clock.now - 1)] == ["SM3"]
    assert program.ledger.get("SM9") is None


def test_status_before_the_send_call_returned_is_kept(program: Program) -> None:
    """The callback may arrive before the response that contains the sid."""
    program.status("sent", "SM" + "7" * 32)

    entry = program.ledger.get("SM" + "7" * 32)
    assert entry is not None
    assert entry.status == "sent"


@pytest.mark.parametrize("order", [(30003, 30005), (30005, 30003)])
def test_smaller_error_code_is_kept_in_any_order(program: Program, order: tuple[int, int]) -> None:
    """Which callback arrives first depends on the network, and the entry must not."""
    for status, code in zip(("undelivered", "failed"), order, strict=True):
        program.status(status, error_code=code)

    entry = program.ledger.get(SID)
    assert entry is not None
    assert entry.error_code == 30003


def test_entry_names_the_answered_message(database_url: str) -> None:
    """Support traces a failed reply to its question; later callbacks without the reference must not erase it."""
    clock = Clock()
    program = Program(database_url, clock)
    first_at = clock.now
    program.send(status_form(SID, "sent"), endpoint="status", target="/status?in_reply_to=SM1")
    clock.now += 5
    program.status("delivered")

    entry = program.ledger.get(SID)
    assert entry is not None
    assert (entry.in_reply_to, entry.first_at, entry.updated_at) == ("SM1", first_at, clock.now)
    assert [(each.received_at, each.status) for each in entry.history] == [(first_at, "sent"), (clock.now, "delivered")]


def test_ledger_is_available_to_programs(database_url: str) -> None:
    """A program can look up deliveries in any process with the same journal."""
    apps = [Flask("one"), Flask("other")]
    for app in apps:
        app.config.update(BASIC | {"TWIML_DATABASE_URL": database_url.removeprefix(ROWS)})
        Twiml(app, router=Router())
    Phone(apps[0]).status(SID, "delivered")

    ledger = state_of(apps[1]).ledger
    assert ledger is not None
    entry = ledger.get(SID)
    assert entry is not None
    assert entry.status == "delivered"
