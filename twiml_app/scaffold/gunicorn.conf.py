"""How gunicorn serves a phone number; ``gunicorn wsgi:app`` reads this file automatically.

Twilio waits 15 seconds for an answer, https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

import errno
import os
import signal
import socket
import sys
from typing import Any

# Platforms set PORT and call from outside; elsewhere a reverse proxy in front speaks TLS.
bind = f"{'0.0.0.0' if 'PORT' in os.environ else '127.0.0.1'}:{os.environ.get('PORT', '8000')}"

# Handlers mostly wait for something, so threads serve more than processes; and a client that keeps its connection open
# does not stop a threaded worker.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8

# A worker that shows no sign of life for longer than Twilio waits is replaced. This does not limit one slow request of
# a threaded worker: a handler needs time limits of its own for what it calls.
timeout = 20

# On shutdown, let in-flight requests finish (longer than Twilio's 15 s timeout).
graceful_timeout = 25

# Keep a proxy's connections a little longer than the proxy keeps them idle (often 60 s), so that gunicorn never closes
# a connection that the proxy is about to use.
keepalive = 75

# A GET webhook carries the whole text in its request line: 1600 letters of another alphabet take 9605 bytes, and the
# largest limit that gunicorn can be given is 8190. Reverse proxies limit the line too.
limit_request_line = 0

# The application writes one line per event; an access log would show tokens of status URLs.
accesslog = None
errorlog = "-"
loglevel = "info"


def on_starting(server: Any) -> None:
    """Say in one line why the application cannot be served, before any worker starts."""
    problem = _taken_address(server) or _failing_start(server)
    if problem:
        sys.exit(problem)


def _taken_address(server: Any) -> str:
    """Return which address another program listens on; empty if none."""
    if {"LISTEN_FDS", "GUNICORN_FD"} & os.environ.keys() or server.cfg.reuse_port:
        return ""
    for address in server.cfg.address:
        if isinstance(address, tuple) and _is_taken(*address[:2]):
            return f"{address[0]}:{address[1]} is taken: stop the program that listens there, or choose another port"
    return ""


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _failing_start(server: Any) -> str:
    """Return why the application does not load; empty if it does.

    It is loaded in a child process, so that workers still load it afresh after a reload.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - each worker logs the same again
        os.write(writing, _load(server).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        problem = pipe.read()
    os.waitpid(child, 0)
    return problem


def _load(server: Any) -> str:
    from twiml_app.errors import TwimlAppError

    try:
        server.app.wsgi()
    except TwimlAppError as error:
        return str(error)
    except BaseException:  # a worker shows its traceback
        return ""
    return ""


def post_worker_init(worker: Any) -> None:
    """Leave Ctrl-C to the master, which stops the workers: a terminal sends it to all of them at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
