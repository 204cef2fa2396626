"""The journal that the receiver uses: exactly one answer per event, also for duplicates."""

from __future__ import annotations

from tests.journal.program import Program, bodies
from tests.receiver.programs import proven
from tests.webhook_requests import AUTHORIZATION, SID, webhook
from twiml_app.caller.forms import inbound_form
from twiml_app.webhook import Form


def test_duplicate_gets_the_same_bytes_and_the_handler_runs_once(program: Program) -> None:
    """Twilio retries when an answer was lost: the sender must still get it, once."""
    first, second = program.text(), program.text()

    assert (first, len(program.ran)) == (second, 1)


def test_another_process_gives_the_stored_reply(program: Program, database_url: str) -> None:
    """The retry may reach any worker, or any machine."""
    other = Program(database_url)

    assert (other.text() if program.text() else None) == program.text()
    assert (program.ran, other.ran) == ([SID], [])


def test_redirect_back_to_us_is_another_event(program: Program) -> None:
    """A Redirect sends the same sid to another URL, and needs its own answer."""
    form = inbound_form("hello", message_sid=SID)

    answers = [bodies(program.send(form, target=target)) for target in ("/message", "/message?step=2", "/message")]

    assert answers == [["answer 1 to hello"], ["answer 2 to hello"], ["answer 1 to hello"]]


def test_failed_handler_releases_its_claim(program: Program) -> None:
    """A retry after a failure must run the handler again."""
    program.during = lambda _: 1 / 0 if len(program.ran) == 1 else None

    assert [program.text().status for _ in range(3)] == [500, 200, 200]
    assert len(program.ran) == 2


def test_apology_is_sent_once(database_url: str) -> None:
    """With an apology set, the failure was answered: a retry gets the same text and no second run."""
    program = Program(database_url, TWIML_APOLOGY="Sorry!")
    program.during = lambda _: 1 / 0

    assert [bodies(program.text()) for _ in range(2)] == [["Sorry!"], ["Sorry!"]]
    assert len(program.ran) == 1


def test_event_without_a_sid_is_answered_each_time(program: Program) -> None:
    """Without a sid, duplicates cannot be recognized, so every event counts as new."""
    form = Form([("From", "+15005550001"), ("To", "+15005550006"), ("Body", "hello")])

    assert [bodies(program.send(form)) for _ in range(2)] == [["answer 1 to hello"], ["answer 2 to hello"]]


def test_status_is_one_event_by_status_and_error_code(program: Program) -> None:
    """All callbacks of a message share its sid; the handlers run once for each status."""
    for status, code in [
        ("sent", None),
        ("delivered", None),
        ("delivered", None),
        ("failed", 30005),
        ("sent", None),
    ]:
        assert program.status(status, error_code=code).status == 204

    assert [(each.message_status, each.error_code) for each in program.statuses] == [
        ("sent", None),
        ("delivered", None),
        ("failed", 30005),
    ]


def test_late_status_is_marked_as_late(program: Program) -> None:
    """Callbacks arrive in any order: a handler must be able to see that one is out of order."""
    for status in ("delivered", "sent"):
        program.status(status)

    assert [(each.message_status, each.late) for each in program.statuses] == [("delivered", False), ("sent", True)]


def test_unauthenticated_probe_leaves_no_trace(program: Program) -> None:
    """The first request of every challenge carries the sid too, and must not claim the event."""
    form = inbound_form("hello", message_sid=SID)
    program.receiver.handle(webhook(form))

    assert (program.archive.overview().exchanges, program.archive.refusals(9)) == (0, [])


def test_replayed_recording_is_marked_and_leaves_no_trace(program: Program) -> None:
    """Handlers must not charge twice, and a replay must not write to the live journal."""
    seen: list[bool] = []
    program.during = lambda message: seen.append(message.replayed)
    for _ in range(2):
        request = webhook(inbound_form("hi", message_sid=SID), headers=AUTHORIZATION)
        program.receiver.handle(proven(request, program.settings))

    assert (seen, program.archive.overview().exchanges) == ([True, True], 0)


def test_blocked_contact_is_never_answered(database_url: str) -> None:
    """A blocked sender gets no reply, and no handler runs."""
    program = Program(database_url, TWIML_BLOCKED="+15005550001")

    assert (bodies(program.text()), program.ran) == ([], [])
