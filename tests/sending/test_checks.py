"""What ``send`` refuses at the call, so that nobody learns of it from an error code hours later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sending.bot import CONTACT, Bot
from twiml_app.caller import NUMBER
from twiml_app.errors import CannotSend, TwimlAppError

TEMPLATE = "HX" + "0" * 32
NOW = datetime.now(UTC)


class Unwritable:
    """Nothing that JSON knows."""


@pytest.mark.parametrize(
    ("options", "problem", "code"),
    [
        pytest.param({"to": "555"}, "to is '555': give a number such as", 21211, id="to is no number"),
        pytest.param({"to": ""}, "to is '': give a number", 21604, id="no to"),
        pytest.param({"to": 1}, "to is 1: give a number", 21211, id="to is an int"),
        pytest.param({"to": "40404"}, "to is '40404'", 21211, id="to is a short code"),
        pytest.param({"to": NUMBER}, "to is the sender itself", 21266, id="to itself"),
        pytest.param({"to": f"whatsapp:{CONTACT}"}, "from_ is on the channel sms", 21910, id="channels"),
        pytest.param({"from_": "SHOP"}, "from_ is 'SHOP': give a number", 21212, id="sender is a name"),
        pytest.param({"from_": 40404}, "from_ is 40404: give a number", 21212, id="sender is an int"),
        pytest.param({"body": ""}, "body is empty", 21619, id="nothing to say"),
        pytest.param({"body": " \n"}, "body is empty", 21619, id="only space"),
        pytest.param({"body": None}, "body is NoneType: give a str", None, id="None"),
        pytest.param({"body": "x" * 1601}, "body has 1601 UTF-16 units and the limit is 1600", 21617, id="too long"),
        pytest.param({"body": "😀" * 801}, "body has 1602 UTF-16 units", 21617, id="too many emoji"),
        pytest.param({"media": "cat.jpg"}, "media is 'cat.jpg': give an http or https URL", 21620, id="relative URL"),
        pytest.param({"media": "ftp://a/b"}, "media is 'ftp://a/b'", 21620, id="FTP"),
        pytest.param({"media": "http://[a"}, "media is 'http://", 21620, id="broken URL"),
        pytest.param({"media": 7}, "media is 7: give an http", 21620, id="media is an int"),
        pytest.param({"media": ["https://a/b"] * 11}, "media has 11 files and the limit is 10", 21623, id="11 files"),
        pytest.param({"template": "HX1"}, "template is 'HX1': give a ContentSid", 21655, id="template"),
        pytest.param({"template": TEMPLATE}, "template has a text of its own", 21619, id="template and body"),
        pytest.param({"variables": {"1": "a"}}, "variables are those of a template", 21656, id="variables alone"),
        pytest.param({"metadata": ["a"]}, "metadata must be a dict with str keys", None, id="metadata is a list"),
        pytest.param({"metadata": {1: 2}}, "metadata must be a dict with str keys", None, id="int keys"),
        pytest.param({"metadata": {"a": Unwritable()}}, "metadata cannot be written as JSON", None, id="not JSON"),
        pytest.param({"metadata": {"a": float("nan")}}, "metadata cannot be written as JSON", None, id="NaN"),
        pytest.param({"metadata": {"a": "x" * 5000}}, "metadata has 5009 bytes as JSON", None, id="large metadata"),
        pytest.param({"key": "x" * 201}, "key is 'xxx", None, id="long key"),
        pytest.param({"key": "a\nb"}, "key is 'a", None, id="key with a line break"),
        pytest.param({"key": 42}, "key is 42: give a str", None, id="key is an int"),
        pytest.param({"at": "08:00"}, "at is str: give a datetime with a time zone", None, id="time as text"),
        pytest.param({"at": datetime(2030, 1, 1)}, "at is a datetime without a time zone", None, id="naive"),
        pytest.param({"at": NOW + timedelta(days=400)}, "at is more than 366 days ahead", None, id="far ahead"),
        pytest.param({"expires": NOW - timedelta(days=2)}, "expires is not later", None, id="expired"),
        pytest.param(
            {"at": NOW + timedelta(hours=2), "expires": NOW + timedelta(hours=1)}, "expires is not later", None,
            id="expires before it leaves",
        ),
        pytest.param({"if_unknown": "ignore"}, "if_unknown is 'ignore': give 'report' or 'repeat'", None, id="choice"),
    ],
)  # fmt: skip
def test_bad_message_is_refused_and_nothing_is_stored(
    local_bot: Bot, options: dict[str, Any], problem: str, code: int | None
) -> None:
    """The error names the argument, says what to give instead, and carries Twilio's code."""
    with pytest.raises(CannotSend) as raised:
        local_bot.send(**{"to": CONTACT, "body": "hello"} | options)

    assert str(raised.value).startswith(problem)
    assert (raised.value.code, raised.value.argument) == (code, problem.split()[0])
    assert isinstance(raised.value, TwimlAppError)
    assert local_bot.rows() == []


def test_characters_that_cannot_be_sent_are_removed(local_bot: Bot) -> None:
    """A lone surrogate in a database must not stop a campaign."""
    local_bot.send("a\x00b\ud800c")
    local_bot.sending.drain()

    assert local_bot.texts() == ["abc"]


def test_template_with_variables_is_sent(local_bot: Bot) -> None:
    """WhatsApp takes nothing else later than a day after the contact's last text."""
    asked = local_bot.send(
        "", to=f"whatsapp:{CONTACT}", from_=f"whatsapp:{NUMBER}", template=TEMPLATE, variables={"1": "Ada"}
    )
    local_bot.sending.drain()

    (request,) = [each for each in local_bot.twilio.requests if each.method == "POST"]
    assert local_bot.row(asked).state == "accepted", request
