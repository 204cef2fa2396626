"""Open the store that a database URL names."""

from __future__ import annotations

from pathlib import Path

from ..config import Settings
from ..errors import ConfigurationError
from .engine import Engine
from .sqlite import SqliteStore


def open_engine(settings: Settings, root: str | Path) -> Engine | None:
    """Return the engine for ``TWIML_DATABASE_URL``, None if it is ``off``; it connects when it is first used.

    Raises: ConfigurationError, if the driver is not installed.
    """
    url, durable = settings.database_url, settings.durability == "power"
    if url == "off":
        return None
    if url.startswith("sqlite:///"):
        path = sqlite_path(url, root)
        return Engine(lambda: SqliteStore(path, durable=durable))
    try:
        from .postgres import PostgresStore
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "TWIML_DATABASE_URL", "PostgreSQL needs a driver: pip install 'twiml-app[postgres]'"
        ) from error
    return Engine(lambda: PostgresStore(url, durable=durable))


def sqlite_path(url: str, root: str | Path) -> Path:
    """Return the file of a ``sqlite:///`` URL: relative to the project's root, or absolute."""
    return Path(root) / url.removeprefix("sqlite:///")
