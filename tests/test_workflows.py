"""What runs elsewhere agrees with what is written here: Python versions, commands, and the rights of the workflows."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from tests.servers import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
RUN = (ROOT / ".ci" / "run").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def matrix() -> list[str]:
    """Return the Python versions that CI runs."""
    (versions,) = re.findall(r"^ +python: \[(.+)\]$", CI, re.MULTILINE)
    return [version.strip('" ') for version in versions.split(",")]


def test_ci_runs_every_python_that_the_package_names() -> None:
    """A classifier is a promise; a version may run in CI before it is promised."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    promised = re.findall(r"Python :: (3\.\d+)", setup["metadata"]["classifiers"])

    assert set(promised) <= set(matrix())
    assert f">={matrix()[0]}" == setup["options"]["python_requires"]


def test_ci_script_looks_for_the_same_pythons() -> None:
    """Whoever runs it by hand tests what CI tests."""
    (versions,) = re.findall(r"\$\{OTHER_PYTHONS-([^}]+)\}", RUN)

    assert versions.split() == matrix()


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in WORKFLOWS])
def test_every_action_has_a_version(path: Path) -> None:
    """An action that follows a branch of development changes under a release."""
    used = re.findall(r"uses: (\S+)", path.read_text())

    assert used
    assert [action for action in used if not re.search(r"@(v\d+|release/v\d+)$", action)] == []


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in WORKFLOWS])
def test_every_workflow_begins_with_the_right_to_read(path: Path) -> None:
    """A job that needs more asks for it where a reader sees why."""
    assert "\npermissions:\n  contents: read\n" in path.read_text()


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in WORKFLOWS])
def test_every_job_has_a_time_limit(path: Path) -> None:
    """A test that hangs must not hold a runner for six hours."""
    text = path.read_text()

    assert len(re.findall(r"^    runs-on:", text, re.MULTILINE)) == len(
        re.findall(r"^    timeout-minutes:", text, re.MULTILINE)
    )


def test_workflows_and_hooks_call_commands_that_exist() -> None:
    """A target that was renamed is found here, and not at night."""
    texts = [path.read_text() for path in [*WORKFLOWS, ROOT / ".pre-commit-config.yaml", ROOT / ".ci" / "run"]]
    targets = {target for text in texts for target in re.findall(r"^[^#]*?\bmake ([a-z]+)", text, re.MULTILINE)}
    modules = {module for text in texts for module in re.findall(r"-m ((?:scripts|benchmarks)\.\w+)", text)}

    assert targets
    assert {target for target in targets if f"\n{target}:" not in MAKEFILE} == set()
    assert modules
    assert {module for module in modules if not (ROOT / f"{module.replace('.', '/')}.py").exists()} == set()
