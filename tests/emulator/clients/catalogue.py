"""The official clients by name, and how each is installed."""

from __future__ import annotations

import functools
from importlib.metadata import version
from pathlib import Path

from tests.emulator.clients.environments import NotInstallable, installed, node_in, npm_install, pip_install
from tests.emulator.clients.running import Client

#: A release of each major version of the Node client.
NODE = {"node 6": "6.2.0", "node 5": "5.10.7", "node 4": "4.23.0", "node 3": "3.84.1"}
#: The last release of each major version; the newest Python client is the one installed for the tests.
OLDER = {"python 8": "8.13.0", "python 7": "7.17.0", "python 6": "6.63.2", "python 5": "5.7.0"}

#: The clients that support scheduling, subaccounts, and messages; each list adds clients to the one before.
SCHEDULING = ["python 9", "python 8", "python 7", "node 6"]
BLOCKING = [*SCHEDULING, "python 6", "python 5"]
EVERY = [*BLOCKING, "python 9 async"]


@functools.cache
def find_client(name: str, cache: Path) -> Client | NotInstallable:
    """Return a client, installed if necessary, or the reason why it cannot be; tried once per process."""
    try:
        return _make_client(name, cache)
    except NotInstallable as problem:
        return problem


def _make_client(name: str, cache: Path) -> Client:
    """Return a client, installed if necessary.

    Raises: NotInstallable.
    """
    if name in NODE:
        node = node_in(cache)
        folder = installed(cache, f"npm-twilio-{NODE[name]}", npm_install(f"twilio@{NODE[name]}", node))
        return Client.of_node(NODE[name], node, folder)
    if name in OLDER:
        folder = installed(cache, f"twilio-{OLDER[name]}", pip_install(f"twilio=={OLDER[name]}"))
        return Client.of_python(OLDER[name], folder, "old_client" if name == "python 5" else "python_client")
    return Client.of_python(version("twilio"), None, "async_client" if name == "python 9 async" else "python_client")
