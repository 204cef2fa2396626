"""The chart of the README."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from benchmarks.chart import bars_of, draw
from benchmarks.rows import Measurement
from tests.benchmarks.reports import report_of

REPORT = report_of(
    Measurement("limit-flask", (3.0,)),
    Measurement("off-flask", (1.7,)),
    Measurement("django-flask", (0.4,)),
)
SVG = "{http://www.w3.org/2000/svg}"


def test_chart_shows_what_was_measured_the_fastest_first() -> None:
    """Flask is always there: it is what the others are compared with."""
    assert [(bar.label, bar.ratio) for bar in bars_of(REPORT)] == [
        ("a constant answer: the limit", 3.0),
        ("twiml_app, no journal", 1.7),
        ("Flask, official library", 1.0),
        ("Django, django-twilio", 0.4),
    ]


def test_chart_is_a_drawing_in_which_everything_fits() -> None:
    """A browser shows nothing of a drawing that is not well-formed."""
    root = ET.fromstring(draw(REPORT))
    right = [float(bar.get("x", 0)) + float(bar.get("width", 0)) for bar in root.iter(f"{SVG}rect") if bar.get("x")]

    assert root.tag == f"{SVG}svg"
    assert len(right) == 4
    assert max(right) < float(root.get("width", 0))
    assert "1.70 x" in [text.text for text in root.iter(f"{SVG}text")]


def test_chart_is_readable_in_light_and_dark() -> None:
    """The page around it may have either theme."""
    drawn = draw(REPORT)

    assert "prefers-color-scheme: dark" in drawn
    assert min(int(size) for size in re.findall(r"(\d+)px", drawn)) >= 14
