"""Operations of several threads share a transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from twiml_app.errors import JournalUnavailable
from twiml_app.journal.group_commit import GroupCommit, _Job
from twiml_app.journal.locks import LockTimeout
from twiml_app.journal.sqlite import SqliteStore
from twiml_app.journal.stores import Execute

WAIT_S = 20.0


class Slow(SqliteStore):
    """A store whose first transaction begins once another thread has queued behind it, as behind another process."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, durable=True)
        self.begun: list[bool] = []
        self.may_begin = threading.Event()

    def begin(self, *, durable: bool, limit_s: float) -> Execute:
        """Note whether the transaction is durable, and begin it."""
        self.begun.append(durable)
        assert self.may_begin.wait(limit_s)
        return super().begin(durable=durable, limit_s=limit_s)


@pytest.mark.parametrize(
    ("first", "second", "transactions"),
    [
        pytest.param(True, True, [True], id="both durable"),
        pytest.param(True, False, [True], id="durable enough for both"),
        pytest.param(False, True, [False, True], id="not durable enough for the second"),
    ],
)
def test_operations_join_the_transaction_that_waits_to_begin(
    tmp_path: Path, first: bool, second: bool, transactions: list[bool]
) -> None:
    """While another process writes, work piles up: it must not take one turn for each thread."""
    store = Slow(tmp_path / "twiml.db")
    commits = GroupCommit(store)

    def run(value: int, durable: bool) -> Any:
        return commits.run(lambda execute: execute("SELECT ?", (value,)), durable=durable, wait_s=WAIT_S)

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(run, 1, first)
        _await(lambda: len(store.begun) == 1)
        two = threads.submit(run, 2, second)
        _await(lambda: len(commits._waiting) == 1)
        store.may_begin.set()
        assert (one.result(), two.result()) == ([(1,)], [(2,)])

    assert store.begun == transactions
    store.close()


class Held(SqliteStore):
    """A store in which no transaction begins while another process is said to hold it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, durable=True)
        self.is_held = False
        self.limits_s: list[float] = []

    def begin(self, *, durable: bool, limit_s: float) -> Execute:
        """Begin a transaction, or wait for as long as it may."""
        self.limits_s.append(limit_s)
        if self.is_held:
            time.sleep(limit_s)
            raise LockTimeout("the write lock was not free")
        return super().begin(durable=durable, limit_s=limit_s)


def test_thread_that_writes_for_all_waits_no_longer_than_its_own_limit(tmp_path: Path) -> None:
    """After a broken operation, each one runs alone. Those that have more time are left for the next thread."""
    store = Held(tmp_path / "twiml.db")
    commits = GroupCommit(store)

    def hold_and_break(execute: Execute) -> None:
        store.is_held = len(store.limits_s) == 1
        raise ValueError("a bug")

    broken = _Job(hold_and_break, True, time.monotonic() + WAIT_S)
    other = _Job(lambda execute: execute("SELECT 1"), True, time.monotonic() + WAIT_S)
    commits._waiting = [broken, other]
    with pytest.raises(JournalUnavailable):
        commits.run(lambda execute: execute("SELECT 2"), durable=True, wait_s=0.05)
    left = [*commits._waiting]
    store.is_held = False

    assert max(store.limits_s) <= 0.05
    assert (left, other.done) == ([broken, other], False)
    assert commits.run(lambda execute: execute("SELECT 3"), durable=True, wait_s=WAIT_S) == [(3,)]
    assert other.result() == [(1,)]
    with pytest.raises(ValueError, match="a bug"):
        broken.result()
    store.close()


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
