"""Recorded conversations under every fault: wrong programs are found, and right ones pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.chaos import programs
from tests.chaos.recordings import CONTACT, conversation
from tests.servers import ROOT
from twiml_app import Router
from twiml_app.app import build_app
from twiml_app.chaos import RESULTS, TRIALS, UNDISTURBED, Conversation, Limits, RecordedText, Result, TriedApp, try_all
from twiml_app.emulator import fault_names

TOKEN = "0123456789abcdef0123456789abcdef"
SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_AUTH_TOKENS": TOKEN, "TWIML_DURABILITY": "process"}
LIMITS = Limits(slow_api_s=0.1)
WRONG_AUTHENTICATION = {
    *("webhook-wrong-signature", "webhook-no-signature", "webhook-wrong-credentials", "webhook-no-credentials")
}


@pytest.fixture
def try_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Result]]:
    """A function that runs a conversation through every fault, and returns the results by fault."""

    def trying(
        make_router: Callable[[], Router] | None,
        *told: Conversation,
        limits: Limits = LIMITS,
        settle_s: float = 20.0,
        **settings: str,
    ) -> dict[str, Result]:
        def make() -> Flask:
            url = {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}
            return build_app({**SETTINGS, **url, **settings}, ROOT, router=make_router() if make_router else None)

        with TriedApp(make(), start_again=make, settle_s=settle_s) as program:
            monkeypatch.setenv("TWIML_EMULATOR_URL", program.emulator.url)
            monkeypatch.setenv("TWILIO_ACCOUNT_SID", program.emulator.account_sid)
            monkeypatch.setenv("TWILIO_AUTH_TOKEN", program.emulator.auth_token)
            monkeypatch.setenv("TEST_STATUS_URL", program.emulator.numbers[0].sms_url.replace("/message", "/status"))
            results = list(try_all(program, told, limits))
        assert len(results) == RESULTS * len(told)
        return {f"{each.conversation} {each.fault}" if len(told) > 1 else each.fault: each for each in results}

    return trying


def wrong(results: dict[str, Result]) -> dict[str, str]:
    """Return what was seen, by fault."""
    return {fault: result.seen for fault, result in results.items() if result.seen}


def test_every_fault_of_the_emulator_is_tried() -> None:
    """A fault that is added later must not be left out in silence."""
    assert [*TRIALS] == [*fault_names(), "restart"]


def test_right_program_survives_every_fault_that_can_happen(try_program: Callable[..., dict[str, Result]]) -> None:
    """A check that complains about right programs is switched off."""
    results = try_program(programs.echoes, conversation("hello", "again"))

    assert wrong(results) == {}
    assert {fault for fault, result in results.items() if not result.not_tried} >= {
        *(UNDISTURBED, "webhook-duplicate", "webhook-retry", "webhook-late", "webhook-cut", "webhook-drop"),
        *WRONG_AUTHENTICATION,
        *("text-duplicate", "message-failed", "message-undelivered", "message-auto-reply", "restart"),
    }
    assert results["status-reorder"].not_tried == "the program follows no delivery"
    assert results["api-429"].not_tried == "the program sends nothing through the REST API"


def test_examples_of_the_project_survive(try_program: Callable[..., dict[str, Result]]) -> None:
    """They are what people copy: a dialog, work after the answer, messages sent first, pictures, services, opt-outs."""
    told = {
        "dialog": conversation("sign up", "Ann", "large"),
        "later": conversation("report", "remind me in 10"),
        "service": conversation("STOP", "START", service=f"MG{'0' * 32}"),
        "WhatsApp": Conversation(
            name="",
            contact=f"whatsapp:{CONTACT}",
            number="whatsapp:+15005550006",
            texts=(RecordedText("", ("https://example.com/a.jpg",)), RecordedText("way")),
        ),
    }
    named = [
        Conversation(name=name, contact=each.contact, number=each.number, service=each.service, texts=each.texts)
        for name, each in told.items()
    ]
    results = try_program(None, *named)

    assert wrong(results) == {}
    never = {name for name in TRIALS if all(results[f"{each} {name}"].not_tried for each in told)}
    assert never == {"api-404", "text-parts"}


@pytest.mark.parametrize(
    ("program", "texts", "fault", "seen"),
    [
        pytest.param(
            programs.loses_a_step,
            ("sign up", "Ann", "large"),
            "text-duplicate",
            'the copy of text 1 "sign up" got "Which size?"',
            id="loses a step",
        ),
        pytest.param(
            programs.sends_again,
            ("code",),
            "api-cut-after",
            '"Your code is 1234" was sent: 2 messages to the contact instead of 1',
            id="sends without idempotency",
        ),
        pytest.param(
            programs.forgets_at_a_restart,
            ("my name is Ann", "hi"),
            "restart",
            'text 2 "hi" got "Hi stranger" instead of "Hi Ann"',
            id="keeps state in a global",
        ),
        pytest.param(
            programs.mixes_people_up,
            ("hi",),
            UNDISTURBED,
            'text 1 "hi" got "Hello!" from a second person, and "Who are you?" from the first',
            id="keeps the state of all people in one global",
        ),
        pytest.param(
            programs.loses_a_step,
            ("sign up", "Ann " * 50, "large"),
            "text-parts",
            'text 3 "large" got "…',
            id="takes parts for answers",
        ),
        pytest.param(
            programs.fails_in_a_circle,
            ("hi",),
            "message-undelivered",
            "it does not come to an end: messages lead to more messages",
            id="answers failures forever",
        ),
    ],
)
def test_wrong_program_is_found(
    try_program: Callable[..., dict[str, Result]],
    program: Callable[[], Router],
    texts: tuple[str, ...],
    fault: str,
    seen: str,
) -> None:
    """Its tests pass without faults, and people meet them."""
    results = try_program(program, conversation(*texts), settle_s=1.0 if "circle" in program.__name__ else 20.0)

    assert results[fault].seen.startswith(seen), results[fault]
    assert results[fault].advice


def test_program_without_a_journal_answers_twice(try_program: Callable[..., dict[str, Result]]) -> None:
    """Both answers may look alike: that the handler has run twice is what costs money."""
    results = try_program(programs.echoes, conversation("order"), TWIML_DATABASE_URL="off")

    assert wrong(results) == dict.fromkeys(
        ("webhook-duplicate", "webhook-retry", "webhook-late", "webhook-cut"), 'text 1 "order" was handled 2 times'
    )


def test_program_that_cannot_be_loaded_twice_is_not_restarted(tmp_path: Path) -> None:
    """The other faults are tried all the same."""
    url = {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}
    app = build_app({**SETTINGS, **url}, ROOT, router=programs.echoes())

    def start_again() -> Flask:
        raise RuntimeError("the table exists already")

    with TriedApp(app, start_again=start_again) as program:
        *others, restart = try_all(program, [conversation("hello", "again")], LIMITS)

    assert restart.not_tried == "it cannot be loaded again in one process: the table exists already"
    assert not any(result.seen for result in others)


def test_program_that_is_too_slow_is_found_before_any_fault(try_program: Callable[..., dict[str, Result]]) -> None:
    """Twilio does not wait, and every run with a fault would take as long."""
    results = try_program(programs.too_slow, conversation("report"), limits=Limits(answer_s=0.2))

    assert wrong(results).keys() == {UNDISTURBED}
    assert results[UNDISTURBED].seen.endswith("s, and Twilio waits 0.2 s")
    assert results["webhook-retry"].not_tried == "it goes wrong without a fault: correct that first"


@pytest.mark.parametrize(
    ("program", "texts"),
    [
        pytest.param(programs.joins_parts, ("complain", "It never arrived. " * 12, "Ann"), id="joins parts"),
        pytest.param(programs.answers_in_pieces, ("tea", "coffee"), id="order numbers, and two messages for a text"),
    ],
)
def test_what_only_looks_wrong_passes(
    try_program: Callable[..., dict[str, Result]], program: Callable[[], Router], texts: tuple[str, ...]
) -> None:
    """Replies need not be the same words each time, nor one message."""
    results = try_program(program, conversation(*texts))

    assert {fault: seen for fault, seen in wrong(results).items() if fault != "restart"} == {}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        pytest.param(conversation("hi", contact="Bank"), "it is not between two phone numbers", id="a name"),
        pytest.param(conversation("hi", contact="12345"), "the number of the contact is too short", id="a short code"),
        pytest.param(conversation("hi", ""), "one of its messages has neither text nor media", id="a location"),
    ],
)
def test_conversation_that_cannot_be_played_is_not_passed_in_silence(
    try_program: Callable[..., dict[str, Result]], told: Conversation, reason: str
) -> None:
    """The emulator does not play every channel."""
    results = try_program(programs.echoes, told)

    assert all(result.not_tried.startswith(reason) for result in results.values())
