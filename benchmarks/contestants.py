"""Who takes part: the command that serves each contestant, and what it has to refuse."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.machine import NODE_MODULES, ROOT
from benchmarks.plan import NotMeasured, parser
from benchmarks.signed_requests import CREDENTIALS, TOKEN

#: Makes the command that listens on a port.
Command = Callable[[int], list[str]]
OURS, RIVALS = "wsgi:app", "benchmarks.rivals"
JOURNAL = "sqlite:///twiml.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way of answering the same request."""

    name: str
    command: Command
    settings: dict[str, str] = field(default_factory=dict)
    checks_credentials: bool = False
    checks_signature: bool = True
    #: Seconds of load before all rounds, for a compiler that works while the program runs.
    warm_up_s: int = 0

    @property
    def keeps_journal(self) -> bool:
        """Whether each request must have a new message SID."""
        return self.settings.get("TWIML_DATABASE_URL", "off") != "off"


def gunicorn(target: str, *options: str, workers: int = 1, threads: int | None = 4) -> Command:
    """Return the command of gunicorn with threads and keep-alive, the same for all contestants.

    ``threads`` is None for as many as the configuration file says.
    """

    def command(port: int) -> list[str]:
        fixed = ["--worker-class", "gthread", "--keep-alive", "75", "--log-level", "warning", "--http-parser", parser()]
        size = ["--workers", str(workers), *([] if threads is None else ["--threads", str(threads)])]
        return [sys.executable, "-m", "gunicorn", target, "--bind", f"127.0.0.1:{port}", *size, *fixed, *options]

    return command


def granian(target: str) -> Command:
    """Return the command of Granian with one worker and as many threads as gunicorn has."""

    def command(port: int) -> list[str]:
        fixed = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "4", "--log-level", "warning"]
        return [sys.executable, "-m", "granian", *fixed, "--port", str(port), target]

    return command


def uvicorn(target: str) -> Command:
    """Return the command of uvicorn."""
    fixed = ["--no-access-log", "--log-level", "warning"]
    return lambda port: [sys.executable, "-m", "uvicorn", target, "--port", str(port), *fixed]


def node(script: Path) -> Command:
    """Return the command of Node."""

    def command(port: int) -> list[str]:
        if not shutil.which("node"):
            raise NotMeasured("node is not installed")
        if not NODE_MODULES.exists():
            raise NotMeasured("npm was not there to install express")
        return ["env", f"PORT={port}", f"NODE_PATH={NODE_MODULES}", "NODE_ENV=production", "node", str(script)]

    return command


#: The project's own settings of gunicorn; the rivals run with gunicorn's defaults.
SHIPPED = ("--config", str(ROOT / "gunicorn.conf.py"))


def ours(name: str, *, journal: str = "off", durability: str = "power", command: Command | None = None) -> Contestant:
    """Return this project with twenty handlers, basic authentication and signatures."""
    settings = {"TWIML_HANDLERS": "benchmarks.echo_handlers", "TWIML_CREDENTIALS": CREDENTIALS}
    settings |= {
        "TWIML_DATABASE_URL": journal,
        "TWIML_DURABILITY": durability,
        "TWIML_PUBLIC_URL": "http://bench.example",
    }
    served = command or gunicorn(OURS, *SHIPPED)
    return Contestant(
        name=name, command=served, settings=settings | {"TWILIO_AUTH_TOKEN": TOKEN}, checks_credentials=True
    )


def rival(name: str, command: Command, *, checks_signature: bool = True) -> Contestant:
    """Return a contestant that somebody else would write."""
    return Contestant(
        name=name, command=command, settings={"TWILIO_AUTH_TOKEN": TOKEN}, checks_signature=checks_signature
    )


LIMIT = rival("a constant answer (the limit)", gunicorn(f"{RIVALS}.constant:app"), checks_signature=False)
FLASK = rival("Flask, official library", gunicorn(f"{RIVALS}.flask_app:app"))
DJANGO = rival("Django, django-twilio", gunicorn(f"{RIVALS}.django_app:app"))
FASTAPI = rival("FastAPI, official library, uvicorn", uvicorn(f"{RIVALS}.fastapi_app:app"))
EXPRESS = replace(
    rival("Express, official library, Node", node(ROOT / "benchmarks" / "express" / "server.js")), warm_up_s=8
)
OFF = ours("twiml_app, journal off")
PROCESS = ours("twiml_app, TWIML_DURABILITY=process", journal=JOURNAL, durability="process")
DEFAULT = ours("twiml_app, default journal", journal=JOURNAL)
GRANIAN_LIMIT = rival("a constant answer, Granian", granian(f"{RIVALS}.constant:app"), checks_signature=False)
GRANIAN_OFF = ours("twiml_app, journal off, Granian", command=granian(OURS))
GRANIAN_DEFAULT = ours("twiml_app, default journal, Granian", journal=JOURNAL, command=granian(OURS))
