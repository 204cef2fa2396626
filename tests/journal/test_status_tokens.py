"""Status tokens and the ledger: a message answers one inbound message, whatever the holder of another token reports."""

from __future__ import annotations

import threading

import pytest

from tests.journal.program import Program
from tests.servers import LIMIT_S
from tests.webhook_requests import webhook
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.twiml import MessagingResponse
from twiml_app.verbs import Message
from twiml_app.webhook import WebhookResponse

FIRST, SECOND = "SM" + "1" * 32, "SM" + "2" * 32
REPLY, OTHER_REPLY = "SM" + "3" * 32, "SM" + "4" * 32


def target_of(program: Program, sid: str, **fields: str) -> str:
    """Return the status URL in the reply to a message, as it is called."""
    answer = program.send(inbound_form("hello", message_sid=sid, fields=fields))
    (message,) = MessagingResponse.parse(answer.body).messages
    assert isinstance(message, Message)
    return (message.status_callback or "").removeprefix("https://sms.example.com")


def report(program: Program, target: str, sid: str, status: str, **headers: str) -> WebhookResponse:
    """Report a status to a status URL, without credentials."""
    request = webhook(status_form(sid, status), endpoint="status", target=target, headers=headers)
    return program.receiver.handle(request)


def test_token_moved_to_another_message_is_refused(program: Program) -> None:
    """Somebody who saw one status URL reported another message as failed, and the truth then counted as repeated."""
    own, other = target_of(program, FIRST), target_of(program, SECOND)
    assert report(program, own, REPLY, "sent").status == 204
    before = program.archive.overview().exchanges

    forged = report(program, other, REPLY, "failed")
    genuine = report(program, own, REPLY, "delivered")

    assert (forged.status, forged.body) == (403, b"the token of the status URL is of another message\n")
    assert genuine.status == 204
    assert program.archive.overview().exchanges == before + 1
    assert [each.message_status for each in program.statuses] == ["sent", "delivered"]
    entry = program.ledger.get(REPLY)
    assert entry
    assert (entry.status, entry.in_reply_to) == ("delivered", FIRST)
    assert [change.status for change in entry.history] == ["sent", "delivered"]


def test_repeated_report_with_another_token_is_refused(program: Program) -> None:
    """The stored answer is for the sender of the first report only, and the log shows the attempt."""
    own, other = target_of(program, FIRST), target_of(program, SECOND)

    statuses = [report(program, target, REPLY, "failed").status for target in (own, own, other, other)]

    assert statuses == [204, 204, 403, 403]
    assert len(program.statuses) == 1
    assert f"{REPLY} is a reply to {FIRST}" in program.archive.refusals(1)[0].reason


def test_one_token_reports_every_message_of_its_reply(program: Program) -> None:
    """A reply may have ten messages, which share a status URL."""
    own = target_of(program, FIRST)

    assert [report(program, own, sid, "delivered").status for sid in (REPLY, OTHER_REPLY)] == [204, 204]
    assert len(program.statuses) == 2


def test_token_for_another_recipient_leaves_no_trace(program: Program) -> None:
    """A customer who sees a status URL must not report the messages to another one as failed."""
    other = target_of(program, SECOND, From="+15005550009")

    assert report(program, other, REPLY, "failed").status == 401
    assert (program.statuses, program.ledger.get(REPLY)) == ([], None)


def test_report_with_credentials_is_not_compared(program: Program) -> None:
    """Credentials are for every message; only a token is for one."""
    own, other = target_of(program, FIRST), target_of(program, SECOND)
    report(program, own, REPLY, "sent")

    assert program.send(status_form(REPLY, "delivered"), endpoint="status", target=other).status == 204
    assert program.send(status_form(REPLY, "failed"), endpoint="status").status == 204
    entry = program.ledger.get(REPLY)
    assert entry
    assert entry.in_reply_to == FIRST


def test_first_report_without_a_token_ties_to_nothing(program: Program) -> None:
    """The credentials name no inbound message, so the first token does."""
    own, other = target_of(program, FIRST), target_of(program, SECOND)
    program.send(status_form(REPLY, "queued"), endpoint="status")

    assert [report(program, target, REPLY, "sent").status for target in (own, other)] == [204, 403]


@pytest.mark.parametrize("attempt", range(5))
def test_concurrent_first_reports_tie_to_one_message(database_url: str, attempt: int) -> None:
    """Whichever worker is first, the handlers of the other one must not run, and a retry of its report is refused."""
    workers = [Program(database_url) for _ in range(2)]
    targets = [target_of(worker, sid) for worker, sid in zip(workers, (FIRST, SECOND), strict=True)]
    barrier, sid, answered = threading.Barrier(2), f"SM{attempt:032}", [0, 0]

    def send(number: int) -> None:
        barrier.wait(LIMIT_S)
        answered[number] = report(workers[number], targets[number], sid, ("delivered", "failed")[number]).status

    threads = [threading.Thread(target=send, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert sorted(answered) == [204, 403]
    loser = answered.index(403)
    assert [len(worker.statuses) for worker in workers] == ([1, 0] if loser else [0, 1])
    assert report(workers[loser], targets[loser], sid, "sent").status == 403
    assert report(workers[1 - loser], targets[1 - loser], sid, "sent").status == 204
