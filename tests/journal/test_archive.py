"""The archive: lists, import, erasure, and the status callbacks to retry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.journal.program import Clock, Program, claim_message, run_script
from tests.webhook_requests import SID, webhook
from twiml_app import StatusCallback
from twiml_app.caller.forms import inbound_form
from twiml_app.journal.archive import Filter
from twiml_app.journal.rows import ExchangeRow
from twiml_app.webhook import Form


def test_everything_about_one_number_can_be_erased(program: Program) -> None:
    """People have a legal right to it."""
    program.text("mine", sid="SM1")
    program.text("mine too", sid="SM2", From="whatsapp:+15005550001")
    program.text("another's", sid="SM3", From="+15005550002")
    program.status("delivered", "SM4")
    program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc="}))

    assert program.archive.erase("+15005550001").rows == 4
    assert [each.sid for each in program.archive.all(Filter())] == ["SM3"]
    assert (program.ledger.get("SM4"), program.archive.refusals(9)) == (None, [])


def test_webhook_of_another_kind_is_erased_with_its_sender(program: Program) -> None:
    """A voice webhook carries the caller's number too."""
    program.send(Form([("CallSid", "CA1"), ("From", "messenger:5001"), ("Body", "x")]))

    assert program.archive.erase("5001").rows == 1
    assert program.archive.all(Filter()) == []


@pytest.mark.parametrize("address", ["user_1", "%", "5%1"])
def test_address_is_erased_literally(program: Program, address: str) -> None:
    """A wildcard in the name of a channel's user must not erase the texts of somebody else."""
    program.text("another's", From="messenger:user51")

    assert program.archive.erase(address).rows == 0


def test_failed_status_handlers_are_found_and_settled(program: Program) -> None:
    """Twilio does not retry a status callback that was answered, so the journal must remember it."""
    program.status("failed", Fail="1")
    program.status("delivered")
    (kept,) = program.archive.to_retry(Filter())
    assert kept.exchange is not None
    assert list(kept.exchange.results.values()) == ["ValueError: asked to fail"]

    program.archive.settle(kept.id, {"handler": "ok"}, "handled")

    assert program.archive.to_retry(Filter()) == []


def test_settled_status_is_answered_when_it_arrives_again(database_url: str) -> None:
    """Twilio may send a callback again after its handlers were run from the command line."""
    run_script(
        f"""
        program = Program({database_url!r})
        program.statuses = type("Deadly", (), {{"append": lambda self, status: os.kill(os.getpid(), 9)}})()
        program.status("delivered")
        """
    )
    program = Program(database_url)
    (kept,) = program.archive.to_retry(Filter())
    program.archive.settle(kept.id, {"handler": "ok"}, "handled")

    assert program.status("delivered").status == 204


def test_status_whose_process_died_is_found(database_url: str) -> None:
    """The callback is stored before its handler runs, so it must not be lost with the process."""
    run_script(
        f"""
        program = Program({database_url!r})
        program.statuses = type("Deadly", (), {{"append": lambda self, status: os.kill(os.getpid(), 9)}})()
        program.status("delivered")
        """
    )

    assert [kept.message_status for kept in Program(database_url).archive.to_retry(Filter())] == ["delivered"]


def test_status_whose_handler_still_runs_is_not_retried(program: Program) -> None:
    """The command line may read the journal while a worker is busy: the handler must not run a second time."""
    found: list[list[ExchangeRow]] = []

    class Looking(list[StatusCallback]):
        def append(self, status: StatusCallback) -> None:
            super().append(status)
            found.append(program.archive.to_retry(Filter()))

    program.statuses = Looking()
    program.status("delivered")

    assert found == [[]]


def test_exchanges_are_imported_once(program: Program) -> None:
    """A user who is not sure whether an import worked can run it again."""
    program.text("one", sid="SM1")
    program.status("failed", "SM2", error_code=30005)
    program.send(inbound_form("two", message_sid="SM3"), method="GET")
    exported = [kept.exchange for kept in program.archive.all(Filter()) if kept.exchange]
    for address in ("+15005550001", "+15005550006"):
        program.archive.erase(address)

    added = [program.archive.add(exported, keep_until=4e9) for _ in range(2)]

    imported = [kept.exchange for kept in program.archive.all(Filter()) if kept.exchange]
    assert added == [3, 0]
    assert [replace(each, id=0) for each in imported] == [replace(each, id=0) for each in exported]


def test_list_is_read_in_pages(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long read would block the requests, so it is cut into several; no exchange may be lost at a cut."""
    monkeypatch.setattr("twiml_app.journal.archive._PAGE", 2)
    for number in range(5):
        program.text(sid=f"SM{number}")

    assert [kept.sid for kept in program.archive.all(Filter())] == [f"SM{number}" for number in range(5)]
    assert [kept.sid for kept in program.archive.latest(Filter(), 2)] == ["SM4", "SM3"]


@pytest.mark.parametrize(
    ("wanted", "sids"),
    [
        pytest.param(Filter(), ["SM1", "SM2", "SM3"], id="everything"),
        pytest.param(Filter(since=1_800_000_010.0), ["SM2", "SM3"], id="since"),
        pytest.param(Filter(status="delivered"), ["SM3"], id="status"),
        pytest.param(Filter(handler="_answer"), ["SM1"], id="part of a handler's name"),
        pytest.param(Filter(outcome="failed"), ["SM2"], id="outcome"),
        pytest.param(Filter(contact="+15005550002"), ["SM1"], id="contact"),
        pytest.param(Filter(sid="SM2"), ["SM2"], id="sid"),
        pytest.param(Filter(failed=True), ["SM2"], id="failed"),
        pytest.param(Filter(failed=True, status="delivered"), [], id="several at once"),
    ],
)
def test_filter_chooses_exchanges(database_url: str, wanted: Filter, sids: list[str]) -> None:
    """All conditions must hold; None means that a column does not matter."""
    clock = Clock()
    program = Program(database_url, clock)
    program.text(sid="SM1", From="+15005550002")
    clock.now += 10
    program.status("failed", "SM2", error_code=30005, Fail="1")
    program.status("delivered", "SM3")

    assert [kept.sid for kept in program.archive.all(wanted)] == sids


def test_exchange_is_found_by_its_id(program: Program) -> None:
    """The list shows ids, and ``journal show`` takes one."""
    program.text()
    (listed,) = program.archive.latest(Filter(), 1)

    assert program.archive.find(listed.id) == listed
    assert program.archive.find(listed.id + 1) is None
    assert (listed.kind, listed.sid, listed.contact, listed.number, listed.state) == (
        "message",
        SID,
        "+15005550001",
        "+15005550006",
        "done",
    )


def test_overdue_answer_is_counted_listed_as_failed_and_stored(database_url: str) -> None:
    """Twilio no longer waited for it and sent nothing, but a retry gets it."""
    clock = Clock()
    program = Program(database_url, clock, TWIML_RECORD="failed")
    program.during = lambda _: clock.sleep(15.5)
    answer = program.text()

    (listed,) = program.archive.all(Filter(failed=True))
    assert (listed.outcome, listed.state, listed.milliseconds) == ("overdue", "done", 15500)
    overview = program.archive.overview()
    assert (overview.failed, overview.overdue) == (0, 1)
    assert listed.exchange is not None
    assert program.text() == answer
    assert program.ran == [SID]


def test_overview_counts_what_needs_attention(database_url: str) -> None:
    """The summary must be enough to see that something is wrong."""
    clock = Clock()
    program = Program(database_url, clock)
    empty = program.archive.overview()
    program.text()
    texted_at = clock.now
    clock.now += 10
    program.status("failed", "SM1", error_code=30005, Fail="1")
    program.status("failed", "SM2", error_code=30003)
    program.status("failed", "SM3", error_code=30003)
    claim_message(program, "SM4")
    program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc="}))

    overview = program.archive.overview()

    assert (empty.exchanges, empty.last_inbound_at, empty.last_refusal, empty.top_error_codes) == (0, None, None, [])
    rows_of_unfinished = 0 if program.engine.guards() else 1
    assert overview.exchanges == 4 + rows_of_unfinished
    assert (overview.failed, overview.unfinished, overview.refused) == (1, 1, 1)
    assert overview.last_inbound_at == (clock.now if rows_of_unfinished else texted_at)
    assert overview.last_refusal is not None
    assert overview.last_refusal.status == 401
    assert overview.top_error_codes == [(30003, 2), (30005, 1)]
