"""What handlers ask for besides their replies, in recordings and replays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.recordings.exchanges import EMPTY
from tests.webhook_requests import SID
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml
from twiml_app.caller.forms import inbound_form
from twiml_app.pending import Effect, Transaction, collection
from twiml_app.receiver import EFFECTS_HEADER
from twiml_app.recordings.comparison import effect_differences
from twiml_app.recordings.format import Exchange, read_line, write_line
from twiml_app.recordings.phone_numbers import AnyDigits
from twiml_app.recordings.replay import Replayed, Sent, replay
from twiml_app.recordings.scrubbing import Scrubber
from twiml_app.served_app import sender
from twiml_app.testing import Phone

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_PUBLIC_URL": "https://sms.example.com"}
REPORT = {"kind": "work", "function": "reports.make", "arguments": ["+15005550001", 3]}


def recorded(*effects: dict[str, Any]) -> Exchange:
    """Return an exchange whose handler asked for something."""
    return Exchange(
        received_at=1_800_000_000.0,
        kind="message",
        endpoint="message",
        method="POST",
        url="https://sms.example.com/message",
        form=inbound_form("report", message_sid=SID),
        answer=EMPTY,
        effects=effects,
    )


def replayed(exchange: Exchange, *effects: dict[str, Any]) -> Replayed:
    """Replay an exchange at an application whose handler asks for these effects."""
    headers = ((EFFECTS_HEADER, json.dumps(effects)),) if effects else ()
    return next(iter(replay([exchange], lambda each: Sent(replace(each.answer, headers=headers)))))


def application(stored: list[str], effects: list[dict[str, Any]], database_url: str = "off") -> Flask:
    """Return an application whose handler asks for effects."""
    router = Router()

    @router.default
    def ask(message: InboundMessage) -> None:
        collected = collection()
        assert collected is not None
        for each in effects:
            summary = {name: value for name, value in each.items() if name != "kind"}

            def write(_: Transaction) -> None:
                stored.append("written")

            collected.add(Effect(each["kind"], summary, write, lambda: None))

    app = Flask("test")
    app.config.update(SETTINGS, TWIML_DATABASE_URL=database_url)
    Twiml(app, router=router)
    return app


def test_effects_are_read_back_unchanged() -> None:
    """The schema of an exchange whose effects are not known stays the earlier one."""
    exchange = recorded(REPORT)
    unknown = replace(exchange, effects=None)

    assert read_line(write_line(exchange)) == exchange
    assert read_line(write_line(unknown)) == unknown
    assert [json.loads(write_line(each))["schema"] for each in (exchange, recorded(), unknown)] == [2, 2, 1]


def test_replay_compares_effects_and_stores_none() -> None:
    """A replay must neither charge nor text anybody, and shows what it would have done."""
    stored: list[str] = []
    send = sender(application(stored, [REPORT | {"arguments": ["+15005550001", 4]}]))

    (result,) = replay([recorded(REPORT)], send)

    assert stored == []
    assert [*result.differences] == [
        "  work",
        '-   arguments=["+15005550001", 3]',
        '+   arguments=["+15005550001", 4]',
        "    function=reports.make",
    ]
    assert result.updated().effects == (REPORT | {"arguments": ["+15005550001", 4]},)


@pytest.mark.parametrize(
    ("exchange", "now", "agrees"),
    [
        pytest.param(recorded(REPORT), [REPORT], True, id="the same"),
        pytest.param(recorded(), [REPORT], False, id="something new"),
        pytest.param(recorded(REPORT), [], False, id="nothing any more"),
        pytest.param(replace(recorded(), effects=None), [REPORT], True, id="an earlier schema does not know"),
        pytest.param(recorded(REPORT, {"kind": "send"}), [{"kind": "send"}, REPORT], False, id="another order"),
    ],
)
def test_effects_that_differ_are_a_difference(exchange: Exchange, now: list[dict[str, Any]], agrees: bool) -> None:
    """Kept files of the first schema replay as before."""
    assert replayed(exchange, *now).agrees is agrees


@pytest.mark.parametrize("header", ["[", "{}", "[1]"], ids=["not JSON", "not a list", "not objects"])
def test_header_that_is_not_ours_is_no_effect(header: str) -> None:
    """Any server may answer a replay."""
    answer = replace(EMPTY, headers=((EFFECTS_HEADER, header),))
    (result,) = replay([recorded()], lambda _: Sent(answer))

    assert result.agrees


def test_too_many_effects_are_compared_by_their_digest() -> None:
    """HTTP clients refuse an answer with a longer header."""
    many = [REPORT | {"arguments": ["x" * 100]}] * 400
    (result,) = replay([recorded(*many)], sender(application([], many)))
    (effect,) = result.effects

    assert effect["kind"] == "400 effects"
    assert len(effect["sha256"]) == 64


def test_own_urls_in_effects_agree_at_another_address() -> None:
    """A picture is sent from the host that was called."""
    one, other = ({"kind": "send", "media": [f"https://{host}/media/a.png"]} for host in ("a.example", "b.example"))
    urls = {"recorded_url": "https://a.example/message", "answered_url": "https://b.example/message"}

    assert effect_differences([one], [other], **urls) == []
    assert effect_differences([one], [other]) != []


def test_scrubbed_effects_name_nobody() -> None:
    """Numbers, texts and names in arguments are those of people; the names of functions stay."""
    effect = {
        "kind": "send",
        "function": "reports.make",
        "to": "+15005550001",
        "body": "call +15005550001",
        "metadata": {"contact": ["+15005550001", 5, None]},
    }
    (scrubbed,) = Scrubber("key", finder=AnyDigits()).scrub([recorded(effect)])
    written = json.dumps(scrubbed.effects)

    assert "5005550001" not in written
    assert scrubbed.effects is not None
    fake = scrubbed.effects[0]["to"]
    assert scrubbed.effects == (
        effect | {"to": fake, "body": f"call {fake}", "metadata": {"contact": [fake, 5, None]}},
    )
    assert scrubbed.form["From"] == fake


def test_answer_to_an_ordinary_message_shows_no_effects(tmp_path: Path) -> None:
    """What a program does is nobody else's business."""
    stored: list[str] = []
    app = application(stored, [REPORT], f"sqlite:///{tmp_path}/twiml.db")
    answer = Phone(app).text("report").call.response

    assert stored == ["written"]
    assert answer.header(EFFECTS_HEADER) == ""
