"""``python -m scripts.oldest``: prints constraints for pip, which hold each dependency to its oldest version.

``flask>=3.0`` in ``setup.cfg`` becomes ``flask==3.0``, so each lower bound must be a version that can be installed.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)")


def constraints(setup: str, project: str) -> list[str]:
    """Return the constraints for what a ``setup.cfg`` and a ``pyproject.toml`` require, extras and build included."""
    parser = configparser.ConfigParser()
    parser.read_string(setup)
    lists = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    required = [line.strip() for text in lists for line in text.splitlines()]
    required += tomllib.loads(project)["build-system"]["requires"]
    return sorted({f"{match[1]}=={match[2]}" for match in map(_REQUIREMENT.fullmatch, required) if match})


if __name__ == "__main__":
    print(*constraints((ROOT / "setup.cfg").read_text(), (ROOT / "pyproject.toml").read_text()), sep="\n")
