"""The error tree: which class to catch, and which attributes errors have."""

from __future__ import annotations

import inspect
import re

import pytest

from twiml_app import errors


def test_docstring_shows_the_actual_error_tree() -> None:
    """People use it to choose what to catch, so every class must be in it, under its base."""
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.fullmatch(r"    ((?:[│ ]   )*(?:[├└]── )?)([A-Z][A-Za-z]+)(?: .*)?", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            drawn[found[2]] = path[depth - 1] if depth else "Exception"
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]

    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in classes}


@pytest.mark.parametrize(
    ("error", "message", "attributes"),
    [
        pytest.param(
            errors.ConfigurationError("TWIML_ACCOUNTS", "give strings"),
            "TWIML_ACCOUNTS: give strings",
            {"setting": "TWIML_ACCOUNTS", "problem": "give strings"},
            id="setting",
        ),
        pytest.param(
            errors.RegistrationError("a pattern twice", "a.py:1 one", "b.py:2 two"),
            "a pattern twice\n  at a.py:1 one\n  at b.py:2 two",
            {"places": ("a.py:1 one", "b.py:2 two")},
            id="both places of a registration",
        ),
        pytest.param(errors.MalformedRequest("no"), "no", {"status": 400, "line": "no", "reason": "no"}, id="400"),
        pytest.param(errors.Unauthorized("no"), "no", {"status": 401, "line": "no", "reason": "no"}, id="401"),
        pytest.param(
            errors.Forbidden("no", reason="the token"),
            "no",
            {"status": 403, "line": "no", "reason": "the token"},
            id="403 with a reason only for the log",
        ),
        pytest.param(errors.RequestTooLarge("no"), "no", {"status": 413, "line": "no", "reason": "no"}, id="413"),
        pytest.param(
            errors.ReplyError("returned int", handler="a.py:1 one"),
            "a.py:1 one returned int",
            {"handler": "a.py:1 one"},
            id="handler of a reply",
        ),
        pytest.param(errors.TwimlError("no"), "no", {"code": 12200}, id="TwiML"),
        pytest.param(errors.TwimlError("no", code=14103), "no", {"code": 14103}, id="TwiML with its error code"),
        pytest.param(
            errors.CallError("refused", url="http://a/b", code=11202),
            "http://a/b: refused",
            {"url": "http://a/b", "problem": "refused", "code": 11202},
            id="URL of a call",
        ),
    ],
)
def test_errors_have_a_message_and_attributes(
    error: errors.TwimlAppError, message: str, attributes: dict[str, object]
) -> None:
    """Programs read the attributes and people read the message."""
    assert str(error) == message
    assert {name: getattr(error, name) for name in attributes} == attributes


def test_refusals_have_one_base_class() -> None:
    """The code that answers a refused request catches them all in one place."""
    refusals = [errors.Unauthorized, errors.Forbidden, errors.MalformedRequest, errors.RequestTooLarge]

    assert {kind.status for kind in refusals if issubclass(kind, errors.RequestRefused)} == {400, 401, 403, 413}
