"""What is public changes only on purpose, and with a line in the changelog."""

from __future__ import annotations

import re

from tests.architecture.public_names import LIST, PUBLIC, changelog_line, public_lines
from tests.servers import ROOT

RENEW = "renew the list: python -m tests.architecture.public_names > tests/architecture/public_names.txt"


def test_public_names_and_signatures_are_those_of_the_list() -> None:
    """A name that changes by accident breaks the programs of others."""
    assert LIST.read_text().splitlines() == public_lines(), RENEW


def test_changelog_names_the_list_of_public_names() -> None:
    """A list that was renewed without a look at the changelog would change what is public in silence."""
    newest = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    line = changelog_line(LIST.read_text())

    assert line in newest.splitlines(), f"describe the change in CHANGELOG.md, then write there: {line}"


def test_versioning_page_lists_the_public_modules() -> None:
    """The policy is about what its page names."""
    page = (ROOT / "docs" / "versioning.md").read_text()

    assert re.findall(r"^\| `(twiml_app[\w.]*)` \|", page, re.MULTILINE) == list(PUBLIC)
