"""How a release with schema 1 uses a journal in SQLite: a frozen copy, so it imports nothing from the application.

``python -m tests.journal.older_release PATH`` opens the journal, prints ``open``, and answers each command
on its input with one line: ``claim KEY`` and ``finish KEY TEXT``, until ``quit``.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.journal.older_schema import FINISH, INSERT, SELECT, TAKE, TooNewError, claimed_row, create, finished_row


class OlderRelease:
    """A process that uses the journal in a file: only one per process and file, as closing a file drops its locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.owner = secrets.randbits(62)
        self._connection: sqlite3.Connection | None = None
        self._inode = self._queue = self._owners = -1

    def open(self) -> sqlite3.Connection:
        """Take the lock that marks this process as alive, connect, and create what is missing.

        Raises: TooNewError; sqlite3.Error.
        """
        if self._owners < 0:
            self._queue, self._owners = self._lock_file("queue"), self._lock_file("owners")
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.owner)
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            self._connection = _prepared(self.path)
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        self._inode = self.path.stat().st_ino
        return self._connection

    def claim(self, key: str) -> bool:
        """Claim an event, or take over one that failed or whose process died; return whether this process has it."""
        with self._transaction("NORMAL") as connection:
            if connection.execute(INSERT, claimed_row(key, self.owner)).fetchall():
                return True
            exchange, state, owner, *_ = connection.execute(SELECT, (key,)).fetchone()
            if state == "done" or (state == "running" and self._is_alive(owner)):
                return False
            return bool(connection.execute(TAKE, ("running", self.owner, exchange, state, owner)).fetchall())

    def finish(self, key: str, answer: str) -> bool:
        """Store the answer of a claimed event; return whether the claim was still held."""
        with self._transaction("FULL") as connection:
            return bool(connection.execute(FINISH, finished_row(key, self.owner, answer)).fetchall())

    def close(self) -> None:
        """Close the connection and the lock files."""
        self._disconnect()
        for descriptor in (self._queue, self._owners):
            if descriptor >= 0:
                os.close(descriptor)
        self._queue = self._owners = -1

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _lock_file(self, name: str) -> int:
        return os.open(f"{self.path}-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _is_alive(self, owner: int) -> bool:
        if owner == self.owner:
            return True
        try:
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, owner)
        except OSError:
            return True
        fcntl.lockf(self._owners, fcntl.LOCK_UN, 1, owner)
        return False

    @contextmanager
    def _transaction(self, synchronous: str) -> Iterator[sqlite3.Connection]:
        """Wait for the other writers, and write; after an error or in place of a replaced file, connect again."""
        if self._connection and not (self.path.exists() and self.path.stat().st_ino == self._inode):
            self.close()
        connection = self._connection or self.open()
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error:
            self._disconnect()
            raise
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)


def _prepared(path: Path) -> sqlite3.Connection:
    """Connect, set the pragmas, create the missing tables, and check the version.

    Raises: TooNewError; sqlite3.Error.
    """
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA secure_delete=ON", "BEGIN IMMEDIATE"):
            connection.execute(statement)
        create(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def obey(release: OlderRelease, line: str) -> str:
    """Carry out one command, and return its result."""
    command, *words = line.rstrip("\n").split(" ", 2)
    try:
        if command == "open" and release.open():
            return "open"
        if command == "claim":
            return "claimed" if release.claim(words[0]) else "taken"
        return "finished" if release.finish(*words) else "refused: another process took over the event"
    except (TooNewError, sqlite3.Error) as error:
        return f"refused: {error}"


def main() -> None:
    """Open the journal, and obey the commands on the standard input; stop if it cannot be opened."""
    release = OlderRelease(Path(sys.argv[1]))
    opened = obey(release, "open")
    print(opened, flush=True)
    for line in sys.stdin if opened == "open" else ():
        if line.strip() == "quit":
            break
        print(obey(release, line), flush=True)
    release.close()


if __name__ == "__main__":
    main()
