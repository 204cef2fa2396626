"""Run a script that uses an official client, serve its requests, and return its results.

The script writes one line per request (``settle`` or ``advance SECONDS``) and reads ``ok``. Its last line is ``seen``
and a JSON document.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.servers import LIMIT_S, ROOT, clean_environment

NODE_SCRIPT = Path(__file__).with_name("node_client.js")

Actions = Mapping[str, Callable[..., object]]


class ClientFailed(Exception):
    """A script failed; the message contains its error output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An official client, and the command that runs a scenario with it."""

    version: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_python(cls, version: str, folder: Path | None, script: str, **environment: str) -> Client:
        """Return a client for this interpreter, from its own folder if there is one."""
        path = {"PYTHONPATH": str(folder)} if folder else {}
        command = (sys.executable, "-m", f"tests.emulator.clients.{script}")
        return cls(version=version, command=command, environment=path | environment)

    @classmethod
    def of_node(cls, version: str, node: Path, folder: Path) -> Client:
        """Return a client for Node, from its own folder."""
        path = {"NODE_PATH": str(folder / "node_modules")}
        return cls(version=version, command=(str(node), str(NODE_SCRIPT)), environment=path)

    def run(self, arguments: list[str], actions: Actions) -> Any:
        """Run a scenario and return its results.

        Raises: ClientFailed.
        """
        with tempfile.TemporaryFile("w+") as errors, self._process(arguments, errors) as process:
            document = _converse(process, actions)
            if process.wait(LIMIT_S) or document is None:
                errors.seek(0)
                raise ClientFailed(f"{' '.join(arguments[:1])}: {errors.read().strip()}")
        assert document["version"] == self.version
        return document["seen"]

    @contextmanager
    def _process(self, arguments: list[str], errors: IO[str]) -> Iterator[subprocess.Popen[str]]:
        """Run the script, up to a time limit."""
        process = subprocess.Popen(
            [*self.command, *arguments],
            cwd=ROOT,
            env=_direct(clean_environment(**self.environment)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )
        limit = threading.Timer(LIMIT_S, process.kill)
        limit.start()
        try:
            with process:
                yield process
        finally:
            limit.cancel()


def _converse(process: subprocess.Popen[str], actions: Actions) -> Any:
    """Serve the requests of the script, and return its document; None if it ends without one."""
    assert process.stdin
    assert process.stdout
    for line in process.stdout:
        request, _, rest = line.strip().partition(" ")
        if request == "seen":
            return json.loads(rest)
        if request not in actions:
            raise ClientFailed(f"unknown request: {line!r}")
        actions[request](*map(float, rest.split()))
        process.stdin.write("ok\n")
        process.stdin.flush()
    return None


def _direct(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without proxies, because all requests go to the loopback interface."""
    return {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
