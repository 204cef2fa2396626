"""``new``: a project that runs and passes its own test."""

from __future__ import annotations

import secrets
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

#: Files whose name would have a meaning where they are kept, by the name they get.
_RENAMED = {"gitignore": ".gitignore", "test_hello.py.txt": "test_hello.py"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Make a project in FOLDER: a handler, a template, a test, and credentials of its own.

    \b
    Example:
        twiml-app new my-number
    """
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty: give a new folder")
    try:
        _copy(resources.files("twiml_app") / "scaffold", folder)
        environment = folder / ".env"
        environment.touch(mode=0o600)
        environment.write_text(f"TWIML_CREDENTIALS=twilio:{secrets.token_urlsafe(24)}\n")
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be made: {error}") from error
    click.echo(f"{folder} is ready. Next:\n\n    cd {folder}\n    make run     serve it\n    make test    test it")


def _copy(source: Traversable, target: Path) -> None:
    """Copy a folder of the package, but for what Python left in it."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            (target / _RENAMED.get(entry.name, entry.name)).write_bytes(entry.read_bytes())
