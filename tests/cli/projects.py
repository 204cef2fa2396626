"""Projects in temporary folders, for tests of the commands that read a journal."""

from __future__ import annotations

import importlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import chdir, closing, contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from click.testing import CliRunner, Result
from flask import Flask

from tests.cli.command_line import SETTINGS
from tests.webhook_requests import SID
from twiml_app.cli import main
from twiml_app.testing import Phone

HANDLERS = """
import os
from twiml_app import InboundMessage, Router, StatusCallback

router = Router()


@router.message("hello")
def hello(message: InboundMessage) -> str:
    return "Hello!"


@router.message("fail")
def fail(message: InboundMessage) -> str:
    raise ValueError("as asked")


@router.status("failed")
def noted(status: StatusCallback) -> None:
    with open("noted", "a") as file:
        file.write(f"{status.message_sid} ")


@router.error_code(30005)
def looked_up(status: StatusCallback) -> None:
    if not os.path.exists("works"):
        raise RuntimeError("the directory is down")


routers = [router]
"""
CREDENTIALS = "sms:quite-long-enough"
SENT = "SM" + "4" * 32


PROGRAM = """
from pathlib import Path

from flask import Flask

from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.app import Twiml

router = Router()

@router.message("menu")
def menu(message: InboundMessage) -> str:
    return Path(__file__).with_name("menu.txt").read_text()

@router.default
def echo(message: InboundMessage) -> str:
    return f"{message.profile_name} ({message.from_}) said {message.body}"

@router.status("failed")
def failed(status: StatusCallback) -> None:
    raise ValueError(status.to)

routers = [router]

def make_app(**settings: str) -> Flask:
    app = Flask(__name__)
    app.config.update(settings)
    Twiml(app, router=Router(router))
    return app
"""


class Project:
    """A project in a folder, with a few exchanges in its journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.module = f"program_{folder.name}"
        self.environment = SETTINGS | {
            "TWIML_HANDLERS": self.module,
            "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db",
        }
        (folder / f"{self.module}.py").write_text(PROGRAM)
        self.change_menu("Tea or coffee?")

    def change_menu(self, text: str) -> None:
        """Change the answer of one handler."""
        (self.folder / "menu.txt").write_text(text)

    def app(self, **settings: str) -> Flask:
        """Return the application as a server would load it."""
        app: Flask = importlib.import_module(self.module).make_app(**self.environment | settings)
        return app

    def record(self) -> None:
        """Send the application some traffic that its journal records."""
        phone = Phone(self.app(), contact="whatsapp:+15005550001", number="whatsapp:+15005550006")
        phone.text("menu")
        phone.text("call +15005550001\u2028or 500-555-0001", ProfileName="Ada & Bob")
        phone.text("menu")
        phone.status(SID, "failed", error_code=30005)

    def type(self, *arguments: str, **environment: str) -> Result:
        """Run a command in the folder."""
        with chdir(self.folder):
            return CliRunner().invoke(main, arguments, env={**self.environment, **environment}, catch_exceptions=False)

    def journal(self) -> list[Any]:
        """Return all rows of the journal."""
        with closing(sqlite3.connect(self.folder / "twiml.db")) as database, database:
            tables = ("exchanges", "refusals", "ledger")
            return [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port, and yield its URL with credentials."""
    with make_server("127.0.0.1", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://sms:quite-long-enough@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
