"""Mistakes in a registration, which the decorators of a router refuse or warn about."""

from __future__ import annotations

import difflib
import inspect
import re
import warnings

from ..enqueueing import function_name, work_parameters
from ..errors import CannotStore, RegistrationError
from ..statuses import STATUSES
from .routes import CONVERSATION, NO_CONDITIONS, Conditions, Handler, name_of, place_of, takes_conversation


def require_parentheses(decorator: str, example: str, arguments: tuple[object, ...]) -> None:
    """Refuse a decorator without parentheses, which is called with the handler only.

    Raises: RegistrationError, which says how to write it.
    """
    if len(arguments) == 1 and callable(arguments[0]):
        raise RegistrationError(
            f"@router.{decorator} needs parentheses with an argument: write @router.{decorator}({example})",
            place_of(arguments[0]),
        )


def require_pattern_or_condition(pattern: object, conditions: Conditions) -> None:
    """Refuse a registration for messages without a criterion, or with something else in place of the pattern.

    Raises: RegistrationError, which says how to write it.
    """
    if not isinstance(pattern, str | re.Pattern | None):
        raise RegistrationError(
            "@router.message takes one text pattern or one compiled regular expression,"
            f' such as @router.message("hello"), not {type(pattern).__name__}'
        )
    if pattern is None and conditions == NO_CONDITIONS:
        raise RegistrationError(
            "@router.message needs a pattern or a condition: for all other messages use @router.default"
        )


def require_message_fit(handler: Handler, captures: tuple[str, ...] = ()) -> bool:
    """Refuse a handler of messages that could not be called, and return whether it takes the conversation too.

    Raises: RegistrationError, which says how to write it.
    """
    try:
        stateful = takes_conversation(handler, captures)
    except (TypeError, ValueError):  # the check below says what is wrong
        stateful = False
    require_fit(handler, (*captures, CONVERSATION) if stateful else captures, "a message")
    return stateful


def require_fit(handler: Handler, captures: tuple[str, ...], subject: str) -> None:
    """Refuse a handler that could not be called with its arguments.

    Raises: RegistrationError, which says how to write it.
    """
    if inspect.iscoroutinefunction(handler):
        raise RegistrationError(NOT_ASYNC, place_of(handler))
    try:
        # A decorator may pass arguments of its own: what is called is the wrapper.
        signature = inspect.signature(handler, follow_wrapped=False)
        first = next(iter(signature.parameters), "")
        if first in captures:
            problem = f"the pattern captures {first!r}, which is the handler's first parameter: rename one of them"
            raise RegistrationError(problem, place_of(handler))
        signature.bind(object(), **dict.fromkeys(captures))
    except (TypeError, ValueError) as error:  # ValueError: a builtin whose parameters are unknown
        wanted = ", ".join([subject.split()[1], *captures])
        raise RegistrationError(
            f"the handler is called with {subject}{' and ' if captures else ''}{', '.join(captures)}, but it does not"
            f" accept that ({error}): write def {name_of(handler).rpartition('.')[2]}({wanted})",
            place_of(handler),
        ) from error


NOT_ASYNC = (
    "a handler is a plain function, not async: write def, and run what is slow after the answer, with"
    " enqueue(function, message) in the handler, or with then=function in @router.message, which sends what the"
    " function returns. These functions may be async def"
)


def require_work_fit(then: Handler, captures: tuple[str, ...]) -> None:
    """Refuse a function for ``then=`` that another process could not find, or that could not be called.

    Raises: RegistrationError.
    """
    try:
        function_name(then)
        given = {*captures, *work_parameters(then)}
        inspect.signature(then).bind(object(), **dict.fromkeys(given))
    except (CannotStore, TypeError) as error:
        wanted = ", ".join(["message", *captures])
        raise RegistrationError(
            f"the function of then= is called with {wanted}, in another process, which it does not allow: {error}",
            place_of(then),
        ) from error


def warn_unknown_status(status: str) -> None:
    """Warn at the line of the decorator about a status that Twilio does not document."""
    if status in STATUSES:
        return
    near = difflib.get_close_matches(status, STATUSES, 1)
    hint = f", did you mean {near[0]}?" if near else ""
    warnings.warn(f"{status!r} is not a MessageStatus that Twilio documents{hint}", stacklevel=3)
