"""The rows of the table: what is measured, what it must reach, and what was found."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure, what it must reach and what it should; None where it is only reported."""

    key: str
    figure: str
    must: float | None = None
    aim: float | None = None
    at_most: bool = False
    #: ``x`` for a ratio, or what is counted.
    unit: str = "x"
    #: Whether the worst round counts, instead of the median of all.
    worst: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """The values that a row had in the rounds."""

    key: str
    values: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table; without a value, the note says why it was not measured."""

    target: Target
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """``aim``, ``must`` or ``no``; ``reported`` without targets, and ``not measured`` without a value."""
        if self.value is None:
            return "not measured"
        if self._reaches(self.target.aim):
            return "aim"
        if self.target.must is None:
            return "reported"
        return "must" if self._reaches(self.target.must) else "no"

    def _reaches(self, bound: float | None) -> bool:
        if bound is None or self.value is None:
            return False
        return self.value <= bound if self.target.at_most else self.value >= bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one contestant did under load: medians of the rounds, and the range of its requests per second."""

    name: str
    connections: int
    per_second: float
    low: float
    high: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    memory_mb: float


def row_of(target: Target, measurement: Measurement | None, missing: str = "") -> Row:
    """Return the row of a target: with the median or the worst round, or the reason why there is none."""
    if measurement is None or not measurement.values:
        return Row(target=target, note=(measurement.note if measurement else "") or missing)
    values = measurement.values
    low, high = min(values), max(values)
    worst = high if target.at_most else low
    value = worst if target.worst else statistics.median(values)
    return Row(target=target, value=value, low=low, high=high, note=measurement.note)


def ratios(these: Sequence[float], those: Sequence[float]) -> tuple[float, ...]:
    """Return the ratio of each round."""
    return tuple(this / that for this, that in zip(these, those, strict=True))
