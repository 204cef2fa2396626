"""Starting an application: where its settings come from, and the message of a failed start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask, session

from tests.servers import LIMIT_S, ROOT, clean_environment, free_port, gunicorn
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml, create_app
from twiml_app.testing import Phone

BIN = Path(sys.executable).parent
TOKENS = {"AC0123456789abcdef0123456789abcdef": ["token one", "token two"]}


@pytest.fixture(scope="module")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose .env file has settings of all kinds, JSON among them; it is only copied."""
    folder = tmp_path_factory.mktemp("new") / "project"
    subprocess.run([BIN / "twiml-app", "new", str(folder)], check=True, env=clean_environment())
    with (folder / ".env").open("a") as file:
        file.write(f"TWIML_AUTH_TOKENS={json.dumps(TOKENS)}\nTWIML_APOLOGY='Sorry, \"later\"'\nOWN_KEY=of the file\n")
    return folder


@pytest.fixture
def project(new_project: Path, tmp_path: Path) -> Path:
    """A project of this test."""
    return shutil.copytree(new_project, tmp_path / "project")


def settings_of(folder: Path, make: str, **environment: str) -> str:
    """Return the settings of an application that an expression creates in a new process."""
    source = (
        "import os\nfrom flask import Flask\nfrom twiml_app import Router\n"
        "from twiml_app.app import Twiml, create_app, state_of\n"
        "def hosted():\n    app = Flask('host')\n    Twiml(app, router=Router())\n    return app\n"
        f"settings = state_of({make}).settings\n"
        "print(settings.apology, list(settings.auth_tokens.values()), os.environ.get('OWN_KEY'), sep='|')"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().splitlines()[-1]


@pytest.mark.parametrize(
    ("make", "environment", "seen"),
    [
        pytest.param("create_app()", {}, "Sorry, \"later\"|[('token one', 'token two')]|of the file", id="file"),
        pytest.param(
            "create_app()",
            {"TWIML_APOLOGY": "Oh", "OWN_KEY": "mine"},
            "Oh|[('token one', 'token two')]|mine",
            id="environment wins",
        ),
        pytest.param(
            "create_app({'TWIML_APOLOGY': 'Given'})",
            {"TWIML_APOLOGY": "Oh"},
            "Given|[('token one', 'token two')]|of the file",
            id="argument wins over both",
        ),
        pytest.param(
            "hosted()", {"TWIML_CREDENTIALS": "sms:quite-long-enough"}, "|[]|None", id="extension does not read it"
        ),
    ],
)
def test_file_gives_only_the_settings_that_are_not_set_elsewhere(
    project: Path, make: str, environment: dict[str, str], seen: str
) -> None:
    """A deployment overrides the developer's file; a host application loads its settings itself."""
    assert settings_of(project, make, **environment) == seen


def test_every_command_reads_the_same_file(project: Path) -> None:
    """``check`` must check the settings that gunicorn serves with."""
    checked = subprocess.run(
        [BIN / "twiml-app", "check", "--show-secrets", "--json"],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
    )
    with gunicorn({"TWIML_DATABASE_URL": "off"}, folder=project) as url:
        signed = subprocess.run(
            [BIN / "twiml-app", "check", "--url", f"{url}/message", "--json"],
            cwd=project,
            env=clean_environment(),
            capture_output=True,
        )

    assert json.loads(checked.stdout)["settings"]["TWIML_AUTH_TOKENS"] == json.dumps(TOKENS)
    assert {"level": "ok", "subject": "forgery", "says": "a wrong signature is refused"} in json.loads(signed.stdout)[
        "findings"
    ]


def test_plugin_does_not_read_the_file(project: Path) -> None:
    """A test must not depend on the developer's settings, or reach the database in them."""
    (project / "tests" / "test_hello.py").write_text(
        "import os\nfrom flask import current_app\n"
        "def test_it(phone):\n"
        "    assert phone.text('Hello Ada').texts == ['Hello Ada!']\n"
        "    assert 'OWN_KEY' not in os.environ\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
    )

    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        pytest.param("", "TWIML_CREDENTIALS: ", id="no credentials"),
        pytest.param("TWIML_CREDENTIALS=a:b\nTWIML_HANDLERS=nowhere", "TWIML_HANDLERS: ", id="no handlers"),
        pytest.param(
            'TWIML_CREDENTIALS=a:b\nTWIML_AUTH_TOKENS="{"AC1": "t"}"', "PROJECT/.env: line 2 ", id="broken file"
        ),
    ],
)
def test_failed_start_prints_one_line(project: Path, settings: str, line: str) -> None:
    """It says what to do; a traceback per worker would hide that."""
    (project / ".env").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        timeout=LIMIT_S,
    )
    output = [each for each in (done.stdout + done.stderr).decode().splitlines() if "Starting gunicorn" not in each]

    assert done.returncode == 1
    assert len(output) == 1
    assert output[0].startswith(line.replace("PROJECT", str(project)))


def with_tools(project: Path) -> Path:
    """Give a project the virtual environment of the tests."""
    (project / ".venv").mkdir()
    (project / ".venv" / "bin").symlink_to(BIN)
    (project / ".venv" / "ready").touch()
    return project


def test_port_in_use_is_all_that_make_serve_reports(project: Path) -> None:
    """gunicorn would retry five times, and who pastes the example would send the password to another program."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = subprocess.run(
            [str(shutil.which("make")), "serve"],
            cwd=with_tools(project),
            env=clean_environment(PORT=str(port)),
            capture_output=True,
            timeout=LIMIT_S,
        )

    remedy = f"stop the program that listens there, or choose another port, as in PORT={port + 1} make serve"
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines()[1] == f"127.0.0.1:{port} is taken: {remedy}"


@pytest.mark.slow
def test_new_project_serves_on_the_given_port_of_the_loopback_interface(project: Path) -> None:
    """The printed curl command works as pasted, and nobody else on the network can reach the app."""
    port = str(free_port())
    process = subprocess.Popen(
        [str(shutil.which("make")), "serve"],
        cwd=with_tools(project),
        env=clean_environment(PORT=port, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    output = b""
    for line in process.stdout:
        output += line
        if b"Booting worker" in line:
            break
    process.send_signal(signal.SIGTERM)
    output += process.communicate(timeout=LIMIT_S)[0]

    assert b"ontrol s" not in output, "two projects of one user would share gunicorn's control socket"
    assert f"@127.0.0.1:{port}/message".encode() in output
    assert f"Listening at: http://127.0.0.1:{port} ".encode() in output


@pytest.mark.slow
def test_new_project_is_developed_by_make_run_until_make_is_terminated(project: Path) -> None:
    """The same command is the first one in every project; CI ends it with SIGTERM."""
    (project / ".venv").mkdir()
    (project / ".venv" / "bin").symlink_to(BIN)
    for name in ("ready", "ready-tools"):
        (project / ".venv" / name).touch()
    process = subprocess.Popen(
        [str(shutil.which("make")), "run"],
        cwd=project,
        env=clean_environment(PORT="0", EMULATOR_PORT="0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    output = b""
    for line in process.stdout:
        output += line
        if b"the program runs" in line:
            break
    process.send_signal(signal.SIGTERM)
    output += process.communicate(timeout=LIMIT_S)[0]  # ends when nothing that it started has its output

    assert b"stopped\n" in output


def test_session_of_flask_is_signed_without_a_setting() -> None:
    """SECRET_KEY is derived from the credentials, for handlers that use ``flask.session`` too."""
    router = Router()

    @router.default
    def count(message: InboundMessage) -> str:
        session["texts"] = session.get("texts", 0) + 1
        return str(session["texts"])

    app = Flask("counting")
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)
    phone = Phone(app)

    assert [phone.text("hi").text, phone.text("hi").text] == ["1", "2"]


def test_secret_key_of_the_application_is_kept() -> None:
    """A host application's sessions stay valid when the extension is added."""
    app = Flask("host")
    app.secret_key = "its own"
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=Router())

    assert app.secret_key == "its own"


def test_environment_of_this_process_has_no_settings() -> None:
    """The other tests rely on this: none of them has read a .env file into the environment."""
    create_app({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"}, root=ROOT / "tests")

    assert not [name for name in os.environ if name.startswith("TWIML_")]
