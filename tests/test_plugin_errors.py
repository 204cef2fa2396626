"""Handlers that raise, as pytest shows them: the line of the test and the line of the handler, without our frames."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.recorded import exchange
from twiml_app.recordings.format import write_file

pytestmark = pytest.mark.slow

HANDLERS = """
from twiml_app import InboundMessage, Message, Router, StatusCallback

router = Router()

def price(item: str) -> int:
    return {"tea": 2}[item]

@router.message("order <item>")
def order(message: InboundMessage, item: str) -> str:
    return f"That is {price(item)}"

@router.message("number")
def number(message: InboundMessage) -> int:
    return 42

@router.message("picture")
def picture(message: InboundMessage) -> Message:
    return [Message("look"), Message()]

@router.message("condition", when=lambda message: 1 / 0)
def condition(message: InboundMessage) -> str:
    return "never"

@router.status("failed")
def failed(status: StatusCallback) -> None:
    raise RuntimeError("status handlers fail silently")

routers = [router]
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose handlers raise."""
    pytester.makepyfile(handlers=HANDLERS)
    pytester.makeini("[pytest]\npythonpath = .\ntwiml_recordings = *.jsonl\nfilterwarnings = error\n")
    return pytester


def failure_of(project: pytest.Pytester, *options: str) -> list[str]:
    """Run the tests, of which one fails, and return its traceback without captured output."""
    result = project.runpytest_subprocess("--show-capture=no", *options)
    assert result.parseoutcomes()["failed"] == 1
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if re.match("=+ FAILURES", line))
    end = next(number for number, line in enumerate(lines) if re.match("=+ short test summary", line))
    return lines[start + 2 : end]


@pytest.mark.parametrize(
    "call",
    ['phone.text("order milk")', 'phone.image("https://x/a.png", "order milk")'],
    ids=["text", "image"],
)
def test_failed_call_shows_the_test_and_the_handler(project: pytest.Pytester, call: str) -> None:
    """The developer needs these lines, and not those of the package between them."""
    project.makepyfile(test_orders=f"def test_order(phone):\n    {call}\n")

    shown = failure_of(project)

    assert [line for line in shown if line.startswith((">", "E ")) or re.match(r"\S+\.py:\d+", line)] == [
        '>       return f"That is {price(item)}"',
        "handlers.py:10: ",
        '>       return {"tea": 2}[item]',
        "E       KeyError: 'milk'",
        "handlers.py:6: KeyError",
        f">       {call}",
        "E       twiml_app.errors.CallError: http://localhost/message: answered 500: the handler failed",
        "test_orders.py:2: CallError",
    ]
    assert "The above exception was the direct cause of the following exception:" in shown


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("number", "handlers.number returned int: return a str, *", id="wrong type"),
        pytest.param("picture", "handlers.picture returned *neither text nor media", id="empty message"),
    ],
)
def test_wrong_return_value_shows_the_name_of_the_handler(project: pytest.Pytester, text: str, error: str) -> None:
    """A return value has no line of its own, so the message has to name the handler."""
    project.makepyfile(test_orders=f"def test_order(phone):\n    phone.text('{text}')\n")

    result = project.runpytest_subprocess("--show-capture=no")

    result.stdout.fnmatch_lines(
        [f"twiml_app.errors.ReplyError: {error}", ">*phone.text*", "E*CallError: *", "test_orders.py:2: *"]
    )
    result.stdout.no_re_match_line(r"(\S*/)?(testing|caller|answering|replies|receiver)\.py:")


def test_failing_condition_of_a_route_is_shown(project: pytest.Pytester) -> None:
    """Conditions are the program's own code, too."""
    project.makepyfile(test_orders="def test_order(phone):\n    phone.text('condition')\n")

    result = project.runpytest_subprocess("--show-capture=no")

    result.stdout.fnmatch_lines([">*lambda message: 1 / 0*", "handlers.py:*ZeroDivisionError", "test_orders.py:2: *"])


def test_recording_shows_which_handler_raised_what_and_where(project: pytest.Pytester) -> None:
    """The answer of a failed handler says nothing about the reason."""
    write_file(project.path / "a.jsonl", [exchange("order milk", "That is 3")])

    shown = failure_of(project)

    assert sorted(shown[-6:-3]) == ["    + status 500", "    + the handler failed", "    + type text/plain"]
    assert shown[-3:] == [
        "    handlers.order raised KeyError: 'milk'",
        "        at handlers.py:10",
        "        at handlers.py:6",
    ]


def test_recording_names_the_handler_of_a_wrong_return_value(project: pytest.Pytester) -> None:
    """The same holds for a handler that returns nonsense."""
    write_file(project.path / "a.jsonl", [exchange("number", "42")])

    shown = failure_of(project)

    assert shown[-1].startswith("    ReplyError: handlers.number returned int: return a str, ")


def test_recorded_failure_that_still_fails_agrees(project: pytest.Pytester) -> None:
    """Recordings of failures are kept as tests, too."""
    recorded = exchange("order milk", "")
    answer = replace(recorded.answer, status=500, content_type="text/plain", body=b"the handler failed\n")
    write_file(project.path / "a.jsonl", [replace(recorded, answer=answer)])

    project.runpytest_subprocess().assert_outcomes(passed=1)
