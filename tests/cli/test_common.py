"""Helpers of the commands: finding the application, one-line errors."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import SETTINGS, run
from twiml_app.cli.common import pairs


@pytest.mark.parametrize(
    ("app", "says"),
    [
        pytest.param("no_such_module:app", "cannot be imported", id="no module"),
        pytest.param("tests.servers:ROOT.name", "cannot be imported", id="no attribute"),
        pytest.param("no.such:app", "cannot be imported", id="no package"),
        pytest.param(":app", "cannot be imported", id="no name of a module"),
        pytest.param("builtins:dict", "is not a Flask application", id="no application"),
    ],
)
def test_application_that_cannot_be_found_is_one_line(app: str, says: str) -> None:
    """A traceback does not help a beginner."""
    result = run("routes", "--app", app)

    assert (result.exit_code, says in result.stderr, "Traceback" in result.stderr) == (1, True, False)


def test_commands_take_an_application_by_name() -> None:
    """A bigger Flask application with the extension has the same commands."""
    result = run("simulate", "hours", "--app", "twiml_app.app:create_app", "--json", environment=SETTINGS)

    assert json.loads(result.stdout)["messages"][0]["text"].startswith("We are open")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("import no_such_thing", "broken.py:1: ModuleNotFoundError: No module named", id="missing import"),
        pytest.param("x = 1\ndef broken(:\n    pass", "broken.py:2: SyntaxError", id="syntax"),
        pytest.param("import os\nos.environ['API_KEY']", "broken.py:2: KeyError: 'API_KEY'", id="error in a library"),
        pytest.param("raise ValueError('one\\ntwo')", "broken.py:1: ValueError: one two", id="several lines"),
        pytest.param("class Own(Exception): ...\nraise Own", "broken.py:2: Own", id="exception of its own"),
        pytest.param(
            "from twiml_app import Router\nRouter().message('<a')", "broken.py:2", id="pattern, with its line"
        ),
    ],
)
def test_broken_handlers_are_one_line_with_file_and_line(tmp_path: Path, source: str, says: str) -> None:
    """A traceback of forty lines hides the one line that helps."""
    (tmp_path / "broken.py").write_text(f"{source}\n")
    os.chdir(tmp_path)

    for command in (["routes"], ["check"], ["match", "hi"], ["simulate", "hi"], ["routes", "--app", "broken"]):
        result = run(*command, environment=SETTINGS | {"TWIML_HANDLERS": "broken"})
        sys.modules.pop("broken", None)

        assert (result.exit_code, says in result.output, "Traceback" in result.output) == (1, True, False), (
            result.output
        )


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("def app():\n    raise OSError('no database')", "factory.py:2: OSError: no database", id="raises"),
        pytest.param("def app(name): ...", "factory:app cannot be called without arguments", id="takes arguments"),
        pytest.param("app = 'text'", "factory:app is not a Flask application", id="is not a function"),
    ],
)
def test_broken_factory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str) -> None:
    """The function that makes the application is code of the project too."""
    (tmp_path / "factory.py").write_text(f"{source}\n")
    monkeypatch.syspath_prepend(tmp_path)

    result = run("routes", "--app", "factory:app")
    sys.modules.pop("factory", None)

    assert (result.exit_code, says in result.stderr, "Traceback" in result.stderr) == (1, True, False), result.stderr


def test_broken_library_of_the_project_is_named_where_it_is_imported(tmp_path: Path) -> None:
    """The line to look at is that of the project: it imports, or calls, the library."""
    (tmp_path / "broken.py").write_text("import json\n\njson.loads('{')\n")
    os.chdir(tmp_path)

    result = run("routes", environment={"TWIML_HANDLERS": "broken"})
    sys.modules.pop("broken", None)

    assert result.stderr.startswith(f"Error: {tmp_path}/broken.py:3: JSONDecodeError: ")


def test_bug_of_this_package_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of a bug needs the traceback, so only exceptions of the project are reduced to a line."""
    monkeypatch.setattr("twiml_app.app.READERS", None)

    with pytest.raises(TypeError, match="NoneType"):
        run("match", "hi")


def test_router_that_was_forgotten_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A beginner's most likely mistake is a router that looks right and never runs."""
    package = tmp_path / "forgetful"
    package.mkdir()
    router = "from twiml_app import Router\nrouter = Router()\n@router.message('{0}')\ndef {0}(message): ...\n"
    for name in ("one", "two", "three"):
        (package / f"{name}.py").write_text(router.format(name))
    (package / "__init__.py").write_text("from . import one, two\nrouters = [one.router]\n")
    os.chdir(tmp_path)

    run("routes", environment={"TWIML_HANDLERS": "forgetful"})

    assert [name for name in ("one", "two", "three") if f"forgetful.{name} defines a router" in caplog.text] == [
        "two",
        "three",
    ]


def test_name_of_the_application_may_be_left_out() -> None:
    """Most modules name their application ``app``."""
    result = run("routes", "--app", "tests.host_app", "--json", environment=SETTINGS)

    assert [row["handler"] for row in json.loads(result.stdout)] == ["tests.host_app.answer"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("TWIML_CREDENTIALS", "without-a-colon", id="credentials"),
        pytest.param("TWIML_PUBLIC_URL", "sms.example.com", id="another setting"),
    ],
)
def test_wrong_setting_is_reported_and_not_replaced(setting: str, value: str) -> None:
    """Only missing credentials are generated: in place of wrong ones they would hide a mistake."""
    result = run("simulate", "hi", environment={setting: value})

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {setting}: ")


def test_value_of_an_option_may_contain_an_equals_sign() -> None:
    """URLs and tokens do, and the last of two values counts."""
    assert pairs(["a=b=c", "d=", "e=1", "e=2"], "--field") == {"a": "b=c", "d": "", "e": "2"}
