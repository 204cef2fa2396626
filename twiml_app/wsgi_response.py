"""Answers as Flask responses, and the one after which the connection is closed: bytes of the request are left on it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.wsgi import ClosingIterator

from .body_deadlines import connection_of
from .webhook import WebhookResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LINGER_S, _LINGER_BYTES, _PIECE_BYTES = 1.0, 1 << 20, 1 << 16


def flask_response(answer: WebhookResponse, *, closes: bool) -> Response:
    """Return an answer as a response of Flask, which closes the connection if asked to."""
    response_type = ClosingResponse if closes else Response
    response = response_type(answer.body, answer.status, headers=list(answer.headers), content_type=answer.content_type)
    if not answer.content_type:
        del response.headers["Content-Type"]
    return response


class ClosingResponse(Response):
    """A response that closes the connection.

    WSGI has no way to ask for this: an application must not send ``Connection: close``. gunicorn would keep a thread
    waiting for the rest of the body; with other servers this is an ordinary response.
    """

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the response as a WSGI application."""
        parts = super().__call__(environ, start_response)
        connection = _force_close(environ, start_response)
        return ClosingIterator(parts, partial(_linger, connection)) if connection else parts


def _force_close(environ: WSGIEnvironment, start_response: StartResponse) -> socket.socket | None:
    """Have gunicorn send ``Connection: close``, and return the connection; None for any other server."""
    force_close = getattr(getattr(start_response, "__self__", None), "force_close", None)
    connection = connection_of(environ)
    if force_close and connection:
        force_close()
        return connection
    return None


def _linger(connection: socket.socket) -> None:
    """End the answer and wait a moment for the sender to close, so that it can read the answer.

    gunicorn waits too, but in the thread that accepts all connections. After this it has nothing to wait for.
    """
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        _discard(connection, time.monotonic() + _LINGER_S)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def _discard(connection: socket.socket, deadline: float) -> None:
    left = _LINGER_BYTES
    while left > 0 and (wait_s := deadline - time.monotonic()) > 0:
        connection.settimeout(wait_s)
        received = len(connection.recv(_PIECE_BYTES))
        if not received:
            return
        left -= received
