"""The constraints under which the oldest supported dependencies are tested."""

from __future__ import annotations

from scripts.oldest import SETUP, constraints


def test_each_lower_bound_becomes_its_oldest_line() -> None:
    """What has no bound, such as a tool for tests, is installed as it is today."""
    setup = """
[options]
install_requires =
    flask>=3.0
    regex>=2024.4

[options.extras_require]
postgres =
    psycopg[binary]>=3.2
test =
    psycopg[binary]>=3.2
    ruff
"""

    assert constraints(setup) == ["flask==3.0.*", "psycopg==3.2.*", "regex==2024.4.*"]


def test_every_dependency_of_the_package_has_a_lower_bound() -> None:
    """A dependency without a bound would be tested only as it is today."""
    required = SETUP.read_text().partition("install_requires =\n")[2].partition("\n\n")[0].split()

    held = {line.partition("==")[0] for line in constraints(SETUP.read_text())}
    assert {name.partition(">=")[0] for name in required} - held == set()
