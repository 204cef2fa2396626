"""Why a program does not load, as its developer wants to read it."""

from __future__ import annotations

from pathlib import Path
from traceback import StackSummary, TracebackException

from ..errors import TwimlAppError

#: The length to which a traceback is cut; its end says most.
MAX_CHARACTERS = 20_000
_OWN = (str(Path(__file__).parent.parent), "<frozen ")


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an exception without the frames of this package and of the import system.

    Our own errors are a line that says what to do.
    """
    if isinstance(error, TwimlAppError):
        return f"{error}\n"
    found = TracebackException.from_exception(error)
    each: TracebackException | None = found
    while each is not None:
        _shorten(each)
        each = each.__cause__ or each.__context__
    return "".join(found.format())[-MAX_CHARACTERS:]


def _shorten(trace: TracebackException) -> None:
    """Leave out our frames, unless an exception has no others; the message of a syntax error says where it is."""
    frames = [frame for frame in trace.stack if not frame.filename.startswith(_OWN) and not _imports(frame.filename)]
    is_syntax_error = hasattr(trace, "lineno")
    if frames or is_syntax_error:
        trace.stack = StackSummary.from_list(frames)


def _imports(file: str) -> bool:
    return Path(file).parts[-2:] == ("importlib", "__init__.py")
