"""Tracebacks of programs that do not load: the developer's lines, not ours."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.dev.projects import save, write_handlers
from twiml_app.dev.child import load
from twiml_app.dev.failures import MAX_CHARACTERS, traceback_of
from twiml_app.errors import ConfigurationError

#: A module is imported once only.
_NUMBERS = count()


@pytest.mark.parametrize(
    ("source", "says", "frames"),
    [
        pytest.param("def broken(:\n", '.py", line 1\n    def broken(:\n', 1, id="syntax"),
        pytest.param(
            "import nothing_like_this\n", "ModuleNotFoundError: No module named 'nothing_like_this'\n", 1, id="import"
        ),
        pytest.param("raise SystemExit('no')\n", "SystemExit: no\n", 1, id="exit"),
        pytest.param("try:\n    1 / 0\nexcept Exception as e:\n    raise OSError from e\n", "OSError\n", 2, id="cause"),
        pytest.param("app = 5\n", ":app: there is no Flask application of this name\n", 0, id="our own error"),
        pytest.param("", ":app: there is no Flask application of this name\n", 0, id="no application"),
    ],
)
def test_traceback_has_the_lines_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str, frames: int
) -> None:
    """Frames of this package and of the import system hide the line that has to be changed."""
    name = f"wsgi{next(_NUMBERS)}"
    save(tmp_path / f"{name}.py", source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BaseException) as raised:  # noqa: PT011
        load(f"{name}:app", tmp_path)

    text = traceback_of(raised.value)

    assert says in text
    assert text.count('File "') - text.count(__file__) == frames


def test_long_traceback_is_cut_at_its_beginning() -> None:
    """A message may be a whole document; the end says what went wrong."""
    assert len(traceback_of(ValueError("x" * 100_000))) == MAX_CHARACTERS


def test_application_that_overrides_the_settings_of_dev_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It might have a real account, or write to a real journal."""
    name = f"wsgi{next(_NUMBERS)}"
    write_handlers(tmp_path, "'hi'")
    monkeypatch.setenv("TWIML_CREDENTIALS", "dev:0123456789abcdef")
    monkeypatch.setenv("TWIML_HANDLERS", f"handlers{name}")
    (tmp_path / "handlers.py").rename(tmp_path / f"handlers{name}.py")
    settings = "{'TWIML_API_URL': 'https://api.example.com', 'TWIML_DATABASE_URL': 'off'}"
    save(
        tmp_path / f"{name}.py",
        f"from twiml_app.app import create_app\napp = create_app({settings}, root={str(tmp_path)!r})\n",
    )
    with pytest.raises(ConfigurationError, match=":app: the application sets `api_url` itself, and dev only runs "):
        load(f"{name}:app", tmp_path)
