"""Starting an application: where its settings come from, and what a start that fails says."""

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

from tests.servers import ROOT, clean_environment, gunicorn
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml, create_app
from twiml_app.testing import Phone

BIN = Path(sys.executable).parent
TOKENS = {"AC0123456789abcdef0123456789abcdef": ["token one", "token two"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose settings are in its .env file, among them JSON as the reference documents it."""
    subprocess.run([BIN / "twiml-app", "new", str(tmp_path / "project")], check=True, env=clean_environment())
    with (tmp_path / "project" / ".env").open("a") as file:
        file.write(f"TWIML_AUTH_TOKENS={json.dumps(TOKENS)}\nTWIML_APOLOGY='Sorry, \"later\"'\nOWN_KEY=of the file\n")
    return tmp_path / "project"


def settings_of(folder: Path, make: str, **environment: str) -> str:
    """Return what an application sees that is made by an expression in a process of its own."""
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
def test_settings_come_from_the_file_last(project: Path, make: str, environment: dict[str, str], seen: str) -> None:
    """A deployment overrides what a developer's machine has; a host application has a way of its own."""
    assert settings_of(project, make, **environment) == seen


def test_every_command_reads_the_same_file(project: Path) -> None:
    """What gunicorn serves is what check checks."""
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
    """A test must not depend on the developer's own settings, nor reach a database that they name."""
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
    ],
)
def test_start_that_fails_says_so_in_one_line(project: Path, settings: str, line: str) -> None:
    """Whoever deploys reads what to do, not a traceback from every worker."""
    (project / ".env").write_text(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}"],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        timeout=60,
    )
    said = [each for each in (done.stdout + done.stderr).decode().splitlines() if "Starting gunicorn" not in each]

    assert done.returncode == 1
    assert len(said) == 1
    assert said[0].startswith(line)


def test_taken_port_is_named_at_once(project: Path) -> None:
    """Somebody who forgot another terminal is told so, instead of seeing five retries."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}"],
            cwd=project,
            env=clean_environment(),
            capture_output=True,
            timeout=60,
        )

    taken = f"127.0.0.1:{port} is taken: stop the program that listens there, or choose another port"
    assert (done.returncode, done.stderr.decode().splitlines()[-1]) == (1, taken)


@pytest.mark.slow
def test_demonstration_that_is_terminated_leaves_no_server(tmp_path: Path) -> None:
    """A supervisor ends it by SIGTERM; a gunicorn left over would keep the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        env=clean_environment(PORT=str(port), PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    said = b""
    for line in process.stdout:
        said += line
        if b"Ctrl-C" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert f"127.0.0.1:{port}/message".encode() in said
    with socket.create_server(("127.0.0.1", port)) as free:  # the port is given back
        assert free.getsockname()[1] == port


def test_demonstration_says_that_its_port_is_taken() -> None:
    """One line, with what to type."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "scripts.demo"], cwd=ROOT, env=clean_environment(PORT=port), capture_output=True
        )

    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"cannot listen on port {port} (")
    assert done.stderr.decode().endswith("choose another, for example PORT=8001 make run\n")


@pytest.mark.slow
def test_new_project_serves_at_the_port_that_is_asked_for(project: Path) -> None:
    """The curl that is printed works as pasted, and nobody else on the network reaches a try at home."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    (project / ".venv").mkdir()
    (project / ".venv" / "bin").symlink_to(BIN)
    (project / ".venv" / "ready").touch()
    process = subprocess.Popen(
        [str(shutil.which("make")), "run"],
        cwd=project,
        env=clean_environment(PORT=port, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    said = b""
    for line in process.stdout:
        said += line
        if b"Booting worker" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert f"@127.0.0.1:{port}/message".encode() in said
    assert f"Listening at: http://127.0.0.1:{port} ".encode() in said


def test_session_of_flask_is_signed_without_a_setting() -> None:
    """What the reference says of SECRET_KEY holds for handlers too: it is derived from the credentials."""
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


def test_key_of_the_application_is_kept() -> None:
    """A host application's sessions stay valid when the extension comes along."""
    app = Flask("host")
    app.secret_key = "its own"
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=Router())

    assert app.secret_key == "its own"


def test_environment_of_this_process_has_no_settings() -> None:
    """The other tests rely on it: nothing here has read a .env file into it."""
    create_app({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"}, root=ROOT / "tests")

    assert not [name for name in os.environ if name.startswith("TWIML_")]
