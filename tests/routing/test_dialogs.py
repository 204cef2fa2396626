"""Registration of dialogs: what would go wrong when they run again is refused at start-up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any

import pytest

from twiml_app import InboundMessage, Router
from twiml_app.conversations import Dialog, ask, choice, step
from twiml_app.errors import RegistrationError


def question(message: InboundMessage) -> Dialog:
    """Ask one question."""
    yield "Name?"
    return None


def with_finally(message: InboundMessage) -> Dialog:
    """Clean up at each message."""
    try:
        name = yield "Name?"
    finally:
        print("done")
    return name


def with_finally_around_the_handler(message: InboundMessage) -> Dialog:
    """Clean up at each message, too."""
    try:
        print("first")
    except ValueError:
        yield "Name?"
    finally:
        print("done")
    return None


def with_with(message: InboundMessage) -> Dialog:
    """Open something at each message."""
    if message.body:
        with contextlib.suppress(ValueError):
            yield from ask("Name?")
    return None


def with_bare_except(message: InboundMessage) -> Dialog:
    """Catch the end of the run."""
    try:
        yield "Name?"
    except:  # noqa: E722
        return "Hm"
    return None


def with_base_exception(message: InboundMessage) -> Dialog:
    """Catch the end of the run by its name."""
    try:
        yield "Name?"
    except BaseException:
        return "Hm"
    return None


def with_stop(message: InboundMessage) -> Dialog:
    """Offer a word that Twilio takes."""
    yield from ask("Go on?", choice("go", "stop"))
    return None


@pytest.mark.parametrize(
    ("dialog", "line", "problem"),
    [
        (with_finally, 2, "finally around a question would run at each message"),
        (with_finally_around_the_handler, 2, "finally around a question"),
        (with_with, 3, "with around a question would end at each message"),
        (with_bare_except, 2, "this except around a question"),
        (with_base_exception, 2, "this except around a question"),
        (with_stop, 2, "'stop' cannot be a choice: Twilio takes it as STOP"),
    ],
)
def test_source_that_cannot_run_again_is_refused_with_its_line(
    dialog: Callable[..., Any], line: int, problem: str
) -> None:
    """The suite of the program would not notice: it runs each dialog from its beginning."""
    with pytest.raises(RegistrationError, match=problem) as refused:
        Router().dialog("sign up", name="signup")(dialog)

    assert refused.value.places == (f"{__file__}:{dialog.__code__.co_firstlineno + line}",)


def test_clean_up_that_contains_no_question_is_allowed() -> None:
    """Steps run once, and functions inside the dialog are their own business."""

    def fine(message: InboundMessage) -> Dialog:
        options = ["a", "b"]
        try:
            with contextlib.suppress(ValueError):
                yield from step(print)

            def inner() -> Generator[str, str, None]:
                with contextlib.suppress(ValueError):
                    yield ""

        finally:
            print("done")

        try:
            yield from ask("Which?", choice(*options, "c", str(3)))
        except (ValueError, KeyError):
            return str(inner)
        return None

    assert Router().dialog("sign up", name="signup")(fine) is fine


def test_dialog_without_a_source_is_taken_as_it_is() -> None:
    """A program may be compiled."""
    made: dict[str, Any] = {}
    exec("def made(message):\n    try:\n        yield 'Name?'\n    finally:\n        pass\n", made)

    assert Router().dialog("sign up", name="signup")(made["made"]) is made["made"]


def test_lambda_is_not_parsed_as_a_dialog() -> None:
    """Its source is a part of a statement, which may not be Python by itself."""
    router = Router()
    router.dialog(
        "sign up", name="signup")(lambda _message: (yield "Name?"))  # fmt: skip

    assert [dialog.key for dialog in router.dialogs] == [("signup", 1)]


def test_function_without_a_question_is_refused() -> None:
    """It is a handler."""
    with pytest.raises(RegistrationError, match="a dialog asks with yield"):
        Router().dialog("sign up", name="signup")(lambda _message: "Hi")


@pytest.mark.parametrize("cancel", ["Cancel", ["never mind", "quit"]], ids=repr)
def test_cancel_word_that_twilio_takes_is_refused(cancel: Any) -> None:
    """Twilio would take it as STOP, and the contact would get nothing any more."""
    with pytest.raises(RegistrationError, match="cannot be a cancel word: Twilio takes it as STOP"):
        Router().dialog("sign up", name="signup", cancel=cancel)(question)


def test_two_dialogs_of_one_name_and_version_are_refused() -> None:
    """A stored dialog would not know its function; also where two routers are merged."""
    first, second = Router(), Router()
    first.dialog("sign up", name="signup")(question)
    second.dialog("join", name="signup")(question)

    with pytest.raises(RegistrationError, match="there are two dialogs 'signup' of version 1"):
        Router(first, second)


def test_versions_stay_apart_and_old_ones_need_no_pattern() -> None:
    """They are there until their dialogs are done."""
    router = Router()
    router.dialog("sign up", name="signup", version=2)(question)
    router.dialog(name="signup")(question)

    assert [dialog.options.version for dialog in Router(router).dialogs] == [2, 1]
    assert len(router.routes) == 1


def test_dialog_needs_its_parentheses_and_a_pattern_that_can_be_read() -> None:
    """The errors name the line of the decorator."""
    with pytest.raises(RegistrationError, match="needs parentheses"):
        Router().dialog(question, name="signup")  # type: ignore[arg-type]
    with pytest.raises(RegistrationError, match=r"test_dialogs\.py"):
        Router().dialog("<int:>", name="signup")


def test_only_interrupting_routes_run_while_a_dialog_is_open() -> None:
    """All other texts are answers."""
    router = Router()

    @router.message("agent", interrupts=True)
    def agent(message: InboundMessage) -> str:
        return "An agent will call."

    @router.message("hours")
    def hours(message: InboundMessage) -> str:
        return "8 to 18"

    found = [router.interruption(InboundMessage(form=None, body=body)) for body in ("Agent!", "hours", "Liked “Agent”")]  # type: ignore[arg-type]

    assert [each and each.route.handler for each in found] == [agent, None, None]
