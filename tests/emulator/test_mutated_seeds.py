"""Seed files that are damaged or hostile: each is a seed, or is refused in one line that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.program import NUMBER, emulator
from twiml_app.errors import ConfigurationError

SECRET = "s3cret-of-the-program"
WHOLE: dict[str, Any] = {
    "account": {"friendly_name": "Orders", "verified": ["+15558675310"], "mms_as_link": False},
    "accounts": [{"sid": "AC" + "1" * 32, "auth_token": "child"}],
    "applications": [{"sid": "AP" + "1" * 32, "message_status_callback": "https://a.example.com/status"}],
    "numbers": [
        {"sid": "PN" + "1" * 32, "phone_number": NUMBER, "sms_url": "http://sms:password@127.0.0.1:8000/message"},
        {"phone_number": "77000", "mms": False, "date_created": 1_600_000_000},
    ],
    "services": [{"sid": "MG" + "1" * 32, "numbers": ["77000"], "validity_period": 60}],
    "phones": [{"contact": "+15558675310", "status": "undelivered", "error_code": 30005}],
}
#: The end of an integer that Python reads, but does not write.
HUGE = "0x" + "f" * 5000


def problem_of(path: Path) -> str:
    """Return why a seed is refused; empty if an emulator starts with it."""
    try:
        with emulator(seed=path) as twilio:
            assert twilio.numbers is not None
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        pytest.param("seed.json", b"[" * 100_000, "it is nested too deeply", id="nested lists"),
        pytest.param("seed.json", b'{"a":' * 100_000, "it is nested too deeply", id="nested objects"),
        pytest.param("seed.toml", b"a = " + b"[" * 100_000, "it is nested too deeply", id="nested TOML"),
        pytest.param("seed.json", b"", "Expecting value: line 1 column 1", id="empty JSON"),
        pytest.param("seed.json", b"\x00", "Expecting value", id="NUL"),
        pytest.param("seed.toml", b"a = '\x00'", "cannot be read", id="NUL in TOML"),
        pytest.param("seed.json", b'"\xff"', "save it as UTF-8", id="invalid UTF-8"),
        pytest.param("seed.json", b'{"phones": [], "phones": []}', "'phones' appears twice", id="duplicate key"),
        pytest.param("seed.json", b'{"numbers": [{"sid": "", "sid": ""}]}', "'sid' appears twice", id="deep duplicate"),
        pytest.param("seed.json", b'{"phones": %s}' % (b"9" * 5000), "cannot be read", id="integer of many digits"),
        pytest.param(
            "seed.toml", f"[[services]]\nvalidity_period = {HUGE}".encode(), "is a huge number: it must be", id="huge"
        ),
        pytest.param("seed.toml", b"[[services]]\ndate_created = inf", "is inf: it must be from 0", id="infinity"),
        pytest.param("seed.toml", b"[[services]]\ndate_created = nan", "is nan: it must be from 0", id="no number"),
        pytest.param("seed.json", b'{"services": [{"validity_period": -1}]}', "it must be from 0", id="negative"),
        pytest.param("seed.json", b'{"services": [{"validity_period": 1e400}]}', "an integer", id="float for integer"),
        pytest.param("seed.toml", b"[[services]]\nsid = 2026-11-21", "it must be a string", id="date for a string"),
        pytest.param(
            "seed.json", rb'{"account": {"friendly_name": "a\u0000"}}', "control characters", id="NUL in a name"
        ),
        pytest.param(
            "seed.json", rb'{"account": {"friendly_name": "\ud800"}}', "half characters", id="half a character"
        ),
        pytest.param("seed.json", rb'{"services": [{"numbers": ["a\n\nb"]}]}', "is not a number of", id="lines"),
        pytest.param("seed.json", rb'{"\u001b[31m": []}', r"'\x1b[31m' is not one of", id="escape sequence"),
        pytest.param("seed.json", b'{"%s": []}' % (b"x" * 10_000), "is not one of", id="long key"),
    ],
)
def test_hostile_seed_is_refused_in_one_short_line(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """A traceback does not say what to change, and neither does a page of text."""
    path = tmp_path / name
    path.write_bytes(content)

    problem = problem_of(path)
    assert problem.startswith("seed: ")
    assert says in problem
    assert problem.isprintable()
    assert len(problem) < 1500


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param(
            {"numbers": [{"phone_number": NUMBER, "sms_url": f"ftp://sms:{SECRET}@h/m"}]}, "sms_url is 'h/m'", id="URL"
        ),
        pytest.param({"accounts": [{"auth_token": [SECRET]}]}, "auth_token is ***", id="token"),
        pytest.param({"account": {"signing_secret": {SECRET: 1}}}, "signing_secret is ***", id="signing secret"),
    ],
)
def test_error_does_not_show_a_secret(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    """Terminals are recorded and shared."""
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(row))

    assert says in problem_of(path)
    assert SECRET not in problem_of(path)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a seed."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a seed with another value at a path."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


SLOWLY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOWLY
@given(place=st.sampled_from(places(WHOLE)), value=JSON)
def test_no_wrong_value_gives_a_traceback(tmp_path: Path, place: tuple[Any, ...], value: Any) -> None:
    """Any value may be mistyped."""
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(replaced(WHOLE, place, value)))

    assert problem_of(path).isprintable()


@SLOWLY
@given(
    name=st.sampled_from(["seed.json", "seed.toml"]),
    part=st.floats(0, 1),
    removed=st.integers(0, 30),
    patch=st.one_of(st.binary(max_size=20), st.text(max_size=20).map(lambda text: text.encode("utf-8"))),
)
def test_no_damaged_file_gives_a_traceback(tmp_path: Path, name: str, part: float, removed: int, patch: bytes) -> None:
    """An editor or a merge may leave anything."""
    path = tmp_path / name
    toml = f'[[numbers]]\nphone_number = "{NUMBER}"\ndate_created = 2026\nmms = false\n'
    whole = (json.dumps(WHOLE) if name == "seed.json" else toml).encode()
    place = int(part * len(whole))
    path.write_bytes(whole[:place] + patch + whole[place + removed :])

    assert problem_of(path).isprintable()
