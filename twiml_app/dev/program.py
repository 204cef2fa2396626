"""The program under development, for the phone page: its status, and what can be done with its project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..emulator import ProgramStatus, ReplayedAnswer
from ..errors import ConfigurationError
from ..private_files import write_private
from ..recordings import read_file
from .environment import named_app
from .keeper import Keeper

#: How long a replay may take, in seconds.
REPLAY_S = 60.0
_REPLAY = (
    "import os\nfrom twiml_app.dev import stay_local\nstay_local(os.environ['TWIML_API_URL'])\n"
    "from twiml_app.cli import main\nmain()"
)
#: The beginning of the result of `twiml-app replay --json`.
_RESULT = re.compile(r'\{\s*"replayed": [0-9]+,\s*"different":')
_NAME = re.compile(r"(?:test_)?([a-z0-9][a-z0-9_]{0,59})")


class DevProgram:
    """The program that a keeper keeps running, in the folder ``root``."""

    def __init__(self, keeper: Keeper, root: Path, environment: Mapping[str, str], *, app_name: str = "") -> None:
        self._keeper = keeper
        self._root = root
        self._environment = environment
        self._app_name = app_name

    def status(self) -> ProgramStatus:
        """Return the current status."""
        return self._keeper.status()

    def watch(self, on_change: Callable[[ProgramStatus], None]) -> None:
        """Call this function with every new status."""
        self._keeper.watch(on_change)

    def replay(self, recording: str) -> list[ReplayedAnswer]:
        """Replay a recording (JSON lines) against the code as it is now, in a process of its own with a deadline.

        Raises: ConfigurationError, if the program does not load or takes too long; RecordingError.
        """
        with tempfile.TemporaryDirectory(prefix="twiml-dev-") as folder:
            file = Path(folder, "recording.jsonl")
            write_private(file, [recording])
            sids = [exchange.sid for exchange in read_file(file)]
            differing = self._replay_file(file)
        answers = []
        for sid in sids:  # what differs is in the order of the recording
            found = differing.pop(0)["differences"] if differing and differing[0]["sid"] == sid else ()
            answers.append(ReplayedAnswer(sid=sid, differences=tuple(found)))
        return answers

    def _replay_file(self, file: Path) -> list[dict[str, Any]]:
        """Return the sids and the differences of the exchanges of which the answer differs.

        Raises: ConfigurationError.
        """
        name = named_app(self._root, self._app_name)
        named = ["--app", name] if name else []
        command = [sys.executable, "-c", _REPLAY, "replay", "--json", "--yes", *named, str(file)]
        try:
            done = subprocess.run(
                command,
                cwd=self._root,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=REPLAY_S,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigurationError("replay", f"it took longer than {REPLAY_S:g} seconds") from error
        found = _differing(done.stdout.decode(errors="replace"))
        if found is None:
            raise ConfigurationError("replay", _problem(done.stderr.decode(errors="replace"), done.returncode))
        return found

    def save_test(self, name: str, source: str, recording: str) -> Path:
        """Write a test and its recording into the project's tests; return the test's path, relative to the project.

        They are ``tests/test_NAME.py`` and ``tests/recordings/NAME.jsonl``.

        Raises: ConfigurationError, if it cannot be written.
        """
        plain = _NAME.fullmatch(name)
        if not plain:
            problem = f"{name!r} is not a plain name: use up to 60 small letters, digits and underscores"
            raise ConfigurationError("name", problem)
        test, kept = Path("tests", f"test_{plain[1]}.py"), Path("tests", "recordings", f"{plain[1]}.jsonl")
        for path in (test, kept):
            if (self._root / path).exists():
                raise ConfigurationError("name", f"there is a file {path} already: choose another name")
        try:
            (self._root / kept).parent.mkdir(parents=True, exist_ok=True)
            with (self._root / test).open("x", encoding="utf-8") as file:
                file.write(source)
            write_private(self._root / kept, [recording])
        except OSError as error:
            raise ConfigurationError("name", f"{test} cannot be written: {error}") from error
        return test


def _differing(printed: str) -> list[dict[str, Any]] | None:
    """Return the exchanges that differ from the result of a replay, which is among what the program printed."""
    results = [each.start() for each in _RESULT.finditer(printed)]
    if not results:
        return None
    try:
        found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(printed, results[-1])[0]["different"]
    except ValueError:  # it was cut off
        return None
    return found


def _problem(printed: str, status: int) -> str:
    """Return why a replay has no result: the error of the command, or else the last line."""
    lines = printed.strip().splitlines()
    errors = [line for line in lines if line.startswith("Error: ")]
    if errors:
        return errors[-1]
    last = f": {lines[-1]}" if lines else ""
    return f"it ended with the exit status {status} and no result{last}"
