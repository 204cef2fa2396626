"""The marker ``twiml_chaos``, in separate pytest runs: recorded conversations under faults, as tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.recordings import record

pytestmark = pytest.mark.slow

HANDLERS = """
from twiml_app import InboundMessage, Router

router = Router()

@router.message("count")
def count(message: InboundMessage, conversation) -> str:
    conversation["texts"] = conversation.get("texts", 0) + 1
    return "one more" if conversation["texts"] > 1 else "the first"

@router.default
def echo(message: InboundMessage) -> str:
    return message.body

routers = [router]
"""
TEST = """
import pytest

@pytest.mark.twiml_chaos("{pattern}")
def test_survives(recorded_conversation):
    recorded_conversation()
"""


def test_conversation_that_does_not_survive_fails_with_what_to_do(pytester: pytest.Pytester) -> None:
    """Each conversation is a test of its own."""
    pytester.makepyfile(handlers=HANDLERS, test_chaos=TEST.format(pattern="*.jsonl"))
    record(Path(pytester.path, "right.jsonl"), "hello")
    record(Path(pytester.path, "wrong.jsonl"), "count")

    result = pytester.runpytest_subprocess("-v")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*test_survives[[]right[]] PASSED*",
            "the conversation wrong does not survive:",
            '    text-duplicate: the copy of text 1 "count" got "one more"',
        ]
    )


def test_marker_without_a_recording_is_an_error(pytester: pytest.Pytester) -> None:
    """The test would pass without having tried anything."""
    pytester.makepyfile(test_chaos=TEST.format(pattern="none/*.jsonl"))

    result = pytester.runpytest_subprocess()

    assert "no recorded conversation in none/*.jsonl" in result.stdout.str() + result.stderr.str()
