"""``worker``: run work and schedules in a process of its own."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from ..app import create_app, serve_health, state_of
from ..errors import ConfigurationError
from ..work import Background, Listener, open_queue
from .common import app_option, import_app, loading, plain_errors

#: How long what runs may take to end after a signal, in seconds.
_STOP_S = 25.0


@click.command()
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Pieces of work at a time.")
@app_option
def worker(threads: int, app_name: str | None) -> None:
    """Run work and schedules until SIGTERM or Ctrl-C.

    What runs then has 25 seconds to end. The command answers /healthz and /readyz on TWIML_HEALTH_BIND. There may be
    several of them, on any machine that reaches the journal.

    \b
    Example:
        twiml-app worker --threads 8
    """
    with plain_errors(), loading():
        app = import_app(app_name) if app_name else create_app()
        state = state_of(app)
        if state.work is None:
            raise ConfigurationError("TWIML_DATABASE_URL", "is off, so there is no journal with work")
        background, queue = state.work.background, open_queue(state.settings, state.root)
    if queue:
        background.add(Listener(queue, background.wake))
    serve_health(app)
    stopping = _stop_signals()
    background.arm(threads)
    background.start()
    click.echo(f"running work in {threads} threads; Ctrl-C stops it", err=True)
    stopping.wait()
    _stop(background)


def _stop_signals() -> threading.Event:
    """Return an event that the first signal sets; the second one ends the process at once."""
    stopping = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _stop(background: Background) -> None:
    if not background.stop(_STOP_S):
        raise click.ClickException(f"work was still running after {_STOP_S:g} seconds; it will be run again")
    click.echo("stopped", err=True)
