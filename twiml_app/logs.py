"""The log: one line per event, with its message, handler and outcome, but no bodies and no secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from typing import TextIO

logger = logging.getLogger("twiml_app")

_SHOWN_DIGITS = 4
#: The length to which a field, and each line of a traceback, is cut: some of it comes from requests.
MAX_FIELD_CHARACTERS = 1000
#: Control characters that a terminal would obey.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: A value as most are: printable, and without the characters below.
_CLEAR = re.compile(r"[!#-<>-~]+")
#: Characters that would make a value look like two values, or like another field.
_UNCLEAR = re.compile(r'[\s"=]')


def mask(address: str) -> str:
    """Return an address with only its channel and last digits shown: ``whatsapp:+*******0001``."""
    prefix, colon, number = address.rpartition(":")
    hidden = len(number) - _SHOWN_DIGITS
    if hidden <= 0:
        return prefix + colon + "*" * len(number)
    plus = "+" if number.startswith("+") else ""
    return prefix + colon + plus + "*" * (hidden - len(plus)) + number[hidden:]


class EventLine:
    """The message of a log record about an event, which is put together when a handler of the log asks for it.

    ``fields`` returns its fields; those without a value are left out, and long ones are cut.
    """

    __slots__ = ("_event", "_fields")

    def __init__(self, event: str, fields: Callable[[], Mapping[str, object]]) -> None:
        self._event = event
        self._fields = fields

    @property
    def fields(self) -> dict[str, object]:
        """The event and its fields, for a log with structure."""
        given = {"event": self._event, **self._fields()}
        return {name: value for name, value in given.items() if value is not None and str(value)}

    def __str__(self) -> str:
        texts = {name: text for name, value in self._fields().items() if value is not None and (text := str(value))}
        return f"{self._event} {_log_words(texts)}" if texts else self._event


def log_event(level: int, event: str, fields: Mapping[str, object]) -> None:
    """Log the line of an event."""
    log_line(level, EventLine(event, lambda: fields))


def log_line(level: int, line: EventLine) -> None:
    """Log a line."""
    if not logger.isEnabledFor(level):
        return
    # Not by logger.log, which would walk the stack to find the caller: it is always this line.
    logger.handle(logger.makeRecord(logger.name, level, __file__, 0, line, (), None, __name__))


def _log_words(texts: Mapping[str, str]) -> str:
    """Return fields as they are logged; nearly always, all of their values are clear and short."""
    joined = "".join(texts.values())
    if len(joined) <= MAX_FIELD_CHARACTERS and _CLEAR.fullmatch(joined):
        return " ".join([f"{name}={text}" for name, text in texts.items()])
    return " ".join([f"{name}={_log_value(_cut(text))}" for name, text in texts.items()])


def _cut(text: str) -> str:
    """Return a text, with an ellipsis at its end if it is too long."""
    return text if len(text) <= MAX_FIELD_CHARACTERS else text[: MAX_FIELD_CHARACTERS - 1] + "…"


def _log_value(text: str) -> str:
    """Return a value as one word; control characters and line breaks are escaped."""
    if _CLEAR.fullmatch(text):
        return text
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False) if _UNCLEAR.search(text) else text
    return json.dumps(text)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object, which has the fields of an event as its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON object as one line."""
        entry: dict[str, object] = {
            "time": format_time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.msg, EventLine):
            entry.update(map(_short, record.msg.fields.items()))
        else:
            entry["message"] = record.getMessage()
        if record.exc_info:
            entry["exception"] = "\n".join(map(_cut, self.formatException(record.exc_info).split("\n")))
        return json.dumps(entry, default=str)


def _short(field: tuple[str, object]) -> tuple[str, object]:
    """Return a field whose text is not too long; numbers stay numbers."""
    name, value = field
    text = str(value)
    return name, value if len(text) <= MAX_FIELD_CHARACTERS else _cut(text)


class TextFormatter(logging.Formatter):
    """Formats a record as time, level and text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback of an exception below it."""
        line = f"{format_time(record.created)} {record.levelname.lower():7} {record.getMessage()}"
        return f"{line}\n{_indented(self.formatException(record.exc_info))}" if record.exc_info else line


def _indented(trace: str) -> str:
    """Indent a traceback, so that no text in an exception can look like a line of the log."""
    lines = (_CONTROL.sub("\ufffd", _cut(line)) for line in trace.splitlines())
    return "\n".join(f"    {line}" for line in lines)


def format_time(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC, with milliseconds."""
    whole = floor(seconds)
    carried, microseconds = divmod(round((seconds - whole) * 1_000_000), 1_000_000)
    return f"{_format_second(whole + carried)}.{microseconds // 1000:03}Z"


@lru_cache(maxsize=100)
def _format_second(seconds: int) -> str:
    """Return a whole second as ISO 8601; most lines of a log share it with the line before."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[: -len("+00:00")]


def set_up(log_format: str, stream: TextIO | None = None) -> None:
    """Log to a stream, standard output by default, unless the program has already set up its logging."""
    if logger.hasHandlers():
        return
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
