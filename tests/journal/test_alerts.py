"""Alerts in the journal: each is handled once, kept, found and erased."""

from __future__ import annotations

from tests.journal.program import Program
from tests.webhook_requests import SID
from twiml_app.caller.forms import CONTACT, NUMBER
from twiml_app.journal.archive import Filter
from twiml_app.webhook import Form


def test_alert_that_is_sent_twice_is_handled_once(program: Program) -> None:
    """The person on call is woken once."""
    answers = [program.alert(), program.alert(), program.alert(sid="NO2")]

    assert [(answer.status, answer.body) for answer in answers] == [(204, b"")] * 3
    assert [alert.sid for alert in program.alerts] == ["NO1", "NO2"]


def test_alerts_without_a_sid_are_never_duplicates(program: Program) -> None:
    """Nothing says that they are the same."""
    form = Form([("Level", "Error"), ("Payload", "{}")])

    answers = [program.send(form, endpoint="alert") for _ in range(2)]

    assert [answer.status for answer in answers] == [204, 204]
    assert len(program.alerts) == 2


def test_alert_is_kept_as_an_exchange(program: Program) -> None:
    """It is listed next to the texts, with its level and code."""
    program.alert()

    (kept,) = program.archive.all(Filter())

    assert (kept.kind, kept.sid, kept.message_status, kept.error_code) == ("alert", "NO1", "error", 11200)
    assert (kept.contact, kept.number, kept.endpoint, kept.outcome) == (CONTACT, NUMBER, "alert", "handled")
    assert kept.exchange is not None
    assert (kept.exchange.sid, kept.exchange.form["Level"]) == ("NO1", "ERROR")
    assert program.ledger.get(SID) is None


def test_alert_is_erased_with_its_contact(program: Program) -> None:
    """It quotes the text that could not be answered."""
    program.alert()

    assert program.archive.erase(CONTACT).rows == 1


def test_failed_alert_is_found_for_a_retry(program: Program) -> None:
    """Twilio does not send it again."""
    program.alert(Fail="1")

    assert [kept.sid for kept in program.archive.to_retry(Filter())] == ["NO1"]


def test_alerts_are_counted_and_the_last_one_is_known(program: Program) -> None:
    """They say first what goes wrong at Twilio."""
    assert (program.archive.overview().alerts, program.archive.overview().last_alert) == (0, None)

    program.alert(30007, "NO1")
    program.alert(11200, "NO2")

    overview = program.archive.overview()
    assert overview.last_alert is not None
    assert (overview.alerts, overview.last_alert[1:]) == (2, ("error", 11200))
