"""Alerts: every matching handler runs, and the answer is always 204."""

from __future__ import annotations

import pytest

from tests.receiver.programs import Alarms, Memory, Program, name_of, text
from tests.webhook_requests import (
    ACCOUNT,
    BASIC,
    OTHER_ACCOUNT,
    SID,
    SIGNED,
    authorized,
    read_settings,
    signed,
    webhook,
)
from twiml_app import Router
from twiml_app.caller.forms import CONTACT, NUMBER, alert_form
from twiml_app.receiver import Hooks
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.claims import StoredReply
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import Form, WebhookRequest, WebhookResponse

DONE = WebhookResponse(status=204)


def alert(error_code: int = 11200, **changes: str) -> WebhookRequest:
    """Return an authenticated alert."""
    form = dict(alert_form(error_code, sid="NO1", resource_sid="SM1").items())
    return authorized(webhook(Form((form | changes).items()), endpoint="alert"))


@pytest.mark.parametrize(
    ("error_code", "ran"),
    [
        pytest.param(11200, ["every 11200", "some 11200", "one 11200"], id="code"),
        pytest.param(30007, ["every 30007", "some 30007"], id="range"),
        pytest.param(12100, ["every 12100"], id="other code"),
    ],
)
def test_every_handler_that_matches_an_alert_runs_in_order(error_code: int, ran: list[str]) -> None:
    """One that fails does not stop the others: nobody would send the alert again."""
    alarms, memory, errors = Alarms(), Memory(), list[Exception]()
    receiver = Receiver(alarms.router, read_settings(BASIC), journal=memory, hooks=Hooks(on_exception=errors.append))

    assert (receiver.handle(alert(error_code)), alarms.ran) == (DONE, ran)

    ((_, _, outcome),) = memory.stored
    failed = len(ran) > 1
    assert (outcome.name, [str(error) for error in errors]) == (("failed", ["a bug"]) if failed else ("handled", []))
    assert outcome.handler == name_of(Alarms, "some" if failed else "every")


def test_alert_with_an_unreadable_payload_is_kept_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Its handlers without codes run, and the journal has the text."""
    caplog.set_level("INFO")
    alarms, memory = Alarms(), Memory()

    answer = Receiver(alarms.router, read_settings(BASIC), journal=memory).handle(alert(Payload="{broken"))

    assert (answer, alarms.ran) == (DONE, ["every None"])
    assert b"broken" in memory.claims[0][0].body  # type: ignore[index]
    assert "alert sid=NO1 level=error" in caplog.text
    assert 'problem="the payload is not a JSON object"' in caplog.text


def test_alert_without_a_handler_is_a_warning_with_a_suggestion(caplog: pytest.LogCaptureFixture) -> None:
    """Something is wrong, and nobody is notified."""
    caplog.set_level("INFO")
    receiver = Receiver(Router(), read_settings(BASIC))

    assert [receiver.handle(request) for request in (alert(), alert(Payload="{}"))] == [DONE, DONE]
    assert "@router.alert(11200)" in caplog.text
    assert "@router.alert()" in caplog.text
    assert [record.levelname for record in caplog.records if "outcome=unhandled" in record.message] == ["WARNING"] * 2


def test_repeated_alert_gets_the_stored_answer() -> None:
    """A page in the night once is enough."""
    alarms, memory = Alarms(), Memory(claimed=StoredReply(DONE, "every"))

    assert Receiver(alarms.router, read_settings(BASIC), journal=memory).handle(alert()) == DONE
    assert alarms.ran == []


def test_alert_at_another_url_is_an_alert_too() -> None:
    """Somebody may give the Message URL to the debugger."""
    alarms = Alarms()

    answer = Receiver(alarms.router, read_settings(BASIC)).handle(alert(12100)._replace(endpoint="message"))

    assert (answer, alarms.ran) == (DONE, ["every 12100"])


def test_unknown_webhook_at_the_url_of_alerts_is_answered_with_204(program: Program) -> None:
    """It is kept and logged, and no document is expected there."""
    request = authorized(webhook([("EventType", "other")], endpoint="alert"))

    assert program.receiver().handle(request) == DONE


def test_message_at_the_url_of_alerts_is_answered(program: Program) -> None:
    """A customer's text is never lost to a wrong URL."""
    assert b"you said hi" in program.receiver().handle(text("hi", endpoint="alert")).body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(webhook(alert_form(1), endpoint="alert"), 401, id="no credentials"),
        pytest.param(alert(), 403, id="no signature"),
        pytest.param(signed(alert()), 204, id="both"),
        pytest.param(signed(alert(AccountSid=OTHER_ACCOUNT)), 403, id="other account"),
    ],
)
def test_alerts_are_authenticated_like_all_webhooks(request_: WebhookRequest, status: int) -> None:
    """Otherwise anybody could wake the person on call."""
    settings = read_settings(BASIC, SIGNED, {"TWIML_ACCOUNTS": ACCOUNT})

    assert Receiver(Alarms().router, settings).handle(request_).status == status


def test_status_token_does_not_authenticate_alerts() -> None:
    """Whoever sees a status URL could report anything."""
    settings, alarms = read_settings(BASIC), Alarms()
    urls = StatusUrls(settings.secret_keys, settings.status_path)
    target = urls.url("", SID, to=CONTACT, from_=NUMBER)
    form = Form([*alert_form(11200).pairs, ("To", CONTACT), ("From", NUMBER)])

    answer = Receiver(alarms.router, settings).handle(webhook(form, endpoint="status", target=target))

    assert (answer.status, alarms.ran) == (401, [])
