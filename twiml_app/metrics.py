"""Metrics for Prometheus: counters in files that all processes of a machine share, and gauges read from the journal.

Labels are names of this program and codes of Twilio's tables, never what a sender chose.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import ConfigurationError, JournalUnavailable
from .events import Event, StatusCallback
from .journal import GAUGES, Engine, read_gauges
from .logs import log_event
from .receiver import Outcome, kind_of
from .statuses import ERROR_CODES, STATUSES
from .webhook import WebhookResponse

if TYPE_CHECKING:
    from prometheus_client import Metric

_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
#: Upper bounds in seconds; Twilio waits 15.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)


def start_metrics(root: Path) -> Metrics:
    """Return what counts for ``/metrics``; the workers of one gunicorn belong together.

    Raises: ConfigurationError.
    """
    is_gunicorn = os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn")
    return Metrics(root / "instance" / "metrics", deployment=os.getppid() if is_gunicorn else os.getpid())


class Metrics:
    """Counts what this process does, and prints the sums of all processes.

    ``folder`` is where the processes of a machine keep their counts, unless PROMETHEUS_MULTIPROC_DIR names another;
    ``deployment`` is the process id of what started them: when it has ended, its counts are deleted.

    Raises: ConfigurationError, if the client library is missing, or was imported before it knew the folder.
    """

    def __init__(self, folder: Path, *, deployment: int) -> None:
        self._root = folder if _FOLDER not in os.environ or _is_own(folder) else None
        _use_folder(folder, deployment)
        from prometheus_client import Counter, Histogram

        self._webhooks = Counter("twiml_webhooks", "Webhooks, by outcome.", ["kind", "outcome"], registry=None)
        self._refused = Counter("twiml_refused_requests", "Refused requests.", ["status"], registry=None)
        self._seconds = Histogram(
            "twiml_handler_seconds",
            "Seconds from a request to its answer, by handler.",
            ["handler"],
            registry=None,
            buckets=_BUCKETS,
        )
        self._deliveries = Counter(
            "twiml_deliveries", "Status callbacks, by MessageStatus and ErrorCode.", ["status", "code"], registry=None
        )
        self._sends = Counter(
            "twiml_sends", "Attempts to send a message first, by outcome.", ["outcome"], registry=None
        )
        self._segments = Counter("twiml_segments", "Segments of messages that Twilio accepted.", registry=None)

    def count_webhook(self, event: Event, outcome: Outcome, seconds: float) -> None:
        """Count an answered webhook; a repeated one is no further delivery."""
        self._webhooks.labels(kind_of(event), outcome.name).inc()
        if outcome.name == "repeated":
            return
        self._seconds.labels(outcome.handler or "none").observe(seconds)
        if isinstance(event, StatusCallback):
            self._deliveries.labels(_known_status(event.message_status), _known_code(event.error_code)).inc()

    def count_send(self, outcome: str, segments: int) -> None:
        """Count what became of an attempt to send a message."""
        self._sends.labels(outcome).inc()
        if outcome == "accepted":
            self._segments.inc(segments)

    def count_refusal(self, status: int) -> None:
        """Count a request that was refused with an HTTP status."""
        self._refused.labels(str(status)).inc()

    def answer(self, engine: Engine | None) -> WebhookResponse:
        """Return the answer to a scrape; while the journal is down, without what only the journal knows."""
        try:
            gauges = read_gauges(engine) if engine else {}
        except JournalUnavailable as error:
            log_event(logging.ERROR, "metrics", {"problem": error})
            gauges = {}
        return WebhookResponse(status=200, body=self.text(gauges), content_type=_TYPE)

    def text(self, gauges: Mapping[str, float]) -> bytes:
        """Return everything in the text format of Prometheus."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        files = [str(file) for file in self._files()]
        registry = CollectorRegistry()
        registry.register(_Collected(lambda: MultiProcessCollector.merge(files)))  # type: ignore[no-untyped-call]
        registry.register(_Collected(lambda: _gauges(gauges)))
        return generate_latest(registry)

    def _files(self) -> Iterator[Path]:
        folders = [Path(os.environ[_FOLDER])] if self._root is None else [*self._root.iterdir()]
        for folder in folders:
            yield from sorted(folder.glob("*.db"))


class _Collected:
    """What the client library asks for the metrics of a scrape."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self.collect = collect

    def describe(self) -> tuple[()]:
        """Return nothing: the names are known when they are collected."""
        return ()


def _gauges(values: Mapping[str, float]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    for name, meaning in GAUGES.items():
        if name in values:
            yield GaugeMetricFamily(name, meaning, values[name])


def _is_own(folder: Path) -> bool:
    """Return whether an earlier application of this process has set the folder."""
    return Path(os.environ[_FOLDER]).parent == folder


def _use_folder(folder: Path, deployment: int) -> None:
    """Have the client library keep its counts in files.

    Raises: ConfigurationError.
    """
    if _FOLDER not in os.environ:
        own = folder / str(deployment)
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_ended(folder)
        os.environ[_FOLDER] = str(own)
    try:
        from prometheus_client import values
    except ModuleNotFoundError as error:
        raise ConfigurationError("TWIML_METRICS", "needs a library: pip install 'twiml-app[metrics]'") from error
    if not getattr(values.ValueClass, "_multiprocess", False):
        problem = f"prometheus_client was imported before the application was made: set {_FOLDER} in the environment"
        raise ConfigurationError("TWIML_METRICS", problem)


def _remove_ended(folder: Path) -> None:
    """Remove the counts of deployments that have ended."""
    for each in folder.iterdir():
        if each.name.isdecimal() and not _is_running(int(each.name)):
            shutil.rmtree(each, ignore_errors=True)


def _is_running(pid: int) -> bool:
    with suppress(PermissionError):  # it runs, as another user
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True


def _known_status(status: str) -> str:
    return status if status in STATUSES else "other"


def _known_code(code: int | None) -> str:
    if code is None:
        return "none"
    return str(code) if code in ERROR_CODES else "other"
