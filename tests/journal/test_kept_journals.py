"""Journals that earlier releases wrote: this release reads and continues them, without loss."""

from __future__ import annotations

import pytest

from tests.journal.kept_journals import SCHEMAS, load_kept_journal
from tests.journal.program import Clock, Program, bodies
from twiml_app.caller.forms import inbound_form
from twiml_app.journal.archive import Erased, Filter
from twiml_app.journal.rows import ExchangeRow
from twiml_app.twiml import MessagingResponse

OURS = "+15005550006"
OLD_STYLE_SID = "SM" + "1e" * 16


def sid(number: int) -> str:
    """Return the sid of a message in the kept journals."""
    return f"SM{number:032}"


@pytest.fixture(params=SCHEMAS, ids=lambda schema: f"schema {schema}")
def kept(request: pytest.FixtureRequest, database_url: str) -> Program:
    """Return a program on the journal of an earlier release, an hour after that stopped."""
    load_kept_journal(database_url, request.param)
    clock = Clock()
    clock.now += 3600
    return Program(database_url, clock)


def row(program: Program, message_sid: str) -> ExchangeRow:
    """Return the first exchange of a message."""
    return program.archive.all(Filter(sid=message_sid))[0]


def texts(found: ExchangeRow) -> tuple[str | None, list[str]]:
    """Return the text of a message, None if it was not kept, and the texts of its answer."""
    answer = MessagingResponse.parse(bytes(found.answer or b""))
    text = found.exchange.form["Body"] if found.exchange else None
    return text, [message.text for message in answer.messages]


def test_archive_finds_every_exchange(kept: Program) -> None:
    """The journal is the record of what happened: an upgrade must lose none of it."""
    found = kept.archive.all(Filter())

    assert [each.received_at for each in found] == sorted(each.received_at for each in found)
    assert sorted((each.id, each.kind, each.sid, each.shown_outcome) for each in found) == [
        (1, "message", sid(1), "replied"),
        (2, "message", sid(2), "replied"),
        (3, "message", sid(3), "replied"),
        (4, "message", sid(4), "replied"),
        (5, "message", sid(5), "replied"),
        (6, "message", sid(1), "replied"),
        (7, "message", OLD_STYLE_SID, "replied"),
        (8, "message", sid(7), "failed"),
        (9, "message", sid(8), "apologized"),
        (10, "message", sid(9), "fallback"),
        (11, "message", sid(10), "overdue"),
        (12, "message", sid(11), "opted out"),
        (13, "message", sid(12), "unhandled"),
        (14, "message", sid(13), "replied"),
        (15, "message", sid(14), "looping"),
        (16, "message", sid(15), "replied"),
        (17, "status", sid(101), "handled"),
        (18, "status", sid(101), "handled"),
        (19, "status", sid(102), "handled"),
        (20, "status", sid(102), "handled"),
        (21, "status", sid(103), "handled"),
        (22, "status", sid(104), "failed"),
        (23, "status", sid(105), "unhandled"),
        (24, "webhook", "", "voice webhook"),
        (25, "message", sid(24), "replied"),
        (26, "message", sid(25), "running"),
        (27, "status", sid(106), "running"),
        (28, "status", sid(107), "handled"),
    ]


@pytest.mark.parametrize(
    ("message_sid", "text", "answers"),
    [
        pytest.param(sid(1), "hello", ["answer 1 to hello"], id="post"),
        pytest.param(sid(2), "price?", ["answer 2 to price?"], id="get"),
        pytest.param(sid(3), "Grüße aus Köln ☕ 你好 🎉", ["answer 3 to Grüße aus Köln ☕ 你好 🎉"], id="not ascii"),
        pytest.param(sid(4), "¿Qué tal, O'Neill?", ["answer 4 to ¿Qué tal, O'Neill?"], id="whatsapp"),
        pytest.param(OLD_STYLE_SID, "order 2 coffee", ["answer 7 to order 2 coffee"], id="old style"),
        pytest.param(sid(8), "fail politely", ["Sorry, try again later."], id="apologized"),
        pytest.param(sid(10), "slow", ["answer 1 to slow"], id="overdue"),
        pytest.param(sid(12), "nobody answers", [], id="unhandled"),
        pytest.param(sid(14), "ping", [], id="looping"),
        pytest.param(sid(15), None, ["answer 1 to not kept"], id="request not kept"),
        pytest.param(sid(24), "from a recording", ["Imported ✓"], id="imported"),
    ],
)
def test_texts_are_unchanged(kept: Program, message_sid: str, text: str | None, answers: list[str]) -> None:
    """People look up what was said, in any script."""
    assert texts(row(kept, message_sid)) == (text, answers)


def test_request_is_unchanged(kept: Program) -> None:
    """Recordings are exported from it and replayed, byte for byte."""
    got, odd, step = (kept.archive.find(number) for number in (2, 5, 6))
    assert got
    assert got.exchange
    assert (got.method, got.contact, got.number, got.received_at) == ("GET", "+15005550002", OURS, 1_800_000_090.125)
    assert got.exchange.headers["user-agent"] == "TwilioProxy/1.1"
    assert (got.exchange.milliseconds, got.handler) == (125.0, "tests.journal.program.Program._answer")
    assert odd
    assert odd.exchange
    assert dict(odd.exchange.form.pairs)["ProfileName"] == "A\x00\udcff"
    assert odd.exchange.form["MediaUrl0"] == "https://api.twilio.com/media/ME1"
    assert step
    assert step.exchange
    assert step.exchange.url == "https://sms.example.com/message?step=2"


@pytest.mark.parametrize(
    ("number", "status", "error_code", "in_reply_to", "history"),
    [
        pytest.param(101, "delivered", None, sid(1), [(1366.75, "sent"), (1368.75, "delivered")], id="delivered"),
        pytest.param(102, "delivered", None, "", [(1458.75, "delivered"), (1459.75, "sent")], id="late"),
        pytest.param(103, "failed", 30005, "", [(1549.75, "failed")], id="failed"),
    ],
)
def test_ledger_is_unchanged(
    kept: Program,
    number: int,
    status: str,
    error_code: int | None,
    in_reply_to: str,
    history: list[tuple[float, str]],
) -> None:
    """Whether a message arrived must still be known after an upgrade."""
    entry = kept.ledger.get(sid(number))

    assert entry
    assert (entry.status, entry.error_code, entry.in_reply_to) == (status, error_code, in_reply_to)
    assert [(each.received_at - 1_800_000_000, each.status) for each in entry.history] == history
    assert entry.history[-1].error_code == error_code
    assert (entry.first_at, entry.updated_at) == (entry.history[0].received_at, entry.history[-1].received_at)
    assert entry.number == OURS


def test_summary_counts_the_rows_of_the_earlier_release(kept: Program) -> None:
    """Failures from before the upgrade still need attention."""
    overview = kept.archive.overview()

    assert (overview.exchanges, overview.failed, overview.overdue, overview.unfinished) == (28, 3, 1, 2)
    assert overview.top_error_codes == [(30003, 1), (30005, 1)]
    assert [entry.message_sid for entry in kept.ledger.failed_since(0)] == [sid(103), sid(104)]


def test_refusals_are_unchanged(kept: Program) -> None:
    """They show why nothing arrives, which may be the reason for the upgrade."""
    latest, first = kept.archive.refusals(9)

    assert (first.received_at, first.status, first.endpoint, first.method) == (1_800_001_909.75, 401, "message", "POST")
    assert first.reason.startswith("the credentials do not match any in TWIML_CREDENTIALS")
    assert first.headers["user-agent"] == "TwilioProxy/1.1"
    assert (latest.received_at, latest.method, latest.body) == (1_800_001_999.75, "GET", b"")
    assert "Body=Gr%C3%BC%C3%9Fe" in latest.url


@pytest.mark.parametrize(
    ("number", "body", "more"),
    [
        pytest.param(1, "hello", {}, id="post"),
        pytest.param(2, "price?", {"method": "GET"}, id="get"),
        pytest.param(10, "slow", {}, id="overdue"),
        pytest.param(14, "ping", {}, id="looping"),
        pytest.param(15, "not kept", {}, id="request not kept"),
    ],
)
def test_repeated_message_gets_the_stored_bytes(kept: Program, number: int, body: str, more: dict[str, str]) -> None:
    """Twilio may repeat a message right after the upgrade: nobody may get two replies."""
    stored = row(kept, sid(number)).answer
    contact = row(kept, sid(number)).contact
    answer = kept.send(inbound_form(body, message_sid=sid(number), from_=contact), **more)

    assert (answer.status, answer.body, answer.content_type) == (200, stored, "text/xml; charset=utf-8")
    assert kept.ran == []


def test_repeated_status_callback_is_not_handled_again(kept: Program) -> None:
    """Its handler ran in the earlier release."""
    answers = [kept.status(status, sid(number)) for status, number in (("sent", 101), ("delivered", 107))]

    assert [answer.status for answer in answers] == [204, 204]
    assert kept.statuses == []


@pytest.mark.parametrize(
    ("number", "body"), [pytest.param(25, "book a table", id="killed"), pytest.param(7, "fail", id="failed")]
)
def test_unanswered_message_is_handled_when_it_is_repeated(kept: Program, number: int, body: str) -> None:
    """The earlier release was killed or failed before it answered, so somebody still waits for a reply."""
    assert bodies(kept.text(body, sid=sid(number))) == [f"answer 1 to {body}"]
    assert kept.ran == [sid(number)]
    assert [each.state for each in kept.archive.all(Filter(sid=sid(number)))] == ["done"]


def test_unhandled_status_callbacks_are_found(kept: Program) -> None:
    """The commands that retry them are often run right after an upgrade that mends the handler."""
    assert [each.sid for each in kept.archive.to_retry(Filter())] == [sid(104), sid(106)]


def test_status_callback_of_a_killed_process_is_handled_when_it_is_repeated(kept: Program) -> None:
    """The earlier release was killed in its handler."""
    assert kept.status("delivered", sid(106)).status == 204
    assert [each.message_sid for each in kept.statuses] == [sid(106)]


def test_new_events_follow_the_old_ones(kept: Program) -> None:
    """Their ids must not collide with those of the rows from before."""
    assert bodies(kept.text(sid=sid(200))) == ["answer 1 to hello"]
    kept.status("undelivered", sid(103), error_code=30003)

    new, status = kept.archive.all(Filter(since=1_800_003_600.0))
    assert (new.sid, new.state, status.sid) == (sid(200), "done", sid(103))
    assert 28 < new.id < status.id
    entry = kept.ledger.get(sid(103))
    assert entry
    assert (entry.error_code, len(entry.history)) == (30003, 2)


@pytest.mark.parametrize(
    ("address", "erased", "left"),
    [
        pytest.param("+15005550001", 14, 18, id="phone"),
        pytest.param("+15005550003", 1, 27, id="whatsapp"),
        pytest.param("+15005550004", 3, 25, id="messages only"),
    ],
)
def test_person_can_be_erased(kept: Program, address: str, erased: int, left: int) -> None:
    """Their right covers what earlier releases stored."""
    assert kept.archive.erase(address) == Erased(erased, is_finished=True)

    assert kept.archive.overview().exchanges == left
    assert [each for each in kept.archive.all(Filter()) if each.contact.endswith(address)] == []
    assert kept.archive.refusals(9) == []
