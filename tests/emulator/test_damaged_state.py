"""State files that are damaged: the emulator starts, or refuses them in one line that says what to do."""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.emulator.program import CONTACT, NUMBER, emulator, send
from tests.file_modes import mode_of
from twiml_app.emulator import Emulator
from twiml_app.errors import ConfigurationError

DAMAGED = r"^state: .*state\.db is damaged: use a copy of it, or delete it to start with an empty state$"
#: Without re.DOTALL, the dot matches no line break.
ONE_LINE_OR_NONE = r"(state: .+)?"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with every kind of row: messages in transit and delivered, tasks, media and deleted messages."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    with emulator(state=path) as twilio:
        twilio.add_number(NUMBER, "http://127.0.0.1:1/message")
        twilio.phone(CONTACT).takes_media(False)
        deleted = send(twilio, "first")
        twilio.settle()
        twilio.client().messages(deleted.sid).delete()
        send(twilio, "second", media_url=["https://example.com/cat.jpg"])
        twilio.settle()
        waiting = send(twilio, "third", status_callback="http://127.0.0.1:1/status")
        twilio.client().messages(waiting.sid).update(status="canceled")
        send(twilio, "fourth")
    return path


def start(path: Path) -> None:
    """Start an emulator with a state, and read what its command and its tests read."""
    twilio: Emulator = emulator(state=path)
    with twilio:
        assert (twilio.numbers, twilio.outbox, twilio.debugger) is not None
        twilio.settle()


def outcome_of(path: Path) -> str:
    """Return why a state is refused; empty if the emulator starts with it."""
    try:
        start(path)
    except ConfigurationError as refused:
        return str(refused)
    return ""


def problem_of(path: Path) -> str:
    """Return why a state is refused."""
    problem = outcome_of(path)
    assert problem
    return problem


@pytest.mark.parametrize("size", [50, 99, 100, 511, 600])
def test_state_of_a_few_bytes_is_refused(tmp_path: Path, whole: Path, size: int) -> None:
    """A copy that broke off at once has no tables."""
    path = tmp_path / "state.db"
    path.write_bytes(whole.read_bytes()[:size])

    assert problem_of(path).startswith(f"state: {path} ")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9], ids=["third", "half", "most"])
def test_truncated_state_is_refused_and_not_changed(tmp_path: Path, whole: Path, part: float) -> None:
    """Someone may still repair it, so it must stay as it is."""
    path = tmp_path / "state.db"
    path.write_bytes(before := whole.read_bytes()[: int(whole.stat().st_size * part)])

    assert "is damaged: use a copy of it" in problem_of(path)
    assert path.read_bytes() == before


def test_folder_is_refused(tmp_path: Path) -> None:
    """The line says what must be there instead."""
    assert "it must be a file in an existing folder" in problem_of(tmp_path)


def test_pipe_is_refused_and_keeps_its_mode(tmp_path: Path) -> None:
    """A device that became private, such as /dev/null, would break other programs of the machine."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    path.chmod(0o666)

    assert problem_of(path) == f"state: {path} cannot be used: it is not a regular file: use another path"
    assert mode_of(path) == 0o666


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ALTER TABLE resources RENAME COLUMN data TO datum", id="another column"),
        pytest.param("DROP TABLE notes", id="missing table"),
        pytest.param("CREATE TABLE theirs (a)", id="another table"),
        pytest.param("DROP INDEX resources_by_account", id="missing index"),
        pytest.param("UPDATE resources SET data = '[]'", id="list in place of an object"),
        pytest.param("UPDATE resources SET data = '{'", id="broken JSON"),
        pytest.param("UPDATE resources SET data = replace(data, 'friendly', 'x')", id="unknown field"),
        pytest.param("UPDATE resources SET data = json_set(data, '$.date_created', 1e300)", id="date out of range"),
        pytest.param("UPDATE resources SET data = json_set(data, '$.date_updated', 'today')", id="date as a text"),
        pytest.param("UPDATE resources SET data = json_remove(data, '$.date_updated')", id="missing field"),
        pytest.param("UPDATE resources SET data = CAST(x'ff' || data AS TEXT)", id="invalid UTF-8"),
        pytest.param("UPDATE resources SET sid = sid || 'x'", id="another sid"),
        pytest.param("UPDATE resources SET kind = 'Ghost'", id="unknown kind"),
        pytest.param("UPDATE owed SET what = 'forget'", id="unknown task"),
        pytest.param("UPDATE owed SET data = '5'", id="task without a message"),
        pytest.param("UPDATE notes SET value = 'now'", id="text in place of a number"),
        pytest.param("UPDATE notes SET value = 9e999", id="infinite time"),
        pytest.param("UPDATE deleted SET n = 'x'", id="text in place of a position"),
        pytest.param("INSERT INTO contents VALUES ('ME', 'text')", id="text in place of bytes"),
    ],
)
def test_state_with_rows_that_no_emulator_writes_is_refused(tmp_path: Path, whole: Path, statement: str) -> None:
    """Later, the error would appear as a traceback or as an answer of the REST API."""
    path = tmp_path / "state.db"
    path.write_bytes(whole.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX messages_by_address")  # it reads every message that is written
        assert connection.execute(statement).rowcount

    with pytest.raises(ConfigurationError, match=DAMAGED):
        start(path)


def test_state_of_the_same_bytes_is_continued(tmp_path: Path, whole: Path) -> None:
    """The checks accept whatever an emulator writes."""
    path = tmp_path / "state.db"
    path.write_bytes(whole.read_bytes())

    with emulator(state=path) as twilio:
        assert [message.body for message in twilio.outbox][-1] == "fourth"


PARTS = st.floats(0, 1)
VALUES = st.one_of(st.text(max_size=5), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.text()))
SLOWLY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write_again(path: Path, content: bytes) -> None:
    """Write a state, and remove the files of the last one."""
    for old in path.parent.iterdir():
        old.unlink()
    path.write_bytes(content)


@SLOWLY
@given(kept=st.one_of(st.just(1.0), PARTS), patches=st.lists(st.tuples(PARTS, st.binary(min_size=1)), max_size=4))
def test_no_damage_gives_a_traceback(
    tmp_path: Path, whole: Path, kept: float, patches: list[tuple[float, bytes]]
) -> None:
    """A disk, a copy or an editor can change any byte."""
    content = bytearray(whole.read_bytes())
    del content[int(len(content) * kept) :]
    for part, patch in patches:
        place = int(len(content) * part)
        content[place : place + len(patch)] = patch
    write_again(tmp_path / "state.db", bytes(content))

    assert re.fullmatch(ONE_LINE_OR_NONE, outcome_of(tmp_path / "state.db"))


@SLOWLY
@example(table="resources", row=1.0, field=0.0, value=math.inf)
@given(table=st.sampled_from(["resources", "owed"]), row=PARTS, field=PARTS, value=VALUES)
def test_no_changed_field_gives_a_traceback(
    tmp_path: Path, whole: Path, table: str, row: float, field: float, value: object
) -> None:
    """Damage inside a text keeps the file whole for SQLite."""
    path = tmp_path / "state.db"
    write_again(path, whole.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        rows: list[tuple[int, str]] = connection.execute(f"SELECT n, data FROM {table}").fetchall()
        number, text = rows[int(row * (len(rows) - 1))]
        values: dict[str, Any] = json.loads(text)
        values[sorted(values)[int(field * (len(values) - 1))]] = value
        connection.execute("DROP INDEX messages_by_address")  # older SQLite refuses an infinity in it
        connection.execute(f"UPDATE {table} SET data = ? WHERE n = ?", (json.dumps(values), number))

    assert re.fullmatch(ONE_LINE_OR_NONE, outcome_of(path))
