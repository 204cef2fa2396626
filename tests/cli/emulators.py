"""Emulators in their own processes, and the commands and clients that talk to them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from twilio.rest import Client

from tests.emulator.program import Answer
from tests.servers import LIMIT_S, clean_environment
from twiml_app.cli import main
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN

COMMAND = [str(Path(sys.executable).parent / "twiml-app"), "emulator"]
NUMBER, PHONE = "+15017122661", "+15558675310"
PASSWORD = "s3cret-of-the-program"


@dataclass(slots=True)
class Process:
    """An emulator in its own process, and what it printed."""

    process: subprocess.Popen[str]
    url: str = ""
    said: str = ""
    complained: str = ""
    status: int | None = None

    def read_introduction(self) -> None:
        """Read until the first empty line after what a client needs to know."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"^Twilio .* on ([^,]+),", line):
                self.url = found[1]
            if self.said.count("\n\n") == 2:
                return
        raise AssertionError(self.process.communicate())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, and read what it printed meanwhile."""
        if self.status is None:
            self.process.send_signal(number)
            said, self.complained = self.process.communicate(timeout=LIMIT_S)
            self.said, self.status = self.said + said, self.process.returncode


@contextmanager
def started(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[Process]:
    """Start the command on a free port."""
    process = Process(
        subprocess.Popen(
            [*COMMAND, "--port", "0", *arguments],
            env=clean_environment(**environment or {}),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    try:
        process.read_introduction()
        yield process
    finally:
        process.stop()


def run(*arguments: str, url: str = "", environment: Mapping[str, str | None] | None = None) -> Result:
    """Run a command for a running emulator."""
    given = {"TWIML_EMULATOR_URL": url or None, **(environment or {})}
    return CliRunner().invoke(main, ["emulator", *arguments], env=given, catch_exceptions=False)


def untimed(said: str) -> list[str]:
    """Return lines without their leading time; a continuation line is indented."""
    return [re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ", "", line) for line in said.splitlines()]


def seen(result: Result) -> tuple[int, Any]:
    """Return the exit status, and the JSON that was printed."""
    return result.exit_code, json.loads(result.stdout)


def client_of(url: str, token: str = AUTH_TOKEN) -> Client:
    """Return the official client, pointed at an emulator by the line that it prints."""
    client = Client(ACCOUNT_SID, token)
    client.api.base_url = url
    return client


def send(url: str, body: str = "hello") -> str:
    """Send a message through the REST API, and return its sid."""
    sid: str = client_of(url).messages.create(to=PHONE, from_=NUMBER, body=body).sid
    return sid


def messages_path(url: str) -> str:
    """Return the URL of the list of messages."""
    return f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"


def answer_of_emulator(document: object) -> Answer:
    """Return an answer that a command takes for that of an emulator."""
    headers = (("Twilio-Request-Id", "RQ" + "0" * 32),)
    return Answer(json.dumps(document).encode(), content_type="application/json", headers=headers)
