"""Time and memory to import the package, the served application, and the alternatives.

Each case runs in a fresh interpreter, several times in turn; the figures are medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 15

CASES = {
    "nothing": "pass",
    "import twiml_app": "import twiml_app",
    "import flask": "import flask",
    "the served application (wsgi)": "import wsgi",
    "Flask and the official library": "import flask, twilio.request_validator, twilio.twiml.messaging_response",
    "the official REST client": "from twilio.rest import Client",
}
REPORT = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def measure(statement: str) -> tuple[float, float]:
    """Return the duration of a whole process in milliseconds, and its peak memory in MB."""
    environment = os.environ | {"TWIML_CREDENTIALS": "bench:quite-long-enough"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", statement + REPORT], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    return (time.perf_counter() - started) * 1000, int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Measure and print."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, statement in CASES.items():
            figures[name].append(measure(statement))
    floor = statistics.median(wall for wall, _ in figures["import flask"])
    print(f"{'':34}{'process, ms':>12}{'x flask':>9}{'memory, MB':>12}")
    for name, rows in figures.items():
        wall = statistics.median(wall for wall, _ in rows)
        memory = statistics.median(memory for _, memory in rows)
        print(f"{name:34}{wall:12.0f}{wall / floor:9.2f}{memory:12.0f}")
    print(f"\nmedians of {ROUNDS}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
