"""A release is published only if its tag, its version and its changelog agree."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.check_release import problems
from tests.servers import ROOT

SETUP = "[metadata]\nversion = 1.2.3\n"
CHANGELOG = "# Changelog\n\n## 1.2.3 - 2026-05-01\n\n### Added\n\n## 1.2.2 - 2026-01-01\n"


def test_release_with_tag_version_and_changelog_in_agreement_is_ready() -> None:
    """The one case in which something is published."""
    assert problems("v1.2.3", SETUP, CHANGELOG) == []


def test_tag_of_another_version_is_refused() -> None:
    """A tag that was typed wrong would publish the old version, and a version can be published only once."""
    assert problems("v1.2.4", SETUP, CHANGELOG) == ["the tag is v1.2.4, but setup.cfg has version 1.2.3"]


@pytest.mark.parametrize("newest", ["Unreleased", "1.2.2 - 2026-01-01", "1.2.3", "1.2.3 - soon"])
def test_changelog_without_the_release_on_top_is_refused(newest: str) -> None:
    """Users read there what changes for them."""
    (problem,) = problems("v1.2.3", SETUP, f"# Changelog\n\n## {newest}\n")

    assert repr(newest) in problem


def test_script_fails_for_a_tag_that_is_not_ready() -> None:
    """The exit status is what stops the workflow."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.check_release", "v0.0.0"], cwd=ROOT, capture_output=True, check=False
    )

    assert done.returncode == 1
    assert b"the tag is v0.0.0" in done.stderr
