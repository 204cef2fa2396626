"""``journal export`` and ``journal import``: recorded exchanges in files."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.cli.projects import Project
from tests.file_modes import mode_of, run_with_umask

#: Nothing can be imported from a module that is None.
WITHOUT_THE_EXTRA = "sys.modules['phonenumbers'] = None\n"
TYPE = "from twiml_app.cli import main\nmain(sys.argv[1:])"


def test_export_goes_to_standard_output_too(project: Project) -> None:
    """The output can be piped, and the options must mean the same there."""
    lines = project.type("journal", "export", "--handler", "menu").stdout.splitlines()
    redacted = project.type("journal", "export", "--redact-bodies", "--scrub-own-numbers").stdout

    assert [json.loads(line)["form"]["Body"] for line in lines] == ["menu", "menu"]
    assert "menu" not in redacted.replace(f"{project.module}.menu", "")
    assert "5005550006" not in redacted


def test_export_reports_the_exchanges_that_it_leaves_out(project: Project) -> None:
    """Four exchanges in the list and one in the file need an explanation."""
    with closing(sqlite3.connect(project.folder / "twiml.db")) as database, database:
        database.execute("UPDATE exchanges SET outcome = 'looping' WHERE id = 1")
        database.execute("UPDATE exchanges SET state = 'running' WHERE id = 2")
        database.execute("UPDATE exchanges SET body = NULL WHERE id = 3")

    result = project.type("journal", "export", "traffic.jsonl")

    assert result.output == (
        "1 exchanges in traffic.jsonl; 3 left out: stored without their request, unfinished, or silenced as a loop\n"
    )


def test_exported_file_is_readable_only_by_its_owner(project: Project) -> None:
    """It contains what people wrote, even without their numbers; an earlier export may be open to others."""
    for name, mode in (("open.jsonl", 0o644), ("private.jsonl", 0o400)):
        (project.folder / name).touch()
        (project.folder / name).chmod(mode)
    names = ("new.jsonl", "open.jsonl", "private.jsonl")
    for name in names:
        run_with_umask(0, TYPE, "journal", "export", name, folder=project.folder, environment=dict(project.environment))

    assert [mode_of(project.folder / name) for name in names] == [0o600, 0o600, 0o400]


def test_export_into_a_missing_folder_is_one_line(project: Project) -> None:
    """In a new project there is no folder for recordings yet."""
    result = project.type("journal", "export", "tests/recordings/a.jsonl")

    assert (result.exit_code, result.stderr.startswith("Error: tests/recordings/a.jsonl: ")) == (1, True)


def test_import_adds_only_new_exchanges(project: Project) -> None:
    """A developer imports a server's recordings; a second import must not duplicate them."""
    project.type("journal", "export", "traffic.jsonl")
    elsewhere = {"TWIML_DATABASE_URL": f"sqlite:///{project.folder}/other.db"}

    first = project.type("journal", "import", "traffic.jsonl", **elsewhere)
    second = project.type("journal", "import", "traffic.jsonl", "traffic.jsonl", **elsewhere)
    project.type("journal", "export", "again.jsonl", **elsewhere)

    assert first.output == "4 of 4 exchanges were new\n"
    assert second.output == "0 of 8 exchanges were new\n"
    assert project.type("replay", "again.jsonl").stdout == "4 replayed, 0 different\n"


def test_without_a_journal_there_is_nothing_to_export(project: Project) -> None:
    """The error must say which setting is the reason."""
    result = project.type("journal", "export", TWIML_DATABASE_URL="off")

    assert (result.exit_code, "TWIML_DATABASE_URL" in result.stderr) == (1, True)


def test_export_without_the_extra_is_refused_in_one_line(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """A server is installed without the library that finds numbers, and a file that leaks them must not be written."""
    environment = dict(project.environment)

    with pytest.raises(subprocess.CalledProcessError):
        run_with_umask(
            0, WITHOUT_THE_EXTRA + TYPE, "journal", "export", "a.jsonl", folder=project.folder, environment=environment
        )

    assert capfd.readouterr().err == "Error: export: it needs the extra dependencies: pip install 'twiml-app[dev]'\n"
    assert not (project.folder / "a.jsonl").exists()


def test_show_works_without_the_extra(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """It is the first command that support needs on a server."""
    run_with_umask(
        0,
        WITHOUT_THE_EXTRA + TYPE,
        "journal",
        "show",
        "2",
        folder=project.folder,
        environment=dict(project.environment),
    )

    shown = capfd.readouterr().out
    assert "200 text/xml" in shown
    assert "5005550001" not in shown
