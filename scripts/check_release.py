"""``python -m scripts.check_release v1.2.3``: the tag, the version in ``setup.cfg`` and the changelog must agree."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def problems(tag: str, setup: str, changelog: str) -> list[str]:
    """Return what is not ready for a release under a tag."""
    parser = configparser.ConfigParser()
    parser.read_string(setup)
    version = parser["metadata"]["version"]
    found = []
    if tag != f"v{version}":
        found.append(f"the tag is {tag}, but setup.cfg has version {version}")
    newest = next(iter(re.findall(r"^## (.+)$", changelog, re.MULTILINE)), "")
    if not re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", newest):
        found.append(f"the newest section of CHANGELOG.md is {newest!r}: call it '{version} - YYYY-MM-DD'")
    return found


if __name__ == "__main__":
    found = problems(sys.argv[1], (ROOT / "setup.cfg").read_text(), (ROOT / "CHANGELOG.md").read_text())
    sys.exit("\n".join(found) if found else 0)
