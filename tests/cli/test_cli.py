"""The command line as a whole: its help, its exit statuses, its environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import pytest

from tests.cli.command_line import run
from twiml_app.cli import main


def test_help_of_every_command_has_an_example() -> None:
    """Users copy an example and change it."""
    commands = main.commands

    assert {"check", "explain", "journal", "match", "new", "overview", "replay", "routes", "simulate"} <= set(commands)
    for name in commands:
        assert f"twiml-app {name}" in run(name, "--help").output


def groups_in(group: click.Group) -> Iterator[click.Group]:
    """Yield a group of commands, and those inside it."""
    yield group
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from groups_in(command)


@pytest.mark.parametrize("group", [pytest.param(each, id=str(each.name)) for each in groups_in(main)])
def test_lists_of_commands_fit_a_terminal_of_80_columns(group: click.Group) -> None:
    """A summary that ends in dots does not say what the command is for."""
    text = group.get_help(click.Context(group, terminal_width=78))  # two columns are a margin
    commands = text.partition("\nCommands:\n")[2].splitlines()

    assert commands
    assert [line for line in commands if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["simulate", "--nope"], "No such option", id="unknown option"),
        pytest.param(["simulat"], "No such command", id="unknown command"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], says: str) -> None:
    """A script must be able to distinguish a usage error from a problem that was found."""
    result = run(*arguments)

    assert (result.exit_code, says in result.stderr) == (2, True)


def test_version_is_that_of_the_package() -> None:
    """A bug report needs the version."""
    assert run("--version").output == f"twiml-app, version {metadata.version('twiml-app')}\n"


def test_settings_come_from_a_dotenv_file_unless_the_environment_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project keeps its settings in .env, and a deployment overrides them."""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("TWIML_HANDLERS=from_dotenv\nTWIML_OPT_OUT_NUMBERS=+15005550006\n")
    for name in ("from_dotenv", "from_environment"):
        Path(f"{name}.py").write_text(
            "from twiml_app import Router\nrouter = Router()\n"
            f"@router.default\ndef {name}(message): ...\nrouters = [router]\n"
        )
    unset = {"TWIML_HANDLERS": None, "TWIML_OPT_OUT_NUMBERS": None}

    from_file = run("match", "stop", "--json", environment=unset)
    overridden = run("match", "stop", "--json", environment=unset | {"TWIML_HANDLERS": "from_environment"})

    assert [json.loads(each.stdout)["handler"] for each in (from_file, overridden)] == [
        "from_dotenv.from_dotenv",
        "from_environment.from_environment",
    ]
