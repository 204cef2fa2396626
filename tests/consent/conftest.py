"""Fixtures for the tests of messages that the program sends first."""

from __future__ import annotations

from tests.journal.conftest import connections, program
from tests.memory_folder import tmp_path
from tests.sending.conftest import database_url

__all__ = ["connections", "database_url", "program", "tmp_path"]
