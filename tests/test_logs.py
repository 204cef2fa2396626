"""The log: one line per event, which no input can break, without personal data."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app.logs import MAX_FIELD_CHARACTERS, JsonFormatter, TextFormatter, log_event, logger, mask, set_up


class Collected(logging.Handler):
    """Collects records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collect a record."""
        self.records.append(record)


@contextmanager
def logging_to(*handlers: logging.Handler) -> Iterator[None]:
    """Replace the handlers of the logger, including those of pytest, and restore them afterwards."""
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [*handlers], False
    logger.setLevel(logging.NOTSET)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])


def written(log_format: str, event: str, fields: dict[str, object], *, encoding: str = "utf-8") -> str:
    """Return the log output of an event."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    with logging_to(handler):
        logger.setLevel(logging.INFO)
        log_event(logging.INFO, event, fields)
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("+15005550001", "+*******0001", id="number"),
        pytest.param("whatsapp:+15005550001", "whatsapp:+*******0001", id="channel"),
        pytest.param("rcs:agent:shop_1234", "rcs:agent:*****1234", id="more colons"),
        pytest.param("15005550001", "*******0001", id="number of 2008"),
        pytest.param("72345", "*2345", id="short code"),
        pytest.param("2345", "****", id="too short to show any digit"),
        pytest.param("messenger:12", "messenger:**", id="short after a channel"),
        pytest.param("", "", id="empty"),
        pytest.param(":", ":", id="only a colon"),
    ],
)
def test_address_is_masked_except_for_its_end(address: str, shown: str) -> None:
    """Many people read logs for years; four digits are enough to find the messages of a contact who asks."""
    assert mask(address) == shown


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="*"), max_size=20))
def test_masked_address_shows_at_most_four_characters_of_a_number(address: str) -> None:
    """Addresses differ between channels."""
    prefix, colon, number = address.rpartition(":")
    shown = mask(address).removeprefix(prefix + colon)

    assert len(shown) == len(number)
    assert len(shown.replace("*", "").removeprefix("+")) <= 4
    assert len(number) <= 4 or shown.endswith(number[-4:])


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"sid": "SM0", "ms": 1.5}, "sid=SM0 ms=1.5", id="fields"),
        pytest.param(
            {"a": None, "b": "", "c": 0, "d": False},
            "c=0 d=False",
            id="empty values are left out, zero and False are not",
        ),
        pytest.param({"a": "two words"}, 'a="two words"', id="white space is quoted"),
        pytest.param({"a": 'say "hi"'}, r'a="say \"hi\""', id="quotes are escaped"),
        pytest.param({"a": "x=1"}, 'a="x=1"', id="equals sign is quoted"),
        pytest.param({"a": "größe 😀"}, 'a="größe 😀"', id="other scripts are not escaped"),
        pytest.param({"a": "grün"}, "a=grün", id="word of another script"),
        pytest.param({"a": "x\nrefused status=403"}, r'a="x\nrefused status=403"', id="line break"),
        pytest.param({"a": "x\x1b[2J"}, r'a="x\u001b[2J"', id="escape code of a terminal"),
        pytest.param({"a": "x\x9b2J\x7f"}, r'a="x\u009b2J\u007f"', id="escape code in one character"),
        pytest.param({"a": "x\u2028\x85y"}, r'a="x\u2028\u0085y"', id="line breaks of Unicode"),
        pytest.param({"a": "x\u202egnp.exe"}, r'a="x\u202egnp.exe"', id="text that runs backwards"),
        pytest.param({"a": "\udcff"}, r'a="\udcff"', id="byte that is not UTF-8"),
        pytest.param({"a": "%s %d"}, 'a="%s %d"', id="percent sign is not a placeholder"),
        pytest.param({}, "", id="none"),
    ],
)
def test_event_is_logged_as_one_line_of_fields(fields: dict[str, object], shown: str) -> None:
    """People search the log, and senders choose some of the values."""
    line = written("text", "inbound message", fields)

    assert line.partition(" ")[2] == f"info    inbound message{' ' if shown else ''}{shown}\n"


STRANGE = st.text(max_size=20) | st.text(st.sampled_from('\n\r\x85\u2028\x1b"= \\\udcffa'), max_size=10)


FIELD = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)')


@settings(deadline=None)
@given(STRANGE, STRANGE)
def test_no_value_can_forge_a_line_or_a_field(one: str, other: str) -> None:
    """An attacker could hide traces with forged lines or control characters."""
    line = written("text", "refused", {"one": one, "other": other, "status": 403}).removesuffix("\n")
    fields = line.partition("refused")[2]

    assert line.isprintable()
    assert FIELD.sub("", fields) == ""
    assert {name: json.loads(value) if value.startswith('"') else value for name, value in FIELD.findall(fields)} == {
        name: value for name, value in (("one", one), ("other", other), ("status", "403")) if value
    }


@settings(deadline=None)
@given(STRANGE, st.sampled_from(["utf-8", "ascii"]))
def test_json_line_is_one_object_that_can_be_parsed(value: str, encoding: str) -> None:
    """Log collectors silently drop lines that they cannot parse, and containers may not use UTF-8."""
    text = written("json", "refused", {"reason": value, "status": 403}, encoding=encoding)
    given = {"reason": value} if value else {}

    assert len(text.splitlines()) == 1
    entry = json.loads(text)
    assert entry.pop("time").endswith("Z")
    assert entry == {"level": "info", "logger": "twiml_app", "event": "refused", **given, "status": 403}


def record(message: str, *arguments: object, created: float = 0.0015, **attributes: Any) -> logging.LogRecord:
    """Return a record of another library."""
    made = logging.LogRecord("library", logging.WARNING, "x.py", 1, message, arguments, None)
    vars(made).update({"created": created, **attributes})
    return made


def failure() -> Any:
    """Return an exception as a log record stores it."""
    try:
        raise ValueError("broken")
    except ValueError:
        return sys.exc_info()


def test_records_of_other_libraries_are_formatted_too() -> None:
    """A log collector needs one format per stream."""
    assert TextFormatter().format(record("%s left", 2)) == "1970-01-01T00:00:00.001Z warning 2 left"
    assert json.loads(JsonFormatter().format(record("%s left", 2))) == {
        "time": "1970-01-01T00:00:00.001Z",
        "level": "warning",
        "logger": "library",
        "message": "2 left",
    }


def test_exception_is_logged_with_its_traceback() -> None:
    """The traceback shows the line of the handler that failed."""
    failed = record("it failed", exc_info=failure())

    first, _, traceback = TextFormatter().format(failed).partition("\n")
    assert first == "1970-01-01T00:00:00.001Z warning it failed"
    assert traceback.startswith("    Traceback (most recent call last):\n")
    assert traceback.endswith("\n    ValueError: broken")
    entry = JsonFormatter().format(failed)
    assert "\n" not in entry
    assert json.loads(entry)["exception"].endswith("ValueError: broken")


def test_exception_cannot_forge_a_line_of_the_log() -> None:
    """Anybody can text a line break, and a handler may put the text into an error."""
    try:
        raise ValueError("no\n2026-11-21T00:00:00.000Z info    inbound message sid=forged \x1b[31m")
    except ValueError:
        lines = TextFormatter().format(record("it failed", exc_info=sys.exc_info())).splitlines()

    assert all(line.startswith("    ") for line in lines[1:])
    assert "\x1b" not in "".join(lines)


def test_value_that_json_does_not_support_is_logged_as_a_string() -> None:
    """Otherwise the whole line would be lost."""
    assert json.loads(written("json", "x", {"path": {1: {2}}, "error": ValueError("a")})) | {"time": ""} == {
        "time": "",
        "level": "info",
        "logger": "twiml_app",
        "event": "x",
        "path": {"1": "{2}"},
        "error": "a",
    }


def test_event_below_the_level_is_not_logged() -> None:
    """Challenges are logged for debugging only: in production they are noise."""
    collected = Collected()
    with logging_to(collected):
        logger.setLevel(logging.INFO)
        log_event(logging.DEBUG, "refused", {})
        log_event(logging.INFO, "inbound message", {"sid": "SM0"})

    assert [(each.name, each.levelno, each.getMessage()) for each in collected.records] == [
        ("twiml_app", logging.INFO, "inbound message sid=SM0")
    ]


@pytest.mark.parametrize(
    ("log_format", "shown"),
    [pytest.param("text", " info    x a=1\n", id="text"), pytest.param("json", '"event": "x", "a": 1}\n', id="json")],
)
def test_log_is_set_up_by_default(log_format: str, shown: str) -> None:
    """Each line appears once in the configured format, even with several applications in a process."""
    stream = io.StringIO()
    with logging_to():
        set_up(log_format, stream)
        set_up("json", io.StringIO())
        log_event(logging.INFO, "x", {"a": 1})
        log_event(logging.DEBUG, "y", {})

    assert stream.getvalue().endswith(shown)
    assert stream.getvalue().count("\n") == 1


def test_lines_go_to_standard_output_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Platforms collect it, and treat standard error as failures."""
    with logging_to():
        set_up("text")
        log_event(logging.INFO, "x", {})

    assert capsys.readouterr().out.endswith(" info    x\n")


def test_logging_that_the_program_set_up_is_not_changed() -> None:
    """A second handler would write every line twice."""
    own = Collected()
    with logging_to(own):
        set_up("json")

        assert logger.handlers == [own]
        assert logger.level == logging.NOTSET


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_long_fields_are_cut(log_format: str) -> None:
    """A request may contain 200 kB in one parameter, and the log is kept for years."""
    long = "x" * 200_000
    line = written(log_format, "event", {"status": long, "problem": ValueError(long), "number": 12})
    cut = "x" * (MAX_FIELD_CHARACTERS - 1) + "…"

    if log_format == "text":
        assert line.rstrip().endswith(f"event status={cut} problem={cut} number=12")
    else:
        fields = json.loads(line)
        assert (fields["status"], fields["problem"], fields["number"]) == (cut, cut, 12)


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_long_lines_of_a_traceback_are_cut(formatter: logging.Formatter) -> None:
    """The text of an exception often quotes what a person sent."""
    try:
        raise ValueError("x" * 200_000)
    except ValueError:
        record = logger.makeRecord(logger.name, logging.ERROR, __file__, 0, "failed", (), sys.exc_info())

    assert len(formatter.format(record)) < 5 * MAX_FIELD_CHARACTERS
