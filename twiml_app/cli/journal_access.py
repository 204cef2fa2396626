"""The journal that a command reads: that of an application, or of the working directory."""

from __future__ import annotations

from pathlib import Path

import click

from ..assembly import TwimlState
from ..errors import ConfigurationError, JournalUnavailable
from ..journal import Archive, Engine, open_engine, sqlite_path
from .common import project_settings

journal_option = click.option(
    "--app",
    "app_name",
    metavar="MODULE:APP",
    help="Use the settings and the journal of this Flask application.  [default: those of the environment]",
)
#: The journal of ``twiml-app dev``, which is not that of a program that serves.
DEV_DATABASE_URL = "sqlite:///instance/dev.db"


def find_engine(state: TwimlState | None, *, to_fill: bool = False) -> Engine:
    """Return the engine of the journal of an application, or of the environment; it must exist unless ``to_fill``.

    Raises: ConfigurationError, also if there is no journal.
    """
    settings, root = (state.settings, state.root) if state else (project_settings(), Path.cwd())
    engine = state.engine if state else open_engine(settings, root)
    if engine is None:
        raise ConfigurationError("TWIML_DATABASE_URL", "is off, so there is no journal")
    engine.name = click.get_current_context().command_path
    path = sqlite_path(settings.database_url, root)
    if settings.database_url.startswith("sqlite:") and not path.exists() and not to_fill:
        raise ConfigurationError("TWIML_DATABASE_URL", f"there is no journal at {path}: {_reason(path, root)}")
    return engine


def _reason(path: Path, root: str | Path) -> str:
    """Return why there is no journal at a path; if that is the usual one, ``dev`` may have another."""
    if has_dev_journal(path, root):
        command = f"TWIML_DATABASE_URL={DEV_DATABASE_URL} twiml-app journal list"
        return f"that of `twiml-app dev` is instance/dev.db, which `{command}` shows"
    return "nothing was received yet, or this is not the project's folder"


def has_dev_journal(path: Path, root: str | Path) -> bool:
    """Return whether a path is that of the usual journal, and ``dev`` has another one next to it."""
    of_dev = sqlite_path(DEV_DATABASE_URL, root)
    return path == of_dev.with_name("twiml.db") and of_dev.exists()


def collect_killed(archive: Archive) -> None:
    """Store what killed workers were handling, so that it is shown; if that fails, say so and go on."""
    try:
        archive.collect_killed()
    except JournalUnavailable as error:
        click.echo(f"requests of killed workers may be missing: {error}", err=True)
