"""The event loop of a process."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from tests.servers import LIMIT_S
from twiml_app.work.event_loop import EventLoop


async def running_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that this runs in."""
    return asyncio.get_running_loop()


async def fail() -> None:
    """Raise an exception."""
    raise ValueError("a bug")


def test_all_threads_share_one_loop() -> None:
    """A client that keeps connections open belongs to one loop."""
    loop, found = EventLoop(), []
    threads = [threading.Thread(target=lambda: found.append(loop.run(running_loop()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert len(found) == 4
    assert len(set(found)) == 1
    loop.close()


def test_exception_reaches_the_thread_that_waits() -> None:
    """The attempt has failed."""
    loop = EventLoop()
    with pytest.raises(ValueError, match="a bug"):
        loop.run(fail())
    loop.close()
    loop.close()


def test_forked_child_has_a_loop_of_its_own() -> None:
    """The thread of the parent does not exist there."""
    loop = EventLoop()
    loop.run(running_loop())
    child = os.fork()
    if child == 0:
        loop.run(running_loop())
        loop.close()
        os._exit(0)

    assert os.waitpid(child, 0)[1] == 0
    loop.close()
