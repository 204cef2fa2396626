"""Debugger: errors and warnings, with advice on how to fix them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import count
from types import ModuleType

import pytest

from twiml_app.caller import types
from twiml_app.emulator import media, opt_outs, replying, twiml_execution, twiml_reader, webhooks
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.debugger import MAX_ENTRIES, Debugger
from twiml_app.emulator.resources import DebuggerEntry, MessageRecord
from twiml_app.emulator.store import ResourceStore
from twiml_app.errors import CallError

START = 1_600_000_000.0
MESSAGE = MessageRecord(
    sid="SM00000000000000000000000000000001",
    account_sid="AC00000000000000000000000000000002",
    date_created=START,
    date_updated=START,
    to="+15005550006",
    from_="+15558675310",
    body="hello",
    status="received",
    direction="inbound",
)


@pytest.fixture
def clock() -> SteppedClock:
    """A clock at the start."""
    return SteppedClock(START)


@pytest.fixture
def debugger(clock: SteppedClock) -> Iterator[Debugger]:
    """A debugger whose sids count from 1."""
    store, numbers = ResourceStore(), count(1)
    yield Debugger(store, clock, lambda prefix: f"{prefix}{next(numbers):032}")
    store.close()


def test_entry_says_what_is_wrong_and_what_to_do(debugger: Debugger, clock: SteppedClock) -> None:
    """The emulator works offline, so readers cannot be expected to search for an error code."""
    clock.move_to(START + 5)
    entry = debugger.add(12100, "The document is not XML", message=MESSAGE, url="https://sms.example.com/message")

    assert entry == DebuggerEntry(
        sid="NO00000000000000000000000000000001",
        account_sid="AC00000000000000000000000000000002",
        date_created=START + 5,
        date_updated=START + 5,
        code=12100,
        level="error",
        text="The document is not XML. Answer with well-formed XML: build it with MessagingResponse, which escapes"
        " special characters.",
        message_sid="SM00000000000000000000000000000001",
        url="https://sms.example.com/message",
    )
    assert debugger.entries() == [entry]


def test_entry_for_a_code_without_advice_only_says_what_is_wrong(debugger: Debugger) -> None:
    """No advice is better than empty advice."""
    assert debugger.add(30003, "Unreachable destination phone", message=MESSAGE).text == (
        "Unreachable destination phone."
    )


@pytest.mark.parametrize("code", [12200, *range(14101, 14107), *range(14108, 14112), *range(11240, 11244)])
def test_codes_that_twilio_lists_as_warnings_are_warnings(debugger: Debugger, code: int) -> None:
    """After a warning, Twilio still processes the message."""
    assert debugger.add(code, "Something", message=MESSAGE).level == "warning"


@pytest.mark.parametrize("code", [11200, 11205, 11750, 12100, 12102, 12300, 14107, 21610, 21617, 30003])
def test_codes_that_stop_a_message_are_errors(debugger: Debugger, code: int) -> None:
    """14107 is an error although its neighbors are warnings."""
    assert debugger.add(code, "Something", message=MESSAGE).level == "error"


def test_entries_are_in_the_order_in_which_they_were_added(debugger: Debugger) -> None:
    """A failure and that of the fallback URL have the same date, and the first is the cause."""
    for code in (11200, 12100, 11205):
        debugger.add(code, "Something", message=MESSAGE)

    assert [entry.code for entry in debugger.entries()] == [11200, 12100, 11205]


def test_oldest_entries_are_deleted(debugger: Debugger) -> None:
    """An application that fails all night must not fill the store."""
    for _ in range(MAX_ENTRIES + 2):
        debugger.add(11200, "Something", message=MESSAGE)
    kept = debugger.entries()

    assert len(kept) == MAX_ENTRIES
    assert (kept[0].sid, kept[-1].sid) == (f"NO{3:032}", f"NO{MAX_ENTRIES + 2:032}")


@pytest.mark.parametrize(
    ("status", "called", "advice"),
    [
        pytest.param(401, "http://a.example/message", "Add the application's credentials", id="no credentials"),
        pytest.param(
            401,
            "http://sms:wrong@a.example/message",
            "with the application's TWIML_CREDENTIALS",
            id="wrong credentials",
        ),
        pytest.param(403, "http://a.example/message", "the same TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN?", id="403"),
        pytest.param(404, "http://a.example/sms", "The application has no route at this path", id="404"),
        pytest.param(502, "http://a.example/message", "The application failed: the reason is in its log", id="502"),
        pytest.param(0, "http://a.example/message", "must answer within 15 seconds", id="timeout"),
        pytest.param(
            418, "http://a.example/message", "must answer with a 2xx status: see its log", id="another status"
        ),
    ],
)
def test_advice_depends_on_the_status_of_the_answer(debugger: Debugger, status: int, called: str, advice: str) -> None:
    """General advice would not help to find the cause."""
    error = CallError(f"answered {status}", url="http://a.example/message", status=status)
    entry = debugger.add_failure(error, called, message=MESSAGE)

    assert (entry.code, entry.url) == (11200, "http://a.example/message")
    assert entry.text.startswith(f"answered {status}. ")
    assert advice in entry.text
    assert "wrong@" not in entry.text


#: The modules that raise or report error codes while an answer is executed.
MODULES: tuple[ModuleType, ...] = (types, twiml_reader, twiml_execution, media, opt_outs, replying, webhooks)


def codes_in(module: ModuleType) -> set[int]:
    """Return the error codes of Twilio's debugger in the source of a module."""
    constants = (
        node.value for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Constant)
    )
    families = (range(11100, 12000), range(12100, 12400), range(14101, 14200), range(21600, 21700))
    return {value for value in constants if isinstance(value, int) and any(value in family for family in families)}


def test_every_error_code_has_advice(debugger: Debugger) -> None:
    """The emulator works offline, so readers cannot be expected to search for an error code."""
    codes = {code for module in MODULES for code in codes_in(module)}
    without = {code for code in codes if debugger.add(code, "Something", message=MESSAGE).text == "Something."}

    assert {11100, 11200, 11235, 11243, 12101, 12300, 14101, 14107, 14111, 21610, 21620} <= codes
    assert without == {21623}, "too many media in a document are reported as 14103 instead"
