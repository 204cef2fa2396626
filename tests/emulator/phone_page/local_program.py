"""A program under development, in this process: its routers can be exchanged, as if a file was saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from twiml_app import Router
from twiml_app.app import build_app
from twiml_app.caller import HttpTransport, OutgoingRequest, RoutedTransport
from twiml_app.emulator import Emulator, EmulatorOptions, ProgramStatus, ReplayedAnswer
from twiml_app.errors import ConfigurationError
from twiml_app.recordings import read_file, replay
from twiml_app.served_app import in_process, sender
from twiml_app.webhook import WebhookResponse

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWILIO_AUTH_TOKEN": "fedcba9876543210fedcba9876543210"}

#: What is answered instead of a program that did not load.
NOT_RUNNING = WebhookResponse.line(503, "the program does not run", ("X-Twiml-Program", "not running"))


class LocalProgram:
    """Knows its code, replays recordings in this process, and saves tests below a folder."""

    def __init__(self, folder: Path, router: Router) -> None:
        self.folder = folder
        self.router = router
        self.settings = SETTINGS
        self.problem = ""
        self.current = ProgramStatus(state="running", generation=1)
        self._watchers: list[Callable[[ProgramStatus], None]] = []

    def app(self) -> Flask:
        """Return an application with the code as it is now."""
        folder = self.folder / f"run{len([*self.folder.glob('run*')])}"
        folder.mkdir(parents=True)
        return build_app(
            {**self.settings, "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"}, folder, router=self.router
        )

    def reload(self, router: Router | None = None, problem: str = "") -> None:
        """Use other code from now on; with a problem, it does not load."""
        self.router, self.problem = router or self.router, problem
        state = "failed" if problem else "running"
        self.current = ProgramStatus(state=state, detail=problem, generation=self.current.generation + 1)
        for watcher in self._watchers:
            watcher(self.current)

    def status(self) -> ProgramStatus:
        """Return the current status."""
        return self.current

    def watch(self, on_change: Callable[[ProgramStatus], None]) -> None:
        """Call this function with every new status."""
        self._watchers.append(on_change)

    def replay(self, recording: str) -> list[ReplayedAnswer]:
        """Replay a recording.

        Raises: ConfigurationError, if the code does not load.
        """
        if self.problem:
            raise ConfigurationError("program", self.problem)
        file = self.folder / "recording.jsonl"
        file.write_text(recording, encoding="utf-8")
        found = replay(read_file(file), sender(self.app()))
        return [ReplayedAnswer(sid=each.exchange.sid, differences=each.differences) for each in found]

    def save_test(self, name: str, source: str, recording: str) -> Path:
        """Write a test and its recording.

        Raises: ConfigurationError, if there is such a test.
        """
        path = self.folder / f"test_{name}.py"
        if path.exists():
            raise ConfigurationError("name", f"there is a file {path.name} already")
        path.write_text(source, encoding="utf-8")
        path.with_suffix(".jsonl").write_text(recording, encoding="utf-8")
        return path.relative_to(self.folder)

    def emulator(self, number: str) -> Emulator:
        """Return an emulator with a number that the code as it is now answers."""
        target, transport = in_process(self.app())

        def answer(request: OutgoingRequest) -> WebhookResponse:
            return NOT_RUNNING if self.problem else transport(request)

        routed = RoutedTransport(target.base_url, answer, HttpTransport())
        options = EmulatorOptions(program=self, auth_token=target.token)
        emulator = Emulator(options, transport=routed)
        webhook = target.webhook("/message", "/fallback")
        emulator.add_number(number, webhook.url, fallback_url=webhook.fallback_url)
        return emulator
