"""Where the time of a request goes, in the application without a web server: a sample of the stack per millisecond.

Each sample counts for the innermost frame of this package, of Flask and Werkzeug, or of the handler; what they call in
the standard library or in C counts for it. Time on the CPU is sampled; with --wall, waiting for the disk counts too.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.contestants import JOURNAL, ours
from benchmarks.machine import ROOT, find_cores
from benchmarks.signed_requests import HOST, new_form, signed_headers
from twiml_app.app import create_app

_INTERVAL_S = 0.001
_CPU, _WALL = (signal.ITIMER_PROF, signal.SIGPROF), (signal.ITIMER_REAL, signal.SIGALRM)
_WARM_UP, _TURNS = 500, 20
_OWN, _HANDLERS = f"{ROOT}/twiml_app/", f"{ROOT}/benchmarks/echo_handlers"
_JOURNALS = {"off": ("off", "power"), "process": (JOURNAL, "process"), "power": (JOURNAL, "power")}

Application = Callable[..., Iterable[bytes]]


class Sampler:
    """Counts, by stage, in which code the main thread is at each tick of a timer."""

    def __init__(self, *, wall: bool) -> None:
        self._timer, self._signal = _WALL if wall else _CPU
        self.stages: Counter[str] = Counter()

    def __enter__(self) -> Sampler:
        signal.signal(self._signal, self._count)
        signal.siginterrupt(self._signal, False)
        signal.setitimer(self._timer, _INTERVAL_S, _INTERVAL_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(self._timer, 0)

    def _count(self, _: int, frame: FrameType | None) -> None:
        while frame:
            if stage := _stage_of(frame.f_code.co_filename):
                self.stages[stage] += 1
                return
            frame = frame.f_back


def _stage_of(file: str) -> str:
    """Return the stage that code in a file belongs to; empty for the standard library and this driver."""
    if file.startswith(_OWN):
        return file.removeprefix(_OWN).removesuffix(".py").replace("/", ".")
    if file.startswith(_HANDLERS):
        return "the handler"
    return "Flask and Werkzeug" if "/flask/" in file or "/werkzeug/" in file else ""


def requests(count: int) -> list[dict[str, Any]]:
    """Return WSGI environments as gunicorn makes them, each of a new signed message."""
    return [_environ() for _ in range(count)]


def _environ() -> dict[str, Any]:
    form = new_form()
    body = form.encode().encode()
    headers = signed_headers(form)
    environ: dict[str, Any] = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ |= {"CONTENT_TYPE": environ.pop("HTTP_CONTENT_TYPE"), "CONTENT_LENGTH": str(len(body))}
    environ |= {"REQUEST_METHOD": "POST", "PATH_INFO": "/message", "RAW_URI": "/message", "QUERY_STRING": ""}
    environ |= {"SCRIPT_NAME": "", "SERVER_NAME": HOST, "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"}
    environ |= {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "50000", "wsgi.url_scheme": "http", "wsgi.version": (1, 0)}
    environ |= {"wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}
    return environ | {"wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.input_terminated": True}


def call(app: Application, environ: dict[str, Any]) -> None:
    """Call an application as a server does, and check that it succeeds."""
    statuses: list[str] = []

    def start_response(status: str, headers: object, error: object = None) -> None:
        statuses.append(status)

    answer = app(environ, start_response)
    b"".join(answer)
    getattr(answer, "close", lambda: None)()
    assert statuses == ["200 OK"], statuses


def time_requests(app: Application, count: int) -> tuple[float, float]:
    """Return the wall and CPU microseconds per request, as medians of turns."""
    turns = [_turn(app, count // _TURNS) for _ in range(_TURNS)]
    return statistics.median(wall for wall, _ in turns), statistics.median(cpu for _, cpu in turns)


def _turn(app: Application, count: int) -> tuple[float, float]:
    environs = requests(count)
    wall, cpu = time.perf_counter(), time.process_time()
    for environ in environs:
        call(app, environ)
    return (time.perf_counter() - wall) / count * 1e6, (time.process_time() - cpu) / count * 1e6


def profile(app: Application, count: int, *, wall: bool) -> Counter[str]:
    """Return the samples of each stage."""
    sampler = Sampler(wall=wall)
    for _ in range(_TURNS):
        environs = requests(count // _TURNS)
        with sampler:
            for environ in environs:
                call(app, environ)
    return sampler.stages


def report(name: str, count: int, *, wall: bool) -> Iterator[str]:
    """Measure the application with a journal, and yield its stages, the slowest first."""
    url, durability = _JOURNALS[name]
    os.environ.update(ours("", journal=url, durability=durability).settings)
    app = create_app(root=Path.cwd())
    for environ in requests(_WARM_UP):
        call(app, environ)
    wall_us, cpu_us = time_requests(app, count)
    stages = profile(app, count, wall=wall)
    yield f"Journal {name}: {wall_us:.0f} us per request, {cpu_us:.0f} us of them on the CPU."
    yield f"\n| stage | us of {'wall' if wall else 'CPU'} time | share |\n|---|---|---|"
    for stage, samples in stages.most_common():
        share = samples / stages.total()
        if share >= 0.005:
            yield f"| `{stage}` | {share * (wall_us if wall else cpu_us):.0f} | {share:.0%} |"


def main() -> None:
    """Profile in a temporary folder, on the server's core; the log goes to a file there."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    options.add_argument("--journal", choices=[*_JOURNALS], default="off")
    options.add_argument("--wall", action="store_true", help="sample wall time instead of CPU time")
    options.add_argument("--requests", type=int, default=20_000)
    given = options.parse_args()
    os.sched_setaffinity(0, find_cores().server)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        with contextlib.chdir(folder), contextlib.redirect_stdout(log):
            lines = list(report(given.journal, given.requests, wall=given.wall))
        print("\n".join(lines))


if __name__ == "__main__":
    main()
