"""The README: its commands, its handlers and its tests work as they are written."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.postgres_server import new_schema
from tests.servers import LIMIT_S, ROOT, clean_environment, copy_sources, find_program, gunicorn

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
PATH = f"{BIN}:{os.environ['PATH']}"
ANSWER = "> Thanks! 2 coffee will be ready in ten minutes.  [1 segment]\n"
#: Commands that are run elsewhere: ``make test`` is this test run, ``make run`` the demo, and the wheel runs gunicorn.
ELSEWHERE = {"make run", "make test", "gunicorn wsgi:app"}
#: How the blocks begin that have a test of their own.
INSTALL, EMULATOR = "pip install ", "make emulator"


def code_blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def commands_of(first: str) -> list[str]:
    """Return the commands of the README's block that begins with a command."""
    (block,) = [block for block in code_blocks("README.md", "sh") if block.startswith(first)]
    return block.splitlines()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with the handlers of the README; its virtual environment is the one that runs the tests."""
    folder = tmp_path / "my-number"
    subprocess.run([BIN / "twiml-app", "new", str(folder)], env=clean_environment(), check=True)
    handlers, routers = [block for block in code_blocks("README.md", "python") if "def test_" not in block]
    (folder / "handlers" / "orders.py").write_text(handlers)
    (folder / "handlers" / "__init__.py").write_text(routers)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(BIN)
    for name in ("ready", "ready-tools"):
        (folder / ".venv" / name).touch()
    return folder


def test_three_commands_lead_from_nothing_to_a_chat(tmp_path: Path) -> None:
    """These are the first commands of a new user; only the package is replaced, by a copy of the sources."""
    install, new, dev = commands_of(INSTALL)
    find_program("curl")
    source = copy_sources(tmp_path / "source")
    venv.create(tmp_path / "env", with_pip=True)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    environment = clean_environment(PATH=f"{tmp_path}/env/bin:{os.environ['PATH']}", BROWSER=str(browser))
    environment.pop("PYTHONPATH", None)  # the installed package is used, not this folder
    serve = dev.replace("twiml-app", "exec twiml-app")
    commands = ["set -e", install.replace("twiml-app[dev]", f"{source}[dev]"), new, serve]
    process = subprocess.Popen(
        ["bash", "-c", "\n".join(commands)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    output = ""
    for line in process.stdout:
        output += line.decode()
        if "the program runs" in output:
            break
    (curl,) = re.findall(r"text it +(curl .*)", output) or [f"echo {shlex.quote(output)}"]
    command = shlex.split(curl.replace("Body=hello", "Body=hello+Ada"))
    answered = subprocess.run(command, capture_output=True, env=environment)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT_S)

    assert [reply["body"] for reply in json.loads(answered.stdout)["replies"]] == ["Hello Ada!"], answered
    assert f"phone        {(tmp_path / 'opened').read_text()}\n" in output
    assert process.returncode == 0


def test_commands_run(project: Path, postgres_url: str) -> None:
    """Every command must work as it is written, with the handlers of the README."""
    environment = clean_environment(
        PATH=PATH,
        TWIML_DATABASE_URL=new_schema(postgres_url),  # check warns about files in a temporary folder
    )
    output = ""
    for block in code_blocks("README.md", "sh"):
        if block.startswith((INSTALL, EMULATOR)):
            continue
        commands = [line for line in block.splitlines() if line.partition("  #")[0].strip() not in ELSEWHERE]
        script = "\n".join(["set -eu", *commands])
        done = subprocess.run(["bash", "-c", script], cwd=project, env=environment, capture_output=True)
        output += done.stdout.decode()

        assert done.returncode == 0, (script, done.stdout.decode(), done.stderr.decode())
    assert ANSWER in output
    assert (project / "traffic.jsonl").is_file()


def test_emulator_of_a_project_texts_the_app(project: Path) -> None:
    """The two commands work as they are, except for the ports, which may be in use."""
    start, text = commands_of(EMULATOR)
    with gunicorn({"TWIML_DATABASE_URL": "off"}, folder=project) as url:
        ports = {"PORT": url.rpartition(":")[2], "EMULATOR_PORT": "0"}
        environment = clean_environment(PATH=PATH, PYTHONUNBUFFERED="1", **ports)
        emulator = subprocess.Popen(shlex.split(start), cwd=project, env=environment, stdout=subprocess.PIPE)
        answered = ask(emulator, text, project, environment)
        emulator.send_signal(signal.SIGTERM)
        emulator.communicate()

    assert answered.stdout.decode() == ANSWER, answered


def test_emulator_commands_of_its_page_text_a_program_that_is_served(tmp_path: Path) -> None:
    """The commands of the emulator's page work as they are, except for the ports, which may be in use."""
    first, second, *_ = code_blocks("docs/emulator.md", "sh")
    _, export, serve = first.splitlines()
    variable, _, value = export.removeprefix("export ").partition("=")
    text, *_ = second.splitlines()
    with gunicorn({"TWIML_CREDENTIALS": "sms:password", "TWIML_DATABASE_URL": "off"}) as url:
        value = value.replace("http://sms:password@127.0.0.1:8000", url.replace("://", "://sms:password@"))
        environment = clean_environment(PATH=PATH, PYTHONUNBUFFERED="1", **{variable: value})
        emulator = subprocess.Popen(
            [*shlex.split(serve), "--port", "0"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE
        )
        answered = ask(emulator, text, tmp_path, environment)
        emulator.send_signal(signal.SIGINT)
        emulator.communicate()

    assert answered.stdout.decode() == ANSWER, answered
    assert emulator.returncode == 0


def ask(
    emulator: subprocess.Popen[bytes], command: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run a command against an emulator, at the address that it prints."""
    assert emulator.stdout
    address = next(found[1] for line in emulator.stdout if (found := re.search(rb" on (http://[^,]+),", line)))
    arguments = [*shlex.split(command), "--url", address.decode()]
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True)


def test_tests_pass(project: Path) -> None:
    """Users copy the tests of the README as their first ones."""
    shown = [block for block in code_blocks("README.md", "python") if "def test_" in block]
    (project / "tests" / "test_readme.py").write_text("\n\n".join(shown))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_readme.py"]

    done = subprocess.run(command, cwd=project, env=clean_environment(), capture_output=True)

    assert done.returncode == 0, done.stdout.decode()
    assert f"{len(shown)} passed".encode() in done.stdout
