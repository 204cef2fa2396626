"""A session of ``twiml-app dev``: the program, and an emulator whose number points at it."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from ..errors import ConfigurationError
from .account import announced, lock_project, open_account
from .environment import environment_of, ignored_accounts
from .keeper import Keeper
from .program import DevProgram
from .serving import listen

if TYPE_CHECKING:
    from ..emulator import Emulator, ProgramStatus

HOST = "127.0.0.1"
#: The number that the program answers, if TWIML_FROM names no other.
NUMBER = "+15017122661"
#: How many ports are tried after one that is taken, before any free one.
_NEXT_PORTS = 20
_MAX_PORT = 65535
#: The paths of the program until it has run.
_PATHS = {"message": "/message", "fallback": "/fallback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """The options of a session."""

    root: Path
    #: The ports of the program and of the emulator; others are chosen if they are taken.
    port: int = 8000
    emulator_port: int = 8088
    #: An application, as ``module:app``; by default that of ``wsgi.py``, else the handlers.
    app_name: str = ""
    #: Our number; by default that of TWIML_FROM.
    number: str = ""
    #: How long requests wait for a program that loads, in seconds; Twilio waits 15.
    loading_s: float = 10.0


class Dev:
    """Runs the program and the emulator; a context manager.

    ``outer`` is the environment, without what ``.env`` adds.

    Raises: ConfigurationError.
    """

    def __init__(self, options: DevOptions, outer: Mapping[str, str] | None = None) -> None:
        self._options = options
        self.root = options.root
        self._opened = ExitStack()
        outer = os.environ if outer is None else outer
        file = _env_file(options.root)
        _require_program(options, outer.get("TWIML_HANDLERS") or file.get("TWIML_HANDLERS") or "handlers")
        self.account = open_account(options.root)
        #: What the developer should know: a setting that is not used, a port that was taken.
        self.notices: list[str] = [*ignored_accounts(outer, file)]
        self.number = options.number or _number_of(outer.get("TWIML_FROM") or file.get("TWIML_FROM") or "")
        self._listener, self._emulator_port = self._take_ports()
        self._lock = self._take_lock()
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self.environment = environment_of(
            self.account, outer, url=self.url, api_url=f"http://{HOST}:{self._emulator_port}", number=self.number
        )
        self._keeper = Keeper(
            options.root, self.environment, self._listener, app_name=options.app_name, loading_s=options.loading_s
        )
        self.program = DevProgram(self._keeper, options.root, self.environment, app_name=options.app_name)
        self.emulator: Emulator

    def _take_ports(self) -> tuple[socket.socket, int]:
        """Return the listening socket of the program, and the port of the emulator.

        Raises: ConfigurationError.
        """
        listener = self._listen(self._options.port, "the program")
        with self._listen(self._options.emulator_port, "the emulator") as free:
            return listener, int(free.getsockname()[1])

    def _take_lock(self) -> TextIO:
        """Return the lock of the project; if another session has it, the port of the program is given back.

        Raises: ConfigurationError.
        """
        try:
            return lock_project(self.root, f"http://{HOST}:{self._emulator_port}/")
        except ConfigurationError:
            self._listener.close()
            raise

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self._lock.close)
            self._keeper.start()  # the program loads while the emulator starts
            opened.callback(self._keeper.stop)
            self.emulator = opened.enter_context(self._make_emulator())
            opened.enter_context(announced(self.root, self.account, self.emulator.url))
            self._keeper.watch(self._point_number)
            self._point_number(self._keeper.status())
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._keeper.expect_end()
        self._opened.close()

    def _make_emulator(self) -> Emulator:
        from ..emulator import Emulator, EmulatorOptions

        options = EmulatorOptions(
            host=HOST,
            port=self._emulator_port,
            clock="real",
            account_sid=self.account.account_sid,
            auth_token=self.account.auth_token,
            program=self.program,
        )
        return Emulator(options)

    def _point_number(self, _status: ProgramStatus) -> None:
        """Point the number at the program; its paths are known once it has run."""
        self.emulator.add_number(self.number, self.message_url, fallback_url=self._webhook_url("fallback"))

    @property
    def page_url(self) -> str:
        """The address of the phone page."""
        return f"{self.emulator.url}/"

    @property
    def message_url(self) -> str:
        """The Message URL, with its credentials."""
        return self._webhook_url("message")

    def _webhook_url(self, endpoint: str) -> str:
        path = self._keeper.paths.get(endpoint) or _PATHS[endpoint]
        return self.url.replace("://", f"://{self.account.credentials}@") + path

    def _listen(self, port: int, what: str) -> socket.socket:
        """Return a socket that listens on a port, or on another one if it is taken; that is noted.

        Raises: ConfigurationError.
        """
        following = range(port + 1, min(port + _NEXT_PORTS, _MAX_PORT) + 1) if port else ()
        for number in (port, *following, 0):
            try:
                found = listen(HOST, number)
            except OSError as error:
                problem = error
                continue
            if number != port:
                self.notices.append(f"port {port} is taken: {what} is on port {found.getsockname()[1]}")
            return found
        raise ConfigurationError("port", f"no port can be listened on: {problem}")


def _env_file(root: Path) -> dict[str, str | None]:
    """Return the settings of ``.env``; none if it cannot be read, which the program reports when it loads."""
    from dotenv import dotenv_values

    try:
        return dotenv_values(root / ".env")
    except (OSError, UnicodeDecodeError):
        return {}


def _require_program(options: DevOptions, handlers: str) -> None:
    """Check that there is something to run; whether it loads, the program itself says.

    Raises: ConfigurationError.
    """
    top = handlers.partition(".")[0]
    files = [options.root / name for name in ("wsgi.py", f"{top}.py", top)]
    if options.app_name or any(file.exists() for file in files) or importlib.util.find_spec(top):
        return
    problem = f"there is no program here, neither wsgi.py nor the module {handlers}: `twiml-app new NAME` makes one"
    raise ConfigurationError("twiml-app dev", problem)


def _number_of(sender: str) -> str:
    return sender if re.fullmatch(r"\+[0-9]{7,15}", sender) else NUMBER
