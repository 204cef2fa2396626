"""Lead the Twilio clients of a Python program to the emulator that ignore proxies or bring their own authorities.

Versions 5 and 6 of the official library and its asynchronous client do. The program's Python runs a copy of this file
as ``sitecustomize``, whatever its version is: it uses only the standard library.
"""

from __future__ import annotations

import importlib
import socket
import ssl
import sys
from typing import Any

_DOMAIN = ".twilio.com"
_PORTS = (443, "443", "https")
_MODULE = "sitecustomize"


def install(port: int, ca_file: str, folder: str) -> None:
    """Redirect the program: ``port`` takes the TLS connections to Twilio's hosts.

    ``folder`` has this copy; a ``sitecustomize`` of the program's own runs next.
    """
    redirect(port)
    trust(ca_file)
    run_next(folder)


def redirect(port: int) -> None:
    """Reach the proxy on this machine instead of Twilio's hosts, which are looked up first or connected to by name."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(
        host: Any, service: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        if not _is_twilio(host):
            return look_up(host, service, family, type, proto, flags)
        if service not in _PORTS:
            raise socket.gaierror(socket.EAI_NONAME, f"{host}: the emulator only plays port 443")
        return look_up("127.0.0.1", port, socket.AF_INET, type, proto)

    def connect_to(connection: socket.socket, address: Any) -> None:
        is_twilio = isinstance(address, tuple) and _is_twilio(address[0])
        connect(connection, ("127.0.0.1", port) if is_twilio else address)

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]
    socket.socket.connect = connect_to  # type: ignore[assignment, method-assign]


def _is_twilio(host: Any) -> bool:
    name = host.decode("latin-1") if isinstance(host, bytes) else host
    return isinstance(name, str) and name.lower().endswith(_DOMAIN)


def trust(ca_file: str) -> None:
    """Trust the emulator's authority wherever a file of authorities is loaded."""
    load = ssl.SSLContext.load_verify_locations

    def load_verify_locations(context: ssl.SSLContext, *args: Any, **options: Any) -> None:
        load(context, *args, **options)
        load(context, ca_file)

    ssl.SSLContext.load_verify_locations = load_verify_locations  # type: ignore[assignment]


def run_next(folder: str) -> None:
    """Import the ``sitecustomize`` that this copy hides, if there is one."""
    sys.path[:] = [path for path in sys.path if path != folder]
    ours = sys.modules.pop(_MODULE, None)
    try:
        importlib.import_module(_MODULE)
    except ImportError as error:
        if error.name != _MODULE:
            raise
        if ours:
            sys.modules[_MODULE] = ours
