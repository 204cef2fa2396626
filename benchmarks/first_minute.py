"""From ``pip install`` to the first reply, in a fresh environment with a warm package cache.

    python -m benchmarks.first_minute [--rounds N] [--no-browser]

The three commands of the README are run as a newcomer runs them; a wheel of these sources takes the place of the
package on PyPI. The first round fills the package cache and is not counted. With Chromium and Playwright, the first
text is typed into the phone page; without, it is sent by the printed curl command. The limit is 20 seconds, of which 3
are ours: everything apart from ``pip install`` and the start of the browser.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LIMIT_S, OWN_LIMIT_S = 20.0, 3.0
#: A step that takes longer hangs, in seconds.
_HANGS_S = 600
_OWN = ("twiml-app new", "twiml-app dev, until the program runs", "the first reply")

#: What is done with the output of ``twiml-app dev``, and returns the seconds of each of its steps.
Chat = Callable[[str], dict[str, float]]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-browser", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="first-minute-") as folder, _chat(browser=not options.no_browser) as chat:
        wheel = _build(Path(folder))
        rounds = [_round(Path(folder, str(number)), wheel, chat) for number in range(options.rounds + 1)][1:]
    _report(rounds)


def _build(folder: Path) -> Path:
    """Return a wheel of the current sources."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def _round(folder: Path, wheel: Path, chat: Chat) -> dict[str, float]:
    """Return the seconds of each step, in a fresh environment."""
    venv.create(folder / "env", with_pip=True)
    commands, project = folder / "env" / "bin", folder / "my-number"
    taken = {
        "pip install": _seconds([commands / "pip", "install", "-qq", "--disable-pip-version-check", f"{wheel}[dev]"]),
        "twiml-app new": _seconds([commands / "twiml-app", "new", project]),
    }
    started = time.perf_counter()
    ports = ["--port", "0", "--emulator-port", "0"]
    process = subprocess.Popen(
        [commands / "twiml-app", "dev", *ports],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output = _read(process)
        taken["twiml-app dev, until the program runs"] = time.perf_counter() - started
        taken |= chat(output)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_HANGS_S)
    return taken


def _seconds(command: list[str | Path]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_HANGS_S)
    return time.perf_counter() - started


def _read(process: subprocess.Popen[str]) -> str:
    """Return what is printed until the program runs."""
    assert process.stdout
    output = ""
    for line in process.stdout:
        output += line
        if "the program runs" in line:
            return output
    sys.exit(f"twiml-app dev ended:\n{output}")


@contextmanager
def _chat(*, browser: bool) -> Iterator[Chat]:
    """Yield how the first text is sent: in a browser if there is one."""
    path = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if not browser or path is None:
        print("without a browser: the first text is sent by the curl command")
        yield _by_curl
        return
    with sync_playwright() as playwright:
        yield lambda output: _by_browser(output, lambda: playwright.chromium.launch(executable_path=path))


def _by_curl(output: str) -> dict[str, float]:
    (command,) = re.findall(r"text it +(curl .*)", output)
    started = time.perf_counter()
    done = subprocess.run(
        shlex.split(command.replace("Body=hello", "Body=hello+Ada")), capture_output=True, check=True, timeout=_HANGS_S
    )
    seconds = time.perf_counter() - started
    assert json.loads(done.stdout)["replies"][0]["body"] == "Hello Ada!"
    return {"the first reply": seconds}


def _by_browser(output: str, launch: Callable[[], Any]) -> dict[str, float]:
    (address,) = re.findall(r"phone +(http\S+)", output)
    started = time.perf_counter()
    browser = launch()
    page = browser.new_page()
    opened = time.perf_counter()
    page.goto(address)
    page.get_by_role("textbox", name="Text from this phone").fill("hello Ada")
    page.keyboard.press("Enter")
    page.get_by_role("log").get_by_text("Hello Ada!").first.wait_for()
    seconds = {"starting the browser": opened - started, "the first reply": time.perf_counter() - opened}
    browser.close()
    return seconds


def _report(rounds: list[dict[str, float]]) -> None:
    """Print the median of each step with the lowest and the highest, and the sums."""
    sums = {
        "from pip install to the first reply": [sum(each.values()) for each in rounds],
        "of which ours": [sum(each[name] for name in _OWN) for each in rounds],
    }
    rows = {name: [each[name] for each in rounds] for name in rounds[0]} | sums
    for name, values in rows.items():
        print(f"{name:40} {statistics.median(values):6.2f} s  ({min(values):.2f}-{max(values):.2f})")
    limits = zip(sums.values(), (LIMIT_S, OWN_LIMIT_S), strict=True)
    ratios = [f"{statistics.median(values) / limit:.2f}" for values, limit in limits]
    print(f"ratio to the limits of {LIMIT_S:g} s and {OWN_LIMIT_S:g} s: {' and '.join(ratios)}")


if __name__ == "__main__":
    main()
