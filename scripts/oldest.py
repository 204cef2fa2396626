"""``python -m scripts.oldest``: prints constraints for pip, which hold each dependency to the oldest line it may have.

``flask>=3.0`` in ``setup.cfg`` becomes ``flask==3.0.*``, so the newest fix of the oldest supported line is tested.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

SETUP = Path(__file__).parent.parent / "setup.cfg"
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)")


def constraints(setup: str) -> list[str]:
    """Return the constraints for what a ``setup.cfg`` requires, its extras included."""
    parser = configparser.ConfigParser()
    parser.read_string(setup)
    lists = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    found = (_REQUIREMENT.fullmatch(line.strip()) for text in lists for line in text.splitlines())
    return sorted({f"{match[1]}=={match[2]}.*" for match in found if match})


if __name__ == "__main__":
    print(*constraints(SETUP.read_text()), sep="\n")
