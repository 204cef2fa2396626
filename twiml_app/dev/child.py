"""The process of the program: loads it when told to, serves it, and ends with the process that started it.

``python -m twiml_app.dev.child CONTROL LISTENER [MODULE:APP]`` gets the descriptors of two sockets. It begins with what
every program needs, and waits: a process that stands by makes a reload quick.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import journal, work  # noqa: F401  every program needs them
from ..app import create_app, run_background, state_of, stop_background
from ..config import Settings
from ..errors import ConfigurationError
from .environment import named_app
from .failures import traceback_of
from .local_twilio import stay_local
from .notes import NotedApplication
from .serving import SharedServer

if TYPE_CHECKING:
    from flask import Flask

#: The settings that must be those of ``dev``: with others, a program might reach a real account or a real journal.
_OF_DEV = ("credentials", "auth_tokens", "shared_keys", "account_sid", "api_url", "public_url", "database_url")


class Control:
    """The connection to the process that started this one; when that process ends, so does this one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.beginning = threading.Event()
        self.stopping = threading.Event()
        #: Whether requests may be in progress, so that the process must not end at once.
        self.is_serving = False
        threading.Thread(target=self._listen, name="twiml dev", daemon=True).start()

    def tell(self, state: str, **facts: Any) -> None:
        """Tell the other process what happened."""
        self._connection.sendall(json.dumps({"state": state, **facts}).encode() + b"\n")

    def _listen(self) -> None:
        try:
            for line in self._connection.makefile("r"):
                if line == "begin\n":
                    self.beginning.set()
                elif self.is_serving:
                    self.stopping.set()
                else:
                    return
        finally:
            os._exit(0)


def main(control_number: str, listener_number: str, app_name: str = "") -> None:
    """Serve the program until told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to both processes
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    control = Control(socket.socket(fileno=int(control_number)))
    listener = socket.socket(fileno=int(listener_number))
    stay_local(os.environ["TWIML_API_URL"])
    sys.dont_write_bytecode = True  # it would also be taken for that of a save in the same second with the same size
    control.beginning.wait()
    try:
        app = load(app_name, Path.cwd())
        server = SharedServer(listener, NotedApplication(app, Path.cwd()))
    except BaseException as error:  # a program may call sys.exit
        control.tell("failed", detail=traceback_of(error))
        os._exit(1)
    control.is_serving = True
    run_background(app)
    control.tell("running", paths=_paths(app))
    threading.Thread(target=_stop, args=(control, server), name="twiml dev stop", daemon=True).start()
    server.serve_forever()
    control.tell("closed")
    server.server_close()
    stop_background(app)
    os._exit(0)  # whatever else the program has started ends too


def _stop(control: Control, server: SharedServer) -> None:
    control.stopping.wait()
    server.shutdown()


def load(app_name: str, root: Path) -> Flask:
    """Return the application of a project: the named one, else that of its ``wsgi.py``, else its handlers.

    Raises: ConfigurationError, also for an application that overrides the settings of ``dev``; any exception of the
    program.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    name = named_app(root, app_name)
    app = _named(name) if name else create_app(root=root)
    given = state_of(app).settings
    wanted = Settings.read(os.environ)
    for field in _OF_DEV:
        if getattr(given, field) != getattr(wanted, field):
            problem = (
                f"the application sets `{field}` itself, and dev only runs programs that take it from the environment"
            )
            raise ConfigurationError(name, problem)
    return app


def _named(name: str) -> Flask:
    from flask import Flask

    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute or "app", None)
    app = found if isinstance(found, Flask) or not callable(found) else found()
    if not isinstance(app, Flask):
        raise ConfigurationError(name, "there is no Flask application of this name")
    return app


def _paths(app: Flask) -> dict[str, str]:
    state = state_of(app)
    return {endpoint: f"{state.url_prefix}{path}" for endpoint, path in state.settings.paths.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
