"""A finished run: its rows, how it was made, and how it is kept as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import Cores, describe_machine, versions
from benchmarks.plan import parser
from benchmarks.rows import Measurement, Row, Served, Target, row_of
from benchmarks.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Found:
    """What one group of measurements found."""

    measurements: Sequence[Measurement]
    served: Sequence[Served] = ()
    #: Lines of a profile, such as where PostgreSQL waits.
    profile: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a run."""

    rows: Sequence[Row]
    served: Sequence[Served]
    profile: Sequence[str]
    command: str
    date: str
    seconds: float
    rounds: str
    machine: str
    cores: str
    #: How many cores other programs kept busy meanwhile.
    others: float
    http_parser: str
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        keys: frozenset[str],
        found: Sequence[Found],
        missing: dict[str, str],
        *,
        command: str,
        began: float,
        rounds: str,
        cores: Cores,
        others: float,
    ) -> Report:
        """Return the report on the rows with these keys; ``missing`` says, by key, why one was not measured."""
        measured = {each.key: each for group in found for each in group.measurements}
        return cls(
            rows=[
                row_of(each, measured.get(each.key), missing.get(each.key, "")) for each in TARGETS if each.key in keys
            ],
            served=[each for group in found for each in group.served],
            profile=[line for group in found for line in group.profile],
            command=command,
            date=time.strftime("%Y-%m-%d", time.gmtime()),
            seconds=round(time.monotonic() - began),
            rounds=rounds,
            machine=describe_machine(),
            cores=cores.note,
            others=round(others, 2),
            http_parser=parser(),
            versions=versions(),
        )

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        rows = [asdict(row) | {"verdict": row.verdict} for row in self.rows]
        path.write_text(json.dumps(asdict(self) | {"rows": rows}, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> Report:
        """Read a report that was written as JSON."""
        given = json.loads(path.read_text())
        rows = [_row(row) for row in given["rows"]]
        return cls(**given | {"rows": rows, "served": [Served(**each) for each in given["served"]]})


def _row(given: dict[str, Any]) -> Row:
    """Return a row that was written as JSON; its verdict follows from the rest."""
    rest = {name: value for name, value in given.items() if name not in ("target", "verdict")}
    return Row(target=Target(**given["target"]), **rest)
