"""Alerts: what Twilio's debugger reports, whatever its payload is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.alerts import Alert
from twiml_app.caller.forms import CONTACT, NUMBER, alert_form, inbound_form, status_form
from twiml_app.events import UnknownEvent, parse_event
from twiml_app.webhook import Form

URL = "https://sms.example.com/message"


def parse(form: Form, **changes: str) -> Alert:
    """Return the alert of a form, with other values."""
    event = parse_event(Form((dict(form.items()) | changes).items()))
    assert isinstance(event, Alert)
    return event


def test_parameters_and_payload_become_attributes() -> None:
    """The names are those of the documentation."""
    request = inbound_form("hello", message_sid="SM1")
    form = alert_form(11200, sid="NO1", resource_sid="SM1", problem="Got HTTP 502", request=(URL, request))

    alert = parse(form, ParentAccountSid="AC1")

    assert (alert.sid, alert.account_sid, alert.parent_account_sid) == ("NO1", "AC" + "0" * 32, "AC1")
    assert (alert.level, alert.error_code, alert.resource_sid, alert.service_sid) == ("error", 11200, "SM1", "")
    assert (alert.timestamp, alert.message) == ("1970-01-01T00:00:00.000Z", "Got HTTP 502")
    assert alert.more_info == {"Msg": "Got HTTP 502", "ErrorCode": "11200", "LogLevel": "ERROR", "url": URL}
    assert alert.webhook["request"]["parameters"] == dict(request)
    assert alert.payload["error_code"] == "11200"
    assert (alert.form["Level"], alert.replayed) == ("ERROR", False)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(inbound_form("hello"), id="inbound message"),
        pytest.param(status_form("SM1", "delivered"), id="status callback"),
        pytest.param(Form([("SmsStatus", "sent"), ("From", NUMBER), ("To", CONTACT)]), id="old status callback"),
    ],
)
def test_contact_and_number_are_those_of_the_failed_request(request_: Form) -> None:
    """An alert is found and erased with its contact."""
    alert = parse(alert_form(11200, request=(URL, request_)))

    assert (alert.contact, alert.number) == (CONTACT, NUMBER)


def test_alert_without_a_request_has_no_contact() -> None:
    """Most alerts are not about a webhook."""
    alert = parse(alert_form(30007))

    assert (alert.contact, alert.number, alert.webhook) == ("", "", {})


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("{broken", None, id="no JSON"),
        pytest.param("[1, 2]", None, id="list"),
        pytest.param("null", None, id="null"),
        pytest.param('"11200"', None, id="string"),
        pytest.param("[" * 200_000, None, id="nested too deeply"),
        pytest.param("1" * 5000, None, id="huge number"),
        pytest.param('{"error_code": 11200}', 11200, id="number"),
        pytest.param('{"error_code": "none"}', None, id="word as code"),
        pytest.param('{"error_code": true}', None, id="boolean as code"),
        pytest.param('{"error_code": "99999999999"}', None, id="huge code"),
        pytest.param('{"error_code": "11200", "more_info": 1, "webhook": [], "resource_sid": {}}', 11200, id="types"),
        pytest.param('{"error_code": "11200", "webhook": {"request": {"parameters": 1}}}', 11200, id="parameters"),
    ],
)
def test_payload_of_any_kind_is_an_alert(payload: str, code: int | None) -> None:
    """Nothing that Twilio reports may be lost."""
    alert = parse(alert_form(1), Payload=payload)

    assert (alert.error_code, alert.resource_sid, alert.more_info, alert.contact) == (code, "", {}, "")
    assert alert.form["Payload"] == payload


def test_message_and_time_are_found_under_older_names() -> None:
    """Earlier documentation and some errors spell them in another way."""
    form = alert_form(1)
    pairs = [("TimeStamp" if name == "Timestamp" else name, value) for name, value in form.pairs]

    alert = parse(Form(pairs), Payload='{"more_info": {"msg": "in lower case"}}')

    assert (alert.timestamp, alert.message) == ("1970-01-01T00:00:00.000Z", "in lower case")


def test_call_with_the_parameters_of_an_alert_stays_unknown() -> None:
    """Its handlers expect the debugger."""
    event = parse_event(Form([*alert_form(1).pairs, ("CallSid", "CA1")]))

    assert isinstance(event, UnknownEvent)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["error_code", "webhook", "request", "Msg"]), inner)
    ),
)


@given(JSON.map(json.dumps) | st.text())
def test_no_payload_raises(payload: str) -> None:
    """The webhook is answered with 204 whatever it contains."""
    alert = parse(alert_form(1), Payload=payload)

    assert isinstance(alert.contact + alert.number + alert.message, str)
