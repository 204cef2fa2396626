"""The constraints under which the oldest supported dependencies are tested."""

from __future__ import annotations

import configparser

import pytest

from scripts.oldest import ROOT, constraints

SETUP, PROJECT = (ROOT / "setup.cfg").read_text(), (ROOT / "pyproject.toml").read_text()


def required_by(setup: str, extra: str = "") -> list[str]:
    """Return the requirements of the package, or of an extra."""
    parser = configparser.ConfigParser()
    parser.read_string(setup)
    text = parser["options.extras_require"][extra] if extra else parser["options"]["install_requires"]
    return text.split()


def test_each_lower_bound_becomes_the_only_version() -> None:
    """What has no bound, such as a tool for tests, is installed as it is today."""
    setup = """
[options]
install_requires =
    flask>=3.0
    regex>=2024.4.16

[options.extras_require]
postgres =
    psycopg[binary]>=3.2.1
test =
    psycopg[binary]>=3.2.1
    ruff
"""
    project = '[build-system]\nrequires = ["setuptools>=68"]'

    assert constraints(setup, project) == ["flask==3.0", "psycopg==3.2.1", "regex==2024.4.16", "setuptools==68"]


@pytest.mark.parametrize("extra", ["", "dev", "postgres"], ids=["package", "dev", "postgres"])
def test_everything_that_users_install_has_a_lower_bound(extra: str) -> None:
    """A dependency without a bound would be tested only as it is today."""
    held = {line.partition("==")[0] for line in constraints(SETUP, PROJECT)}

    assert {name.partition(">=")[0].partition("[")[0] for name in required_by(SETUP, extra)} - held == set()


@pytest.mark.parametrize("extra", ["dev", "postgres"])
def test_tests_need_the_same_versions_as_users(extra: str) -> None:
    """With a higher bound for the tests, the lower one of the users would never be tested."""
    assert set(required_by(SETUP, extra)) <= set(required_by(SETUP, "test"))
