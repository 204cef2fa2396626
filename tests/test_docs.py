"""The documentation names every setting, command and call, and none that does not exist."""

from __future__ import annotations

import re
import tomllib

import click
import pytest

from tests.servers import ROOT
from twiml_app.cli import main
from twiml_app.emulator import EmulatedPhone, Emulator, EmulatorOptions
from twiml_app.emulator.fault_kinds import FAULT_KINDS
from twiml_app.setting_readers import READERS

REFERENCE = (ROOT / "docs" / "reference.md").read_text()
PAGES = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])


def test_every_setting_is_in_the_reference_and_every_one_there_exists() -> None:
    """Users cannot find an undocumented setting, and are misled by one that was removed."""
    documented = set(re.findall(r"`((?:TWIML|TWILIO)_[A-Z_]+|SECRET_KEY(?:_FALLBACKS)?)[`=]", REFERENCE))

    assert documented == set(READERS)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_in_the_documentation(name: str) -> None:
    """Users find commands by reading the pages."""
    assert f"twiml-app {name}" in PAGES


def test_every_command_in_the_documentation_exists_with_its_options() -> None:
    """A command that is copied from the pages, or from an alert at night, must not fail as unknown."""
    written = set(re.findall(r"twiml-app ([a-z][a-z-]*[^`\n|:;,()#&]*)", PAGES))
    assert "sends pause --all" in written
    for words in written:
        command: click.Command = main
        names = words.partition(" -- ")[0].replace('"', " ").split()
        while isinstance(command, click.Group) and names and not names[0].startswith("-"):
            assert names[0] in command.commands, words
            command = command.commands[names.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {name for name in names if name.startswith("--")} <= options, words


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_link_in_the_documentation_has_a_target() -> None:
    """Links break when pages are moved or headings are changed."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for name, _, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]+))?\)", page.read_text()):
            target = page.parent / name if name else page
            assert target.exists(), (page.name, name)
            assert not anchor or anchor in anchors(target.read_text()), (page.name, name, anchor)


def test_seed_in_the_documentation_is_accepted(dead_url: str) -> None:
    """Users copy it before they read about its keys."""
    (block,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "emulator.md").read_text(), re.DOTALL)
    block = block.replace("127.0.0.1:8000", dead_url.removeprefix("http://"))
    with Emulator(EmulatorOptions(seed=tomllib.loads(block))) as emulator:
        assert emulator.phone("+15558675310").text("hi", number="+15017122661").problems[0].code == 11205


def test_every_name_of_the_emulator_in_the_documentation_exists() -> None:
    """Users copy names from the table of calls."""
    page = (ROOT / "docs" / "emulator.md").read_text()
    names = set(re.findall(r"`emulator\.([a-z_]+)", page)) | set(re.findall(r"`phone\.([a-z_]+)", page))

    assert {"phone", "text", "will", "settle"} <= names
    assert {name for name in names if not hasattr(Emulator, name) and not hasattr(EmulatedPhone, name)} == set()


def test_every_fault_of_the_emulator_is_in_the_table_with_its_summary() -> None:
    """Users choose a fault by what it does: the page says the same as the command line."""
    page = (ROOT / "docs" / "emulator.md").read_text()
    rows = dict(re.findall(r"^\| `((?:api|message|text|webhook|status)-[a-z0-9-]+)` \| (.+?) \|$", page, re.MULTILINE))

    assert rows == {kind.name: kind.summary for kind in FAULT_KINDS.values()}
