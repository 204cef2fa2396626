"""A deployment with two releases: the newer one waits, answers nothing, and serves as soon as the older one is gone."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers import LIMIT_S, ROOT, clean_environment, gunicorn
from tests.webhook_requests import AUTHORIZATION, BASIC
from twiml_app.caller.forms import inbound_form
from twiml_app.webhook import FORM_TYPE

pytestmark = pytest.mark.slow

HANDLERS = """
from pathlib import Path
from twiml_app import InboundMessage, Router

router = Router()


@router.default
def answer(message: InboundMessage) -> str:
    with Path("runs").open("a") as file:
        file.write(message.message_sid + "\\n")
    return "answer"


routers = [router]
"""


@contextmanager
def older_release(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run an older release until the end of the block, and yield it with the first line that it prints."""
    command = [sys.executable, "-m", "tests.journal.older_release", str(path)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        stop(process)
        process.stdout.close()


def stop(older: subprocess.Popen[str]) -> None:
    """Stop an older release; it ends with its input."""
    assert older.stdin
    older.stdin.close()
    older.wait(LIMIT_S)


def make_project(folder: Path) -> dict[str, str]:
    """Write a project whose handler records its runs, and return its settings."""
    (folder / "own_handlers.py").write_text(HANDLERS)
    (folder / "wsgi.py").write_text("from twiml_app.app import create_app\napp = create_app()\n")
    (folder / "gunicorn.conf.py").write_bytes((ROOT / "gunicorn.conf.py").read_bytes())
    (folder / "runs").touch()
    here = {"TWIML_HANDLERS": "own_handlers", "PYTHONPATH": f"{ROOT}:{folder}", "TWIML_WAIT_S": "2"}
    return BASIC | here | {"TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"}


def status_of(base_url: str, method: str, path: str, body: str = "") -> int:
    """Return the status of an authenticated request."""
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=LIMIT_S)
    connection.request(method, path, body, {**AUTHORIZATION, "Content-Type": FORM_TYPE})
    status = connection.getresponse().status
    connection.close()
    return status


def wait_until_ready(base_url: str) -> None:
    """Wait until the server can answer messages."""
    deadline = time.monotonic() + LIMIT_S
    while status_of(base_url, "GET", "/readyz") != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_newer_release_waits_for_the_older_one(tmp_path: Path) -> None:
    """They claim messages in different ways, so together they would answer one message twice."""
    settings, path, log = make_project(tmp_path), tmp_path / "twiml.db", list[str]()
    forms = [inbound_form("hello", message_sid=f"SM{number}").encode() for number in range(3)]
    with older_release(path) as (older, opened), gunicorn(settings, folder=tmp_path, workers=2, log=log) as base_url:
        waiting = [status_of(base_url, "GET", "/readyz")]
        waiting += [status_of(base_url, "POST", "/message", form) for form in forms]
        ran_early = (tmp_path / "runs").read_text()
        stop(older)
        wait_until_ready(base_url)
        serving = [status_of(base_url, "POST", "/message", form) for form in forms * 2]
        with older_release(path) as (_, refused):
            pass

    assert (opened, waiting, ran_early) == ("open", [503] * 4, "")
    assert (serving, (tmp_path / "runs").read_text().split()) == ([200] * 6, ["SM0", "SM1", "SM2"])
    assert refused == "refused: the journal needs a release that supports version 2"
    reasons = [line for line in log if "an older release still uses the journal" in line]
    assert any("not ready" in line for line in reasons)
    assert all(f"pid {older.pid} " in line and "stop it first" in line for line in reasons)
