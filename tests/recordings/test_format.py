"""Recordings: every exchange that is written can be read back unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.caller.forms import status_form
from twiml_app.errors import RecordingError
from twiml_app.recordings.format import Exchange, read_file, read_line, write_file, write_line
from twiml_app.webhook import TWIML_TYPE, Form, WebhookResponse

SID = "SM" + "5" * 32
EXCHANGE = Exchange(
    received_at=1700000000.123,
    kind="message",
    endpoint="message",
    method="POST",
    url="https://sms.example.com/message",
    headers={"content-type": "application/x-www-form-urlencoded"},
    form=Form([("MessageSid", SID), ("Body", "menu")]),
    answer=WebhookResponse(status=200, content_type=TWIML_TYPE, body=b"<Response/>"),
    handler="handlers.keywords.menu",
    outcome="replied",
    milliseconds=1.5,
)
LINE = (
    '{"schema": 1, "time": "2023-11-14T22:13:20.123Z", "event": "message", "endpoint": "message", "method": "POST",'
    ' "url": "https://sms.example.com/message", "headers": {"content-type": "application/x-www-form-urlencoded"},'
    f' "form": {{"MessageSid": "{SID}", "Body": "menu"}},'
    ' "answer": {"status": 200, "type": "text/xml; charset=utf-8", "body": "<Response/>"},'
    ' "handler": "handlers.keywords.menu", "outcome": "replied", "ms": 1.5}'
)

#: Strings as Form.read returns them for any bytes: bytes that are not UTF-8 become surrogate escapes.
wire_text = st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")) | st.text()


def test_line_is_readable() -> None:
    """People review recordings in pull requests: names, order and text must be easy to read."""
    assert write_line(EXCHANGE) == LINE
    assert read_line(LINE) == EXCHANGE


def test_sid_and_time_of_an_exchange() -> None:
    """Reports identify an exchange by them, for every generation of webhooks."""
    legacy = replace(EXCHANGE, form=Form([("SmsSid", "SMold")]))

    assert (EXCHANGE.sid, legacy.sid, replace(EXCHANGE, form=Form()).sid) == (SID, "SMold", "")
    assert EXCHANGE.time == "2023-11-14T22:13:20.123Z"


@given(st.lists(st.tuples(wire_text, wire_text)), st.dictionaries(st.text(), st.text()))
def test_any_form_is_read_back_unchanged(pairs: list[tuple[str, str]], results: dict[str, str]) -> None:
    """A replay must send the received bytes, with repeated names, invalid UTF-8, emoji and line separators."""
    exchange = replace(EXCHANGE, form=Form(pairs), results=results)

    line = write_line(exchange)

    assert "\n" not in line
    line.encode()
    assert read_line(line) == exchange
    assert read_line(line).form.encode() == exchange.form.encode()


@given(st.lists(wire_text, max_size=4))
def test_any_file_is_read_back_unchanged(tmp_path_factory: pytest.TempPathFactory, bodies: list[str]) -> None:
    """One unusual body (U+2028 ends a line for some readers) must not make the others unreadable."""
    file = tmp_path_factory.mktemp("recordings") / "a.jsonl"
    exchanges = [replace(EXCHANGE, form=Form([("Body", body)])) for body in bodies]

    write_file(file, exchanges)

    assert read_file(file) == exchanges
    assert [path.name for path in file.parent.iterdir()] == ["a.jsonl"]


@given(st.floats(0, 4e9))
def test_time_does_not_change_when_written_again(seconds: float) -> None:
    """The import identifies exchanges by their time, so it must not change with each export."""
    once = read_line(write_line(replace(EXCHANGE, received_at=seconds)))

    assert write_line(read_line(write_line(once))) == write_line(once)


def _with(**changes: object) -> str:
    return json.dumps({**json.loads(LINE), **changes})


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("{", "not a recorded exchange", id="not JSON"),
        pytest.param("[]", "not a recorded exchange", id="another JSON"),
        pytest.param("null", "not a recorded exchange", id="null"),
        pytest.param("{}", "KeyError('schema')", id="an empty object"),
        pytest.param(_with(schema=3), "schema 3 is newer than 2: upgrade twiml-app", id="a newer schema"),
        pytest.param(_with(effects=[{}]), "not a recorded exchange", id="an effect without a kind"),
        pytest.param(_with(effects=[{"kind": 1}]), "the kind of an effect must be a string", id="a number as a kind"),
        pytest.param(_with(schema="1"), "not a recorded exchange", id="a schema as a string"),
        pytest.param(_with(endpoint="admin"), "endpoint 'admin'", id="an unknown endpoint"),
        pytest.param(_with(time="yesterday"), "not a recorded exchange", id="not a time"),
        pytest.param(_with(form=[["Body"]]), "not a recorded exchange", id="half a pair"),
        pytest.param(_with(form={"Body": 1}), "not a recorded exchange", id="a number instead of a string"),
        pytest.param(_with(form=None), "not a recorded exchange", id="no form"),
        pytest.param(_with(form={"Body": "\ud83d"}), "not a recorded exchange", id="half a character"),
        pytest.param(_with(answer="<Response/>"), "not a recorded exchange", id="a bare answer"),
        pytest.param(_with(url=None), "event, method and url must be strings", id="no URL"),
    ],
)
def test_invalid_recording_is_refused_with_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    """People merge and edit recordings by hand; the error must name the broken line."""
    file = tmp_path / "orders.jsonl"
    file.write_text(f"{LINE}\n\n{line}\n")

    with pytest.raises(RecordingError) as caught:
        read_file(file)

    assert str(caught.value).startswith(f"{file}:3: ")
    assert complaint in str(caught.value)


def test_optional_parts_may_be_missing() -> None:
    """A recording written by hand needs only the request and the answer."""
    entry = json.loads(LINE)
    for name in ("headers", "handler", "outcome", "ms"):
        del entry[name]

    assert read_line(json.dumps(entry)) == replace(EXCHANGE, headers={}, handler="", outcome="", milliseconds=0.0)


@pytest.mark.parametrize("content", [pytest.param(None, id="missing"), pytest.param(b"\xff\xfe", id="not UTF-8")])
def test_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A wrong path is the most common mistake; it gets one line, not a traceback."""
    file = tmp_path / "a.jsonl"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(RecordingError, match=r"a\.jsonl"):
        read_file(file)


def test_recording_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The folder of recordings does not exist before the first export."""
    with pytest.raises(RecordingError, match=r"a\.jsonl"):
        write_file(tmp_path / "recordings" / "a.jsonl", [EXCHANGE])


def test_files_of_other_systems_are_read(tmp_path: Path) -> None:
    """Git on Windows changes line endings."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(f"{LINE}\r\n{LINE}\r\n".encode())

    assert read_file(file) == [EXCHANGE, EXCHANGE]


def test_statuses_need_no_document() -> None:
    """The answer to a status callback has no body; only its status matters."""
    form = status_form(SID, "delivered")
    exchange = replace(EXCHANGE, kind="status", form=form, answer=WebhookResponse(status=204), results={"a.b": "ok"})

    assert read_line(write_line(exchange)) == exchange
