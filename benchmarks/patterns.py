"""Matching hostile texts: how the time grows with the length of the text, per pattern and kind of text.

Linear growth is about 4 from one length to the next, which is four times as long; quadratic growth is about 16.
``--short`` times ordinary messages among 20 routes instead.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from twiml_app import InboundMessage, Router
from twiml_app.routing.patterns import TextPattern, compile_pattern
from twiml_app.webhook import Form

#: Up to what fits into a request of 262,144 bytes.
LENGTHS = (1_600, 6_400, 25_600, 102_400, 200_000)
#: A match that takes longer is not tried with a longer text.
LIMIT_S = 2.0
#: A faster match is repeated for so long.
ROUND_S = 0.02

PATTERNS = (
    "order <int:count> <item>",
    "order <item>",
    "I am <name>!",
    "<a> to <b>",
    "<a> <int:n> <b> <int:m> end",
    "<a> <b>!",
    "<a> end",
    "<word:a>-<word:b>-<word:c> end",
    "<a><word:b><word:c>x",
    "<a><int:b><float:c><int:d>x<e>",
    "<any(a, a a, a a a):x> <any(a a, a):y> <z> end",
)

TEXTS: dict[str, Callable[[int], str]] = {
    "blanks": lambda length: "order 1 " + " " * (length - 9) + "\0",
    "blanks in the middle": lambda length: "order 1 x" + " " * (length - 10) + "\0",
    "runs of blanks": lambda length: ("a" + " " * 39) * (length // 40) + "\0",
    "digits": lambda length: "1" * (length - 1) + "\0",
    "numbers": lambda length: "x 1 y " * (length // 6) + "\0",
    "letters": lambda length: "a" * (length - 1) + "\0",
    "words": lambda length: "a " * (length // 2) + "\0",
    "dashes": lambda length: "a-" * (length // 2) + "\0",
    "punctuation": lambda length: "a b" + "!" * (length - 4) + "\0",
    "near matches": lambda length: "order 1 x end " * (length // 14) + "\0",
}

ROUTES = (
    *("hours", "opening hours", "menu", "help me", "where are you", "what's new?", "price", "yes", "no", "cancel"),
    *("order <int:count> <item>", "order <item>", "cancel <int:number>", "I am <name>!", "move <a> to <b>"),
    *(
        "book <word:day> <int:hour>",
        "rate <any(good, bad):how>",
        "pay <float:amount> euros",
        "<a> or <b>?",
        "<x> please",
    ),
)
MESSAGES = ("hours", "Order 2 Flat White.", "pay 2.50 euros", "tea or coffee?", "something else that nobody expects")


def seconds(action: Callable[[Any], object], argument: object) -> float:
    """Return the shortest time of an action, out of several repetitions."""
    shortest, total = float("inf"), 0.0
    while total < ROUND_S:
        started = time.perf_counter()
        action(argument)
        taken = time.perf_counter() - started
        shortest, total = min(shortest, taken), total + taken
    return shortest


def measure(pattern: TextPattern, make: Callable[[int], str]) -> list[float]:
    """Return the times for texts of each length, up to the first that takes too long."""
    times: list[float] = []
    for length in LENGTHS:
        text = make(length)
        times.append(seconds(pattern.match, text))
        if times[-1] > LIMIT_S:
            break
    return times


def growth(times: list[float]) -> list[float]:
    """Return the ratios of neighbouring times, each scaled to a text that is four times as long."""
    ratios = []
    for place in range(1, len(times)):
        longer = LENGTHS[place] / LENGTHS[place - 1]
        ratios.append(times[place] / times[place - 1] * 4 / longer)
    return ratios


def print_growth() -> None:
    """Print the time for the longest text and the growth ratios, a line per pattern and kind of text."""
    print(f"{'pattern':48}{'text':22}{'length':>8}{'ms':>9}  growth per 4x length")
    for source in PATTERNS:
        pattern = compile_pattern(source)
        for name, make in TEXTS.items():
            times = measure(pattern, make)
            ratios = " ".join(f"{ratio:5.1f}" for ratio in growth(times))
            print(f"{source:48}{name:22}{LENGTHS[len(times) - 1]:8}{times[-1] * 1000:9.2f}  {ratios}")


def print_short() -> None:
    """Print how long it takes to find the handler of an ordinary message among 20 routes."""
    router = Router()
    for place, source in enumerate(ROUTES):
        router.message(source)(_handler(place))
    for body in MESSAGES:
        message = InboundMessage(form=Form(), body=body)
        print(f"{body:40}{seconds(router.match, message) * 1e6:8.1f} us")


def _handler(place: int) -> Callable[..., str]:
    def handler(message: InboundMessage, **captures: object) -> str:
        return f"{place} {message} {captures}"

    return handler


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="ordinary messages among 20 routes")
    if parser.parse_args().short:
        print_short()
    else:
        print_growth()
    print(f"\nPython {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
