"""Draws the main ratios of a report: ``python -m benchmarks.chart benchmarks/results.json > docs/speed.svg``."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import Report

_WIDTH, _LINE, _TOP, _LEFT, _RIGHT = 760, 38, 92, 310, 70
_STYLE = """
text { font: 15px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-size: 18px; font-weight: 600; } .small { font-size: 14px; fill: #59636e; }
.ground { fill: #ffffff; } .other { fill: #9aa4ae; } .ours { fill: #0969da; } .bound { stroke: #59636e; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .small { fill: #b1bac4; } .ground { fill: #0d1117; }
  .other { fill: #656d76; } .ours { fill: #4493f8; } .bound { stroke: #b1bac4; }
}
"""
_BARS = {
    "limit-flask": "a constant answer: the limit",
    "off-flask": "twiml_app, no journal",
    "process-flask": "twiml_app, survives a killed process",
    "default-flask": "twiml_app, survives a power cut",
    "express-flask": "Express (Node), official library",
    "fastapi-flask": "FastAPI, official library",
    "": "Flask, official library",
    "django-flask": "Django, django-twilio",
}


class Bar(NamedTuple):
    """A contestant, and its requests per second as a multiple of Flask's."""

    label: str
    ratio: float
    is_ours: bool


def bars_of(report: Report) -> list[Bar]:
    """Return the contestants that were measured, the fastest first."""
    ratios = {row.target.key: row.value for row in report.rows} | {"": 1.0}
    bars = [Bar(label, ratios.get(key) or 0.0, label.startswith("twiml_app")) for key, label in _BARS.items()]
    return sorted((bar for bar in bars if bar.ratio), key=lambda bar: -bar.ratio)


def draw(report: Report) -> str:
    """Return the chart as SVG, which follows the reader's light or dark theme."""
    bars = bars_of(report)
    height = _TOP + _LINE * len(bars) + 16
    size = {"width": str(_WIDTH), "height": str(height), "viewBox": f"0 0 {_WIDTH} {height}"}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    ET.SubElement(root, "title").text = "; ".join(f"{bar.label}: {bar.ratio:.2f} x" for bar in bars)
    ET.SubElement(root, "style").text = _STYLE
    ET.SubElement(root, "rect", {"class": "ground", "width": "100%", "height": "100%", "rx": "8"})
    _write(root, 20, 34, "Signed webhooks per second and worker", "title")
    _write(root, 20, 60, f"as a multiple of Flask with Twilio's own library; measured {report.date}", "small")
    root.extend(_drawn(bars))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _drawn(bars: list[Bar]) -> Iterator[ET.Element]:
    """Yield label, bar and value of each contestant, and a line where Flask is."""
    scale = (_WIDTH - _LEFT - _RIGHT) / max(bar.ratio for bar in bars)
    for place, bar in enumerate(bars):
        top = _TOP + _LINE * place
        group = ET.Element("g")
        _write(group, 20, top + 18, bar.label, "")
        shape = {"x": str(_LEFT), "y": str(top), "width": f"{bar.ratio * scale:.1f}", "height": "26", "rx": "3"}
        ET.SubElement(group, "rect", {"class": "ours" if bar.is_ours else "other", **shape})
        _write(group, _LEFT + bar.ratio * scale + 8, top + 18, f"{bar.ratio:.2f} x", "")
        yield group
    x, bottom = f"{_LEFT + scale:.1f}", str(_TOP + _LINE * len(bars))
    yield ET.Element("line", {"class": "bound", "x1": x, "x2": x, "y1": str(_TOP - 8), "y2": bottom})


def _write(parent: ET.Element, x: float, y: float, text: str, kind: str) -> None:
    attributes = {"x": f"{x:.0f}", "y": f"{y:.0f}"} | ({"class": kind} if kind else {})
    ET.SubElement(parent, "text", attributes).text = text


if __name__ == "__main__":
    sys.stdout.write(draw(Report.read(Path(sys.argv[1]))))
