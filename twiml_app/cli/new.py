"""``new``: create a project that runs and passes its own test."""

from __future__ import annotations

import json
import secrets
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

#: The final names of files that are stored under another name, because tools would act on them in this repository.
_RENAMED = {"gitignore": ".gitignore", "test_hello.py.txt": "test_hello.py"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Create a project in FOLDER.

    It has a handler, a template, a test, and its own credentials.

    \b
    Example:
        twiml-app new my-number
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise click.ClickException(f"{folder} is not empty: give a new folder")
        _copy(resources.files("twiml_app") / "scaffold", folder)
        _write_requirements(folder)
        environment = folder / ".env"
        environment.touch(mode=0o600)
        environment.write_text(f"TWIML_CREDENTIALS=twilio:{secrets.token_urlsafe(24)}\n")
    except OSError as error:
        raise click.ClickException(f"cannot create {folder}: {error}") from error
    click.echo(
        f"{folder} is ready. Next:\n\n    cd {folder}\n    twiml-app dev --open    run it, with a phone in the browser"
        "\n    make test               test it"
    )


def _copy(source: Traversable, target: Path) -> None:
    """Copy a folder of the package, without compiled files."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            (target / _RENAMED.get(entry.name, entry.name)).write_bytes(entry.read_bytes())


def _write_requirements(folder: Path) -> None:
    """Require the version that is running now: a release, a folder or a version control URL."""
    origin = metadata.distribution("twiml-app").read_text("direct_url.json")
    for name, extra in (("requirements.txt", ""), ("requirements-dev.txt", "[dev]")):
        requirement = requirement_for(origin, metadata.version("twiml-app"), extra)
        file = folder / name
        file.write_text(file.read_text().replace("{requirement}", requirement))


def requirement_for(origin: str | None, version: str, extra: str = "") -> str:
    """Return the line of a requirements file that installs this package from its current origin.

    ``origin`` is its ``direct_url.json``, None for a release,
    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    if not origin:
        return f"twiml-app{extra}>={version}"
    source = json.loads(origin)
    url = source["url"]
    if vcs := source.get("vcs_info"):
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    if subdirectory := source.get("subdirectory"):
        url += f"#subdirectory={subdirectory}"
    return f"twiml-app{extra} @ {url}"
