"""Run programs that use Twilio, unmodified, against the emulator: ``python -m benchmarks.run_programs [NAME...]``.

Each program of ``programs.toml`` is installed into a folder of its own under ``.bench/programs`` and run with
``twiml-app emulator exec``. The results are in ``programs.json``; the table in ``docs/programs.md`` is made of them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from twiml_app.emulator import Emulator, EmulatorOptions

HERE = Path(__file__).parent
RESULTS = HERE / "programs.json"
PAGE = HERE.parent / "docs" / "programs.md"
CACHE = HERE.parent / ".bench" / "programs"
INSTALL_S, RUN_S = 900, 180
FROM, TO = "+15017122661", "+15558675310"
_EXEC = "from twiml_app.cli import main; main()"
_PAGE = """# Programs that were run against the emulator

Each of these programs ran as it is, with [`twiml-app emulator exec`](emulator.md#programs-as-they-are).
`python -m benchmarks.run_programs` wrote this page: it installs each program and runs the code in
[programs.toml](../benchmarks/programs.toml), which uses the program as its documentation says.

| program | from | what it does | messages | result |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program in one version, and code that uses it."""

    name: str
    origin: str
    packages: tuple[str, ...]
    what: str
    code: str
    sent: int
    shell: bool

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return CACHE / re.sub(r"[^a-z0-9.]+", "-", f"{self.origin} {' '.join(self.packages)}".lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended."""

    name: str
    origin: str
    what: str
    #: Messages that reached their phones.
    sent: int
    #: ``works``, or what went wrong.
    result: str


def programs() -> Iterator[Program]:
    """Yield the programs of the list, one for each version."""
    for entry in tomllib.loads((HERE / "programs.toml").read_text())["program"]:
        for item in entry["install"]:
            packages, _, note = item.partition(" # ")
            first, *more = packages.split()
            yield Program(
                name=re.sub(r"==|(?<=.)@", " ", first) + (note and f", {note}"),
                origin=entry["from"],
                packages=(first, *more),
                what=entry["what"],
                code=entry["code"],
                sent=entry["sent"],
                shell=entry.get("shell", False),
            )


def install(program: Program) -> None:
    """Install a program, unless it is.

    Raises: subprocess.SubprocessError.
    """
    done = program.folder / "installed"
    if done.exists():
        return
    shutil.rmtree(program.folder, ignore_errors=True)
    program.folder.mkdir(parents=True)
    commands = [
        [sys.executable, "-m", "venv", str(program.folder)],
        [
            f"{program.folder}/bin/python",
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            *program.packages,
        ],
    ]
    if program.origin == "npm":
        options = ["--prefix", str(program.folder), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        commands = [["npm", "install", *options, *program.packages]]
    for command in commands:
        subprocess.run(command, check=True, timeout=INSTALL_S, capture_output=True, text=True)
    done.touch()


def command_of(program: Program, script: Path) -> Sequence[str]:
    """Return the command that runs the code, which is written to ``script``."""
    script.write_text(program.code)
    if program.shell:
        return ["sh", str(script)]
    return [f"{program.folder}/bin/python" if program.origin == "PyPI" else "node", str(script)]


def environment_of(program: Program, emulator: Emulator, home: Path) -> dict[str, str]:
    """Return the environment of ``exec``: without proxies and accounts of the machine, and with an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TWILIO_", "TWIML_"))}
    modules = program.folder / "node_modules"
    return kept | {
        "HOME": str(home),
        "PATH": f"{modules}/.bin:{os.environ['PATH']}",
        "PYTHONPATH": "",
        "NODE_PATH": str(modules),
        **{"ACCOUNT": emulator.account_sid, "TOKEN": emulator.auth_token, "FROM": FROM, "TO": TO},
    }


def run(program: Program) -> Result:
    """Run a program against an emulator of its own."""
    try:
        install(program)
    except subprocess.SubprocessError as error:
        return _result(program, 0, f"cannot be installed: {_last_line(getattr(error, 'stderr', '') or str(error))}")
    options = EmulatorOptions(clock="fast", account_sid="AC" + "1" * 32, auth_token="2" * 32)
    with tempfile.TemporaryDirectory() as home, Emulator(options) as emulator:
        script = Path(home) / "program.cjs"
        given = {**environment_of(program, emulator, Path(home)), "TWIML_EMULATOR_URL": emulator.url}
        account = {"TWILIO_ACCOUNT_SID": emulator.account_sid, "TWILIO_AUTH_TOKEN": emulator.auth_token}
        problem = _problem_of(command_of(program, script), given | account, Path(home))
        emulator.settle()
        delivered = sum(message.status == "delivered" for message in emulator.outbox)
    if not problem and delivered != program.sent:
        problem = f"{delivered} messages instead of {program.sent}"
    return _result(program, delivered, problem or "works")


def _problem_of(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    """Run a command through ``exec``, and return what went wrong."""
    # This interpreter finds twiml_app by its folder, and the program must not find it.
    whole = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE.parent)!r}); {_EXEC}"]
    whole += ["emulator", "exec", "--", *command]
    try:
        done = subprocess.run(
            whole, env=environment, cwd=folder, capture_output=True, text=True, timeout=RUN_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end after {RUN_S} seconds"
    return _last_line(done.stderr or f"status {done.returncode}") if done.returncode else ""


def _result(program: Program, sent: int, result: str) -> Result:
    return Result(name=program.name, origin=program.origin, what=program.what, sent=sent, result=result)


def _last_line(text: str) -> str:
    lines = [*filter(None, map(str.strip, text.splitlines()))]
    return lines[-1][:200] if lines else ""


def page_of(results: Sequence[Result]) -> str:
    """Return the page with the table."""
    rows = (f"| {each.name} | {each.origin} | {each.what} | {each.sent} | {each.result} |\n" for each in results)
    return _PAGE + "".join(rows)


def read_results() -> list[Result]:
    """Return the results of the last run."""
    return [Result(**each) for each in json.loads(RESULTS.read_text())]


def main(names: Sequence[str]) -> int:
    """Run the programs whose names begin so, by default all of them, and write the results; 1 if one does not work."""
    known = {each.name + each.origin: each for each in read_results()} if RESULTS.exists() and names else {}
    listed = [*programs()]
    for program in listed:
        if names and not program.name.startswith(tuple(names)):
            continue
        started = time.monotonic()
        known[program.name + program.origin] = result = run(program)
        print(f"{program.name:<45}{time.monotonic() - started:6.1f} s  {result.result}", flush=True)
    results = [known[each.name + each.origin] for each in listed if each.name + each.origin in known]
    RESULTS.write_text(json.dumps([asdict(each) for each in results], indent=1) + "\n")
    PAGE.write_text(page_of(results))
    return int(any(each.result != "works" for each in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
