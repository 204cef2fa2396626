"""A server on a port that another process keeps open."""

from __future__ import annotations

import socket
import socketserver
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: How often a server looks whether it should stop, in seconds.
POLL_S = 0.02
#: How long a connection may send nothing, in seconds.
_IDLE_S = 15.0


class _Handler(WSGIRequestHandler):
    """Answers one request per connection, and logs nothing: the application has its own log."""

    timeout = _IDLE_S

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


class SharedServer(ThreadedWSGIServer):
    """Serves on a listening socket that stays open when the server stops; its requests are then answered to the end."""

    daemon_threads = False

    def __init__(self, listener: socket.socket, application: WSGIApplication) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, application, _Handler, fd=listener.fileno())

    def get_request(self) -> tuple[Any, Any]:
        """Return the next connection.

        Raises: BlockingIOError, if the other process has taken it.
        """
        connection, address = super().get_request()
        connection.setblocking(True)
        return connection, address

    def serve_forever(self, poll_interval: float = POLL_S) -> None:
        """Answer requests until ``shutdown`` is called; ``server_close`` then waits for those in progress."""
        socketserver.BaseServer.serve_forever(self, poll_interval)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket that several processes can accept from; with port 0, on any free port.

    Raises: OSError, if the port is taken.
    """
    listener = socket.create_server((host, port), backlog=128)
    listener.setblocking(False)
    return listener
