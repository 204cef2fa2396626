"""Exceptions of handlers: collected per call, described in a few lines, and chained without our frames."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from twilio.twiml.messaging_response import MessagingResponse as OfficialResponse

from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml
from twiml_app.errors import CallError, ReplyError, TwimlError
from twiml_app.handler_errors import collect_errors, describe_error, handler_as_cause
from twiml_app.testing import Phone

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"}


class Odd(Exception):
    """An exception that cannot describe itself, and that is equal to any other."""

    def __str__(self) -> str:
        raise RuntimeError("no description")

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def app_with(handler: Callable[[InboundMessage], object], **settings: str) -> Flask:
    """Make an application whose default handler is this one."""
    router = Router()
    router.default(handler)
    app = Flask("failing")
    app.config.update(SETTINGS | settings)
    Twiml(app, router=router)
    return app


def fail(message: InboundMessage) -> str:
    """Fail on a line of this file."""
    raise ValueError("a\n bug")


def failure(handler: Callable[[InboundMessage], object]) -> CallError:
    """Text an application whose handler fails."""
    with pytest.raises(CallError) as failed:
        Phone(app_with(handler)).text("hi")
    return failed.value


def test_cause_of_a_failed_call_is_the_exception_of_the_handler() -> None:
    """Its traceback begins in the handler, where the developer has to look."""
    error = failure(fail)
    (frame,) = traceback.extract_tb(error.__cause__.__traceback__ if error.__cause__ else None)

    assert str(error) == "http://localhost/message: answered 500: the handler failed"
    assert isinstance(error.__cause__, ValueError)
    assert (frame.name, Path(frame.filename)) == ("fail", Path(__file__))


def test_causes_of_the_cause_have_no_frames_of_ours_either() -> None:
    """An invalid document in a reply is an error inside an error."""

    def dial(message: InboundMessage) -> OfficialResponse:
        response = OfficialResponse()
        response.add_child("Dial")
        return response

    error = failure(dial)

    assert isinstance(error.__cause__, ReplyError)
    assert isinstance(error.__cause__.__cause__, TwimlError)
    assert (error.__cause__.__traceback__, error.__cause__.__cause__.__traceback__) == (None, None)


def test_equal_exceptions_in_a_chain_are_different_exceptions() -> None:
    """Libraries define equality of exceptions as they like."""

    def chain(message: InboundMessage) -> str:
        try:
            raise Odd
        except Odd:
            raise Odd from None

    error = failure(chain)

    assert error.__cause__
    assert [frame.name for frame in traceback.extract_tb(error.__cause__.__traceback__)] == ["chain"]
    assert error.__cause__.__context__
    assert [frame.name for frame in traceback.extract_tb(error.__cause__.__context__.__traceback__)] == ["chain"]


def test_refusal_has_no_handler_as_its_cause() -> None:
    """Only a 500 is the fault of a handler."""
    app = app_with(fail)
    with pytest.raises(CallError) as failed, handler_as_cause(app):
        raise CallError("answered 401", url="http://localhost/", status=401)

    assert failed.value.__cause__ is None


def test_exception_of_an_earlier_call_is_not_the_cause() -> None:
    """An application may answer 500 for a reason of its own."""
    phone = Phone(app_with(lambda message: fail(message) if message.body == "fail" else "ok"))
    with pytest.raises(CallError):
        phone.text("fail")

    assert phone.text("hi").texts == ["ok"]


def test_exceptions_of_other_threads_are_not_collected() -> None:
    """Tests may text an application from several threads."""
    app = app_with(fail)

    def text() -> None:
        with pytest.raises(CallError):
            Phone(app).text("hi")

    with collect_errors(app) as errors:
        thread = threading.Thread(target=text)
        thread.start()
        thread.join()
        assert errors == []
        text()
    assert [str(error) for error in errors] == ["a\n bug"]


def described(handler: Callable[[InboundMessage], object]) -> list[str]:
    """Return the description of what a handler raises."""
    app = app_with(handler)
    with collect_errors(app) as errors, pytest.raises(CallError):
        Phone(app).text("hi")
    (error,) = errors
    return describe_error(error)


def test_description_names_the_handler_the_exception_and_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are short inside the project, as in other messages."""
    monkeypatch.chdir(Path(__file__).parent)
    line = fail.__code__.co_firstlineno + 2

    assert described(fail) == [f"{__name__}.fail raised ValueError: a bug", f"    at test_handler_errors.py:{line}"]


def test_description_names_the_line_in_the_handler_and_where_the_exception_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cause is often in a helper, and the way there in the handler."""
    monkeypatch.chdir(tmp_path)

    def outer(message: InboundMessage) -> str:
        return fail(message)

    place = outer.__code__.co_firstlineno + 1
    lines = described(outer)

    assert lines[0].endswith(".<locals>.outer raised ValueError: a bug")
    assert lines[1:] == [
        f"    at {__file__}:{place}",
        f"    at {__file__}:{fail.__code__.co_firstlineno + 2}",
    ]


def test_description_of_a_wrong_return_value_names_the_handler() -> None:
    """It has no line: the error arises after the handler has returned."""

    def number(message: InboundMessage) -> int:
        return 42

    (line,) = described(number)

    assert line.startswith("ReplyError: ")
    assert ".number returned int: return a str" in line


def test_exception_that_cannot_describe_itself_is_named() -> None:
    """A test must show the failure of a handler, whatever its exception does."""

    def odd(message: InboundMessage) -> str:
        raise Odd

    assert described(odd)[0].endswith(".odd raised Odd")
