"""The tutorial: every command and every file of its page works as it is written, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import new_schema
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
#: How many lines the program may have, without its tests.
MOST_LINES = 60
_BLOCK = re.compile(
    r"(?:^`(?P<file>[\w/.]+)`[^`]*?:\n\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)


def blocks() -> Iterator[tuple[str, str, str]]:
    """Yield the file, the language and the code of each block."""
    for found in _BLOCK.finditer(PAGE):
        yield found["file"] or "", found["language"], found["code"]


def run(code: str, folder: Path, database_url: str) -> str:
    """Run the commands of a block, and return what they print; check warns about journals in a temporary folder."""
    path = f"{BIN}:{os.environ['PATH']}"
    environment = clean_environment(PATH=path, PYTHONPATH=str(ROOT), TWIML_DATABASE_URL=database_url)
    done = subprocess.run(
        ["bash", "-c", f"set -eu\n{code}pwd > {folder}/.folder"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (code, done.stdout, done.stderr)
    return done.stdout


def test_every_command_and_file_of_the_tutorial_works(tmp_path: Path, postgres_url: str) -> None:
    """People who read it type exactly this."""
    folder, printed, written = tmp_path, "", list[str]()
    database_url = new_schema(postgres_url)
    for file, language, code in blocks():
        if language == "python":
            assert file, code
            (folder / file).write_text(code)
            written.append(file)
        elif language == "sh":
            printed = run(code, folder, database_url)
            folder = Path((folder / ".folder").read_text().strip())
        else:
            assert language == "text"
            assert code.strip() in printed, (code, printed)
    program = [*(folder / "handlers").glob("*.py")]

    assert {f"handlers/{each.name}" for each in program} | {"tests/test_pizza.py"} == set(written)
    assert sum(len(each.read_text().splitlines()) for each in program) <= MOST_LINES
