"""Settings of gunicorn for a phone number; ``gunicorn wsgi:app`` reads this file automatically.

Twilio waits 15 seconds for an answer, https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

import errno
import gc
import os
import signal
import socket
import sys
from typing import Any

# Platforms set PORT and connect from outside; elsewhere a reverse proxy in front handles TLS.
bind = f"{'0.0.0.0' if 'PORT' in os.environ else '127.0.0.1'}:{os.environ.get('PORT', '8000')}"

# Handlers mostly wait for I/O, so threads serve more requests than processes do; and a client that keeps its connection
# open does not block a threaded worker.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8

# A worker that hangs for longer than Twilio waits is replaced. This does not limit a single slow request of a threaded
# worker: a handler must set time limits for the services it calls.
timeout = 20

# On shutdown, let in-flight requests finish (longer than Twilio's 15 s timeout).
graceful_timeout = 25

# Keep a proxy's connections a little longer than the proxy keeps them idle (often 60 s), so that gunicorn never closes
# a connection that the proxy is about to use.
keepalive = 75

# No limit: a GET webhook carries the whole text in its request line, and 1600 non-Latin letters take 9605 bytes; the
# highest limit that gunicorn accepts is 8190. Reverse proxies limit the line too.
limit_request_line = 0

# A proxy on this machine is trusted, but it may pass on what its clients send: nobody may set SCRIPT_NAME by a header.
forwarder_headers = ""

# The application logs one line per event; an access log would show the tokens of status URLs.
accesslog = None
errorlog = "-"
loglevel = "info"

# Recent releases of gunicorn open a control socket per user: a second project would log an error at every start.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Say in one line why the application cannot be served, before any worker starts."""
    problem = _taken_address(server) or _failing_start(server)
    if problem:
        sys.exit(problem)


def when_ready(server: Any) -> None:
    """Print what ``make serve`` wants to be said, now that the port is open and the application loads."""
    if text := os.environ.get("SAY_WHEN_READY"):
        print(text, flush=True)


def _taken_address(server: Any) -> str:
    """Return a line about an address that another program listens on; empty if there is none."""
    if {"LISTEN_FDS", "GUNICORN_FD"} & os.environ.keys() or server.cfg.reuse_port:
        return ""
    for address in server.cfg.address:
        if isinstance(address, tuple) and _is_taken(*address[:2]):
            host, port = address[:2]
            remedy = f"stop the program that listens there, or choose another port, as in PORT={port + 1} make serve"
            return f"{host}:{port} is taken: {remedy}"
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

    It is loaded in a child process, so that workers still load the current code after a reload.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the workers log the same
        os.write(writing, _load(server).encode() + b"\0")
        os._exit(0)
    os.close(writing)
    said = b""
    while not said.endswith(b"\0") and (part := os.read(reading, 4096)):  # not to its end: the import may have forked
        said += part
    os.close(reading)
    os.waitpid(child, 0)
    return said.rstrip(b"\0").decode()


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
    """Leave Ctrl-C to the master, write the log in batches, answer health checks on TWIML_HEALTH_BIND, and run work.

    The master stops the workers: a terminal sends Ctrl-C to all of them at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # the garbage collector need not look at the loaded modules again
    from twiml_app.app import run_background, serve_health
    from twiml_app.log_batches import batch_log

    batch_log()
    serve_health(worker.wsgi)
    run_background(worker.wsgi)


def worker_exit(server: Any, worker: Any) -> None:
    """Let the work that runs in a worker come to its end."""
    from twiml_app.app import stop_background

    stop_background(getattr(worker, "wsgi", None))
