"""The whole product, installed and served: the wheel, gunicorn, the demo."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers import sample
from tests.servers import LIMIT_S, ROOT, clean_environment, copy_sources, find_program, gunicorn
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import inbound_form
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import Webhook
from twiml_app.checks import probe
from twiml_app.config import Settings
from twiml_app.testing import read_reply

pytestmark = pytest.mark.slow

CREDENTIALS = {"TWIML_CREDENTIALS": "sms:quite-long-enough"}
SIGNED = CREDENTIALS | {"TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Message URL, with credentials, of the example application under gunicorn."""
    with gunicorn(SIGNED | {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('journal')}/twiml.db"}) as url:
        yield url.replace("://", "://sms:quite-long-enough@") + "/message"


def caller() -> Caller:
    """Return a caller that signs with the token of the served application."""
    return Caller(HttpTransport(), token=SIGNED["TWILIO_AUTH_TOKEN"])


def test_gunicorn_answers_a_recorded_message_after_the_challenge(served: str) -> None:
    """Twilio calls twice: its first request has no credentials, and must only get a 401."""
    call = caller().call(Webhook(url=served), sample("inbound-sms.txt"))

    assert [attempt.response.status for attempt in call.attempts if attempt.response] == [401, 200]
    assert call.response.content_type == "text/xml; charset=utf-8"
    assert b"2 coffee will be ready" in call.response.body


def test_gunicorn_accepts_the_longest_text_by_get(served: str) -> None:
    """1600 non-Latin letters make a request line longer than gunicorn reads by default."""
    reply = read_reply(caller(), Webhook(url=served, method="GET"), inbound_form("ж" * 1600))

    assert reply.texts == ["Text MENU, HOURS, or ORDER with a quantity and an item, for example: order 2 coffee"]


def test_probe_reports_no_error_for_a_correct_installation(served: str) -> None:
    """``check --url`` must not report errors that are not there."""
    findings = list(probe(served, Settings.read(SIGNED), HttpTransport()))

    assert [(finding.level, finding.subject) for finding in findings] == [
        ("warning", "scheme"),
        ("ok", "challenge"),
        ("ok", "answer"),
        ("ok", "forgery"),
    ]


def test_head_and_health_are_answered_over_the_wire(served: str) -> None:
    """Load balancers send HEAD and GET without credentials."""
    parts = urlsplit(served)
    for method, path, status in [("HEAD", "/message", 401), ("GET", "/healthz", 200), ("HEAD", "/readyz", 200)]:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=LIMIT_S)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()

        assert (answer.status, body if method == "HEAD" else b"") == (status, b"")


def test_wheel_contains_only_the_package_with_types_scaffold_and_page(wheel: Path) -> None:
    """Tests and examples are not installed; py.typed, the scaffold and the files of the phone page are."""
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"twiml_app"}
    assert {"twiml_app/py.typed", "twiml_app/scaffold/handlers/hello.py", "twiml_app/scaffold/gitignore"} <= set(names)
    page = "twiml_app/emulator/phone_page"
    assert {f"{page}/templates/page.html", f"{page}/static/page.js", f"{page}/static/base.css"} <= set(names)


def test_wheel_installs_into_an_empty_environment_and_makes_a_project_that_serves(wheel: Path, tmp_path: Path) -> None:
    """Every new user does this: install, new, test, serve."""
    python = _empty_environment(tmp_path / "env", wheel)
    project = tmp_path / "project"
    run = {"cwd": tmp_path, "env": clean_environment(), "check": True}
    subprocess.run([python.parent / "twiml-app", "new", str(project)], **run)  # type: ignore[call-overload]
    subprocess.run([python, "-m", "pip", "install", "-q", "pytest"], **run)  # type: ignore[call-overload]
    subprocess.run([python, "-m", "pytest", "-q", str(project)], **run)  # type: ignore[call-overload]

    with gunicorn(CREDENTIALS, folder=project, python=str(python)) as url:
        webhook = Webhook(url=url.replace("://", "://sms:quite-long-enough@") + "/message")
        reply = read_reply(Caller(HttpTransport()), webhook, inbound_form("hello Ada"))

    assert reply.twiml == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>Hello Ada!</Body></Message></Response>'
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the current sources."""
    folder = tmp_path_factory.mktemp("dist")
    _build("--wheel", copy_sources(tmp_path_factory.mktemp("source")), folder)
    return next(folder.glob("*.whl"))


def _build(kind: str, source: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "build", kind, "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)


def test_source_distribution_has_the_files_of_the_wheel_and_no_tests(tmp_path: Path, wheel: Path) -> None:
    """The wheel is published next to it, and tests without the rest of the repository would fail."""
    _build("--sdist", copy_sources(tmp_path / "source"), tmp_path / "dist")
    (path,) = (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    with zipfile.ZipFile(wheel) as archive_of_wheel:
        packaged = {name for name in archive_of_wheel.namelist() if name.startswith("twiml_app/")}
    folder = ROOT / "twiml_app" / "emulator" / "phone_page"
    page = {str(path.relative_to(ROOT)) for path in [*folder.glob("static/*"), *folder.glob("templates/*")]}

    assert packaged == {name for name in names if name.startswith("twiml_app/")}
    assert page <= packaged
    assert {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert [name for name in names if name.startswith("tests/")] == []


def _empty_environment(folder: Path, wheel: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True, env=clean_environment())
    return python


def test_traffic_of_a_served_program_is_exported_and_replayed(tmp_path: Path) -> None:
    """A replay of recorded traffic agrees until a handler changes; then only the exchanges of that handler differ."""
    project = tmp_path / "project"
    settings = CREDENTIALS | {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}
    environment = clean_environment(**settings)
    cli = [str(Path(sys.executable).parent / "twiml-app")]

    def run_command(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*cli, *arguments], cwd=project, env=environment, capture_output=True)

    subprocess.run([*cli, "new", str(project)], check=True, env=environment, capture_output=True)
    with gunicorn(settings, folder=project, workers=2) as url:
        base = url.replace("://", "://sms:quite-long-enough@")
        for text in ("hello Ada", "hello Bob", "?"):
            read_reply(Caller(HttpTransport()), Webhook(url=f"{base}/message"), inbound_form(text))
        exported = run_command("journal", "export", "traffic.jsonl")
        over_http = run_command("replay", "traffic.jsonl", "--to", base)
    in_process = run_command("replay", "traffic.jsonl")
    handler = project / "handlers" / "hello.py"
    handler.write_text(handler.read_text().replace("Text HELLO", "Send HELLO"))
    changed = run_command("replay", "traffic.jsonl")

    assert exported.stdout == b"3 exchanges in traffic.jsonl\n", exported
    assert (over_http.returncode, over_http.stdout) == (0, b"3 replayed, 0 different\n")
    assert (in_process.returncode, in_process.stdout) == (0, b"3 replayed, 0 different\n")
    assert (changed.returncode, changed.stdout.splitlines()[-1]) == (1, b"3 replayed, 1 different")
    assert b"-     Text HELLO and your name." in changed.stdout


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The output of ``make run`` in a clone while it serves, with a token exported in the shell, as many users have."""
    clone = copy_sources(tmp_path_factory.mktemp("clone"))
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo"],
        cwd=clone,
        env=clean_environment(TWILIO_AUTH_TOKEN="exported", PORT="0", EMULATOR_PORT="0", PYTHONPATH=str(clone)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = ""
    assert process.stdout
    for line in process.stdout:
        output += line.decode()
        if "Now text it yourself" in output or "There is no demonstration" in output:
            break
    yield output
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


def test_demonstration_shows_a_reply_and_the_effect_of_a_status_handler(demonstration: str) -> None:
    """A newcomer sees the main features work before typing anything: TwiML, and a failed delivery handled."""
    assert "answered 401, then 200  text/xml; charset=utf-8" in demonstration
    assert "answered 204" in demonstration
    assert "<Body>Thanks! 2 coffee will be ready in ten minutes.</Body>" in demonstration
    assert "30005: unknown destination phone, look up the number" in demonstration


def test_demonstration_prints_a_curl_that_works_as_pasted(demonstration: str) -> None:
    """A token exported in the shell must not make the pasted command fail with a missing signature."""
    find_program("curl")
    (command,) = re.findall(r"text it +(curl .*)", demonstration)
    answer = subprocess.run(shlex.split(command.replace("Body=hello", "Body=menu")), capture_output=True, check=True)

    assert json.loads(answer.stdout)["replies"]
