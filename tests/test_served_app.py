"""Served applications: the URLs at which they are called, and the account that they serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from tests.recordings.exchanges import exchange
from tests.webhook_requests import BASIC, OTHER_ACCOUNT, SIGNED, read_settings
from twiml_app import Alert, InboundMessage, Router
from twiml_app.app import Twiml
from twiml_app.caller.forms import alert_form, inbound_form
from twiml_app.recordings import replay
from twiml_app.recordings.format import read_line, write_line
from twiml_app.served_app import ServedApp, emulator_for, sender
from twiml_app.webhook import TWIML_TYPE, WebhookResponse


@pytest.mark.parametrize(
    ("parts", "fallback_path", "url", "fallback_url"),
    [
        pytest.param(
            ({"TWIML_CREDENTIALS": "a@b:c/d"},), "/f", "https://a%40b:c%2Fd@h/x", "https://a%40b:c%2Fd@h/f", id="basic"
        ),
        pytest.param((SIGNED,), "/f", "https://h/x", "https://h/f", id="signature only"),
        pytest.param((BASIC,), "", "https://sms:quite-long-enough@h/x", "", id="no fallback"),
    ],
)
def test_target_returns_the_url_for_the_console(
    parts: tuple[Mapping[str, Any], ...], fallback_path: str, url: str, fallback_url: str
) -> None:
    """A password with a slash must be quoted to stay part of the URL."""
    webhook = ServedApp("https://h", read_settings(*parts)).webhook("/x", fallback_path)

    assert (webhook.url, webhook.fallback_url) == (url, fallback_url)


@pytest.mark.parametrize(
    ("parts", "account_sid"),
    [
        pytest.param((BASIC,), "", id="any account"),
        pytest.param((BASIC, SIGNED), "", id="token of any account"),
        pytest.param((BASIC, {"TWIML_ACCOUNTS": OTHER_ACCOUNT}), OTHER_ACCOUNT, id="served account"),
        pytest.param(({"TWIML_AUTH_TOKENS": {OTHER_ACCOUNT: "t"}},), OTHER_ACCOUNT, id="account with a token"),
    ],
)
def test_recordings_are_sent_as_an_account_that_is_served(
    parts: tuple[Mapping[str, Any], ...], account_sid: str
) -> None:
    """The account of a scrubbed recording is fictitious, so an application would refuse it."""
    settings = read_settings(*parts)
    destination = ServedApp("https://h", settings).destination()

    assert (destination.account_sid, destination.paths) == (account_sid, settings.paths)
    assert destination.base_url == ("https://sms:quite-long-enough@h" if settings.credentials else "https://h")


def test_recorded_alerts_and_reactions_are_replayed() -> None:
    """Their handlers are chosen again, and an alert says that nobody has to be woken."""
    router, received = Router(), list[object]()
    router.alert(received.append)

    @router.reaction
    def confirm(message: InboundMessage) -> str:
        return f"confirmed {message.reaction.quoted}" if message.reaction else ""

    app = Flask("replayed")
    app.config.update(BASIC | {"TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)
    document = (
        b'<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>confirmed noon</Body></Message></Response>'
    )
    exchanges = [
        exchange(kind="alert", endpoint="alert", form=alert_form(11200), answer=WebhookResponse(status=204)),
        exchange(
            form=inbound_form("Liked “noon”"),
            answer=WebhookResponse(status=200, body=document, content_type=TWIML_TYPE),
        ),
    ]

    results = [
        result.differences for result in replay([read_line(write_line(each)) for each in exchanges], sender(app))
    ]

    assert results == [(), ()]
    assert [isinstance(alert, Alert) and alert.replayed for alert in received] == [True]


def test_emulator_reports_to_an_application_with_handlers_of_alerts() -> None:
    """A test of such a handler needs no more than the fixture."""
    router, received = Router(), list[Alert]()
    router.alert(11200)(received.append)

    @router.default
    def fail(message: InboundMessage) -> str:
        raise ValueError("a bug")

    app = Flask("reported")
    app.config.update(BASIC | SIGNED | {"TWIML_DATABASE_URL": "off", "TWIML_ALERT_PATH": "/problems"})
    Twiml(app, router=router, url_prefix="/sms")
    with emulator_for(app) as twilio:
        sid = twilio.phone("+15558675310").text("hello").inbound.sid
        twilio.settle()

    assert [(alert.error_code, alert.resource_sid, alert.contact) for alert in received] == [
        (11200, sid, "+15558675310")
    ]
