"""File locks: who excludes whom, and when a lock is free again."""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.journal.other_process import script, wait_until
from tests.servers import LIMIT_S
from twiml_app.journal.locks import EventLocks, LockTimeout, QueueLock, supports_event_locks

HOLD_QUEUE = """
from twiml_app.journal.locks import QueueLock
lock = QueueLock(Path(sys.argv[1]), "holder of the test")
lock.acquire(600)
print("held", flush=True)
sys.stdin.readline()
"""
HOLD_EVENT = """
from twiml_app.journal.locks import EventLocks
locks = EventLocks(Path(sys.argv[1]))
assert locks.acquire(7)
print("held", flush=True)
sys.stdin.readline()
"""
COUNT = """
from twiml_app.journal.locks import QueueLock
queue, counter, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def count():
    lock = QueueLock(queue)
    for _ in range(times):
        lock.acquire(600)
        counter.write_text(str(int(counter.read_text()) + 1))
        lock.release()
threads = [threading.Thread(target=count) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
GREEDY = """
from twiml_app.journal.locks import QueueLock
lock = QueueLock(Path(sys.argv[1]))
def hold_again_and_again():
    while True:
        lock.acquire(600)
        lock.release()
threading.Thread(target=hold_again_and_again, daemon=True).start()
print("started", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """Return the path of a queue's lock file."""
    return tmp_path / "twiml.db-queue"


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Return the path of a file with the locks of events."""
    return tmp_path / "twiml.db-claims"


def is_free(path: Path) -> bool:
    """Return whether a new lock object gets the lock of a queue at once."""
    lock = QueueLock(path)
    try:
        lock.acquire(0.001)
    except LockTimeout:
        return False
    finally:
        lock.close()
    return True


def threads_that_wait() -> list[threading.Thread]:
    """Return the threads that wait for a queue's lock."""
    return [thread for thread in threading.enumerate() if thread.name == "twiml-app lock"]


def open_descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def in_child(action: Callable[[], object]) -> int:
    """Run an action in a forked child, and return the exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_queue_excludes_other_processes_and_names_the_holder(queue: Path) -> None:
    """Whoever is on call has to know which process to look at."""
    lock = QueueLock(queue)
    with script(HOLD_QUEUE, queue) as holder:
        assert holder.read() == "held"
        with pytest.raises(LockTimeout, match=f"not free within 0.0 s, held by pid {holder.pid} "):
            lock.acquire(0.001)
        holder.proceed()

        lock.acquire(LIMIT_S)


def test_queue_excludes_other_objects_of_the_same_process(queue: Path) -> None:
    """A program may open the same journal twice."""
    one, other = QueueLock(queue), QueueLock(queue)
    one.acquire(LIMIT_S)

    with pytest.raises(LockTimeout):
        other.acquire(0.001)
    one.release()
    other.acquire(LIMIT_S)

    assert not is_free(queue)


def test_release_without_the_lock_does_nothing(queue: Path) -> None:
    """A transaction that did not begin is rolled back like any other."""
    one, other = QueueLock(queue), QueueLock(queue)
    one.acquire(LIMIT_S)
    other.release()

    assert not is_free(queue)


def test_lock_that_is_granted_too_late_is_released(queue: Path) -> None:
    """The request that waited for it has been answered with an error, and all other processes wait."""
    holder, waiter = QueueLock(queue), QueueLock(queue)
    holder.acquire(LIMIT_S)
    with pytest.raises(LockTimeout):
        waiter.acquire(0.001)
    holder.release()

    QueueLock(queue).acquire(LIMIT_S)
    wait_until(lambda: not threads_that_wait())


def test_later_request_takes_over_the_wait_of_an_earlier_one(queue: Path) -> None:
    """Otherwise each request adds a thread, as long as another process holds the lock."""
    holder, waiter = QueueLock(queue), QueueLock(queue)
    holder.acquire(LIMIT_S)
    for _ in range(5):
        with pytest.raises(LockTimeout):
            waiter.acquire(0.001)
    assert len(threads_that_wait()) == 1

    threading.Timer(0.01, holder.release).start()
    waiter.acquire(LIMIT_S)

    assert not is_free(queue)
    waiter.release()
    assert is_free(queue)


def test_lock_that_was_given_up_and_wanted_again_is_held_once(queue: Path) -> None:
    """The moment at which the lock is granted may be any: before, while and after the next request begins."""
    holder, waiter = QueueLock(queue), QueueLock(queue)
    for _ in range(200):
        holder.acquire(LIMIT_S)
        with pytest.raises(LockTimeout):
            waiter.acquire(0)
        holder.release()
        waiter.acquire(LIMIT_S)
        assert not is_free(queue)
        waiter.release()

    wait_until(lambda: not threads_that_wait())


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """React to Ctrl-C: a shell that starts a program in the background lets it ignore that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_interrupted_wait_does_not_keep_the_lock(queue: Path) -> None:
    """After Ctrl-C nobody would release the lock that the waiting thread gets."""
    holder, waiter = QueueLock(queue), QueueLock(queue)
    holder.acquire(LIMIT_S)

    def interrupt() -> None:
        wait_until(lambda: waiter._request and waiter._request.granted._cond._waiters)  # type: ignore[attr-defined]
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        waiter.acquire(LIMIT_S)
    thread.join(LIMIT_S)
    holder.release()

    QueueLock(queue).acquire(LIMIT_S)


def test_lock_that_is_closed_while_a_thread_waits_is_released_when_it_is_granted(queue: Path) -> None:
    """The files of a journal may be replaced while another process holds the lock."""
    holder, waiter = QueueLock(queue), QueueLock(queue)
    holder.acquire(LIMIT_S)
    failed = threading.Event()

    def wait() -> None:
        with pytest.raises(LockTimeout):
            waiter.acquire(0.2)
        failed.set()

    threading.Thread(target=wait).start()
    wait_until(threads_that_wait)
    waiter.close()
    assert failed.wait(LIMIT_S)
    holder.release()

    QueueLock(queue).acquire(LIMIT_S)
    wait_until(lambda: not threads_that_wait())


def test_closed_lock_is_free(queue: Path) -> None:
    """A file that was replaced is not used any more."""
    lock = QueueLock(queue)
    lock.acquire(LIMIT_S)
    lock.close()

    assert is_free(queue)


@pytest.mark.parametrize("is_waiting", [False, True], ids=["held", "given up"])
def test_locks_leave_no_descriptor_open(queue: Path, is_waiting: bool) -> None:
    """A program may open many journals, for example in its tests."""
    gc.collect()
    before = open_descriptors()
    for _ in range(20):
        lock, other = QueueLock(queue), QueueLock(queue)
        lock.acquire(LIMIT_S)
        if is_waiting:
            with pytest.raises(LockTimeout):
                other.acquire(0)
        del lock, other
        wait_until(lambda: not threads_that_wait())
    gc.collect()

    assert open_descriptors() == before


def test_name_is_in_the_file_only_while_the_lock_is_held(queue: Path) -> None:
    """Where the system does not say who holds a lock, a command names itself; afterwards it would be a lie."""
    queue.write_text("1 a command with a long name that was killed\n")
    lock = QueueLock(queue, "erase")
    lock.acquire(LIMIT_S)
    held = queue.read_text()
    lock.release()

    assert (held, queue.read_text()) == (f"{os.getpid()} erase\n", "")


def test_server_writes_no_name(queue: Path) -> None:
    """A server takes the lock for every answer."""
    lock = QueueLock(queue)
    lock.acquire(LIMIT_S)
    assert queue.read_text() == ""
    lock.release()


def test_name_that_cannot_be_written_does_not_prevent_the_lock(queue: Path) -> None:
    """On a full disk a command must still be able to delete."""
    lock = QueueLock(queue, "erase")

    def hold_on_a_full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        lock.acquire(LIMIT_S)
        assert not is_free(queue)
        lock.release()
        assert is_free(queue)

    assert in_child(hold_on_a_full_disk) == 0


def test_forked_child_neither_holds_nor_releases_the_lock(queue: Path) -> None:
    """A handler may fork while another thread writes."""
    lock = QueueLock(queue, "erase")
    lock.acquire(LIMIT_S)

    def close_and_release() -> None:
        lock.close_inherited()
        lock.release()
        assert not is_free(queue)

    assert in_child(close_and_release) == 0
    assert (is_free(queue), queue.read_text()) == (False, f"{os.getpid()} erase\n")


@pytest.mark.parametrize("is_waiting", [False, True], ids=["held", "waited for"])
def test_child_that_outlives_its_killed_parent_does_not_keep_the_lock(queue: Path, is_waiting: bool) -> None:
    """A handler may start a process in the background, which runs for days."""
    source = """
    from twiml_app.journal.locks import LockTimeout, QueueLock
    lock, other = QueueLock(Path(sys.argv[1])), QueueLock(Path(sys.argv[1]))
    lock.acquire(600)
    try:
        other.acquire(0.001)
    except LockTimeout:
        pass
    child = os.fork()
    if child == 0:
        lock.close_inherited()
        other.close_inherited()
        print(os.getpid(), flush=True)
        signal.pause()
    signal.pause()
    """
    with script(source, queue) as parent:
        child = int(parent.read())
        parent.kill()
        lock = QueueLock(queue, "next")
        lock.acquire(LIMIT_S)

        assert queue.read_text() == f"{os.getpid()} next\n"
        assert parent.process.stdout is not None
        assert not select.select([parent.process.stdout], [], [], 0)[0], "the child has ended"
        os.kill(child, signal.SIGKILL)


def test_many_threads_and_processes_exclude_each_other(queue: Path, tmp_path: Path) -> None:
    """Two writers at once would lose one of the two counts."""
    (tmp_path / "counter").write_text("0")
    with script(COUNT, queue, tmp_path / "counter", 100) as one, script(COUNT, queue, tmp_path / "counter", 100) as two:
        one.finish()
        two.finish()

    assert (tmp_path / "counter").read_text() == "600"


def test_process_that_takes_the_lock_again_and_again_starves_no_other(queue: Path) -> None:
    """A worker under load must not keep the others from storing their answers."""
    with script(GREEDY, queue) as greedy:
        assert greedy.read() == "started"
        lock = QueueLock(queue)
        for _ in range(50):
            lock.acquire(LIMIT_S)
            lock.release()


def test_event_is_locked_once_by_the_threads_of_a_process(claims: Path) -> None:
    """A file lock does not exclude threads that use the same open file."""
    locks, barrier, results = EventLocks(claims), threading.Barrier(8), list[bool]()

    def acquire() -> None:
        barrier.wait(LIMIT_S)
        results.append(locks.acquire(7))

    threads = [threading.Thread(target=acquire) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)

    assert sorted(results) == [False] * 7 + [True]
    locks.release(7)
    assert locks.acquire(7)


@pytest.mark.parametrize("offset", [0, 7, 2**62 - 1])
def test_event_is_locked_once_by_two_objects_of_a_process(claims: Path, offset: int) -> None:
    """A program may open the same journal twice, and offsets have up to 62 bits."""
    one, other = EventLocks(claims), EventLocks(claims)

    assert (one.acquire(offset), other.acquire(offset)) == (True, False)
    one.release(offset)
    assert other.acquire(offset)
    assert claims.stat().st_size == 0


def test_events_do_not_exclude_each_other(claims: Path) -> None:
    """Two messages are answered at the same time, by any process."""
    one, other = EventLocks(claims), EventLocks(claims)

    assert (one.acquire(7), one.acquire(8), other.acquire(6), other.acquire(9)) == (True,) * 4
    one.release(8)
    assert not other.acquire(7)


def test_lock_of_a_killed_process_is_free_at_once(claims: Path) -> None:
    """Twilio retries within milliseconds, and the retry must not be refused."""
    locks = EventLocks(claims)
    with script(HOLD_EVENT, claims) as holder:
        assert holder.read() == "held"
        assert not locks.acquire(7)
        holder.kill()

        assert locks.acquire(7)


def test_forked_child_does_not_release_the_lock_of_its_parent(claims: Path) -> None:
    """The handler of the parent still runs."""
    locks = EventLocks(claims)
    assert locks.acquire(7)

    def close_and_release() -> None:
        locks.close()
        locks.release(7)
        with pytest.raises(OSError, match="belong to the parent"):
            locks.acquire(8)

    assert in_child(close_and_release) == 0
    assert not EventLocks(claims).acquire(7)


@pytest.mark.parametrize(
    ("fork", "is_free"),
    [
        pytest.param("os.fork()", True, id="through Python"),
        pytest.param("ctypes.CDLL(None).fork()", False, id="through C"),
    ],
)
def test_child_that_outlives_its_parent_keeps_a_lock_only_if_python_did_not_fork_it(
    tmp_path: Path, fork: str, is_free: bool
) -> None:
    """Python closes the locks in the child; a child that C code made holds them until it ends, as is documented."""
    source = f"""
    import ctypes
    from twiml_app.journal.engine import Engine
    from twiml_app.journal.sqlite import SqliteStore
    engine = Engine(lambda: SqliteStore(Path(sys.argv[1]), durable=True))
    assert engine.guards().events.acquire(7)
    child = {fork}
    if child == 0:
        signal.pause()
    print(child, flush=True)
    signal.pause()
    """
    locks = EventLocks(tmp_path / "twiml.db-claims")
    with script(source, tmp_path / "twiml.db") as parent:
        child = int(parent.read())
        assert not locks.acquire(7)
        if is_free:
            wait_until(lambda: len(claim_files(child)) == 0)
        parent.kill()

        assert locks.acquire(7) is is_free
        os.kill(child, signal.SIGKILL)
    if not is_free:
        wait_until(lambda: locks.acquire(7))


def claim_files(pid: int) -> list[str]:
    """Return the lock files of events that a process has open."""
    folder = Path(f"/proc/{pid}/fd")
    names = []
    for each in folder.iterdir():
        with suppress(FileNotFoundError):  # the child has closed it meanwhile
            names.append(each.readlink().name)
    return [name for name in names if name.endswith("-claims")]


def test_lock_that_the_system_refuses_is_not_counted_as_held(claims: Path) -> None:
    """After the error of one request the next one must be able to claim the event."""
    locks = EventLocks(claims)
    for _ in range(2):
        with pytest.raises(OSError, match="Invalid argument"):
            locks.acquire(-1)

    assert locks.acquire(1)


def test_locks_of_events_are_released_with_their_object(claims: Path) -> None:
    """When the files of a journal were replaced, the last request that uses the old ones closes them."""
    locks = EventLocks(claims)
    assert locks.acquire(7)
    del locks

    assert EventLocks(claims).acquire(7)


def test_system_supports_locks_of_events_even_while_another_process_asks(claims: Path) -> None:
    """If two workers that start together decided differently, a message could be answered twice."""
    assert supports_event_locks(claims)
    held = EventLocks(claims)
    assert held.acquire(2**62)

    assert supports_event_locks(claims)
    assert EventLocks(claims).acquire(7)


def test_other_systems_have_no_locks_of_events(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has the call for its own libraries only."""
    monkeypatch.setattr("sys.platform", "darwin")

    assert not supports_event_locks(claims)
