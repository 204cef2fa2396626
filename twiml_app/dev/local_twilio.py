"""Keep a process away from Twilio: the official library reaches the emulator, and Twilio's hosts are not found."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

#: The modules of the official library that send requests, and their classes.
_CLIENTS = {
    "twilio.http.http_client": "TwilioHttpClient",
    "twilio.http.async_http_client": "AsyncTwilioHttpClient",
}


def stay_local(api_url: str) -> None:
    """Send the requests of the official library to an emulator from now on; no other code reaches Twilio's hosts.

    The library is changed when the program imports it later, so that programs without it do not wait for the import.
    """
    _refuse_lookups()

    def redirect(module: ModuleType) -> None:
        client = getattr(module, _CLIENTS[module.__name__])
        client.request = _redirected(client.request, api_url)

    sys.meta_path.insert(0, _ChangesAfterImport(redirect))


def _is_twilio(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "twilio.com" or name.endswith(".twilio.com")


def _redirected(request: Callable[..., Any], api_url: str) -> Callable[..., Any]:
    """Return a method that requests a path of the emulator in place of one of Twilio's hosts."""

    @wraps(request)
    def redirected(client: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        parts = urlsplit(url)
        if _is_twilio(parts.hostname or ""):
            url = f"{api_url}{parts.path}{f'?{parts.query}' if parts.query else ''}"
        return request(client, method, url, *args, **options)

    return redirected


class _ChangesAfterImport(MetaPathFinder):
    """Calls a function with the modules of the official library that send requests, once they are imported."""

    def __init__(self, change: Callable[[ModuleType], None]) -> None:
        self._change = change

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module is imported; None for those that are not changed."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _CLIENTS else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            self._change(module)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


def _refuse_lookups() -> None:
    """Let no code of this process find the address of a host of Twilio."""
    find = socket.getaddrinfo

    @wraps(find)
    def find_others(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode("latin-1") if isinstance(host, bytes) else str(host)
        if _is_twilio(name):
            raise socket.gaierror(socket.EAI_FAIL, f"twiml-app dev does not let the program reach {name}")
        return find(host, *args, **options)

    socket.getaddrinfo = find_others
