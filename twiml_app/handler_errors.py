"""Exceptions of handlers in an application that is called in this process: collected, and shown without our frames."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import FrameSummary, extract_tb
from types import TracebackType

from blinker import ANY
from flask import Flask, got_request_exception

from .errors import CallError

_LIBRARIES = ("twiml_app", "flask", "werkzeug")


@contextmanager
def collect_errors(app: Flask | None = None) -> Iterator[list[Exception]]:
    """Collect the exceptions that an application, or any, reports to Flask's signal in this thread."""
    errors: list[Exception] = []
    thread = threading.get_ident()

    def keep(_: Flask, exception: Exception, **_more: object) -> None:
        if threading.get_ident() == thread:
            errors.append(exception)

    with got_request_exception.connected_to(keep, ANY if app is None else app):
        yield errors


@contextmanager
def handler_as_cause(app: Flask) -> Iterator[None]:
    """Chain the CallError for a 500 to the exception of the handler, which pytest then shows at its line.

    Raises: CallError.
    """
    with collect_errors(app) as errors:
        try:
            yield
        except CallError as error:
            if errors and error.status == 500:
                raise error from _without_our_frames(errors[-1])
            raise


def describe_error(error: Exception) -> list[str]:
    """Return which handler raised what, and the lines where: in the handler, and where the exception comes from."""
    frames = _handler_frames(error.__traceback__)
    if frames is None:
        return [_in_one_line(error)]
    frame, calls = frames.tb_frame, extract_tb(frames)
    places = dict.fromkeys([_source_line(calls[0]), _source_line(calls[-1])])
    handler = f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}"
    return [f"{handler} raised {_in_one_line(error)}", *(f"    at {place}" for place in places)]


def _handler_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first frame that is neither ours nor Flask's; None if there is no such frame."""
    while frames and str(frames.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in _LIBRARIES:
        frames = frames.tb_next
    return frames


def _without_our_frames(error: Exception) -> Exception:
    """Return an exception, and its causes, with tracebacks that begin in the handler."""
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and not any(each is other for other in seen):
        seen.append(each)
        each.__traceback__ = _handler_frames(each.__traceback__)
        each = each.__context__ if each.__cause__ is None else each.__cause__
    return error


def _in_one_line(error: Exception) -> str:
    try:
        message = " ".join(str(error).split())
    except Exception:  # an exception may fail to describe itself
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _source_line(call: FrameSummary) -> str:
    path = Path(call.filename)
    short = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{short}:{call.lineno}"
