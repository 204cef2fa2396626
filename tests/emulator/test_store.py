"""Store: resources are found by sid, by condition, and page by page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import LIMIT_S
from twiml_app.emulator.pending_tasks import PendingTasks
from twiml_app.emulator.resources import Account, MessageRecord, PhoneSettings
from twiml_app.emulator.store import Condition, ResourceStore

ACCOUNT = "AC00000000000000000000000000000001"
OTHER = "AC00000000000000000000000000000002"
ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.fixture
def store() -> Iterator[ResourceStore]:
    """An empty store in memory."""
    with closing(ResourceStore()) as opened:
        yield opened


def message(
    sid: str, *, account_sid: str = ACCOUNT, date_sent: float | None = None, body: str = "hello"
) -> MessageRecord:
    """Make a message."""
    return MessageRecord(
        sid=sid,
        account_sid=account_sid,
        date_created=1.0,
        date_updated=1.0,
        to="+15005550006",
        from_="+15558675310",
        body=body,
        status="received",
        direction="inbound",
        date_sent=date_sent,
    )


def sids(found: list[MessageRecord]) -> list[str]:
    """Return the sids of messages."""
    return [each.sid for each in found]


def fill(store: ResourceStore, last: int) -> None:
    """Save messages 1 to ``last``, in order."""
    for n in range(1, last + 1):
        store.save(message(f"SM{n}", date_sent=float(n)))


@given(ANYTHING, st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_resource_is_loaded_as_it_was_saved(body: str, date_sent: float | None) -> None:
    """Text may contain anything that a phone or a program sends, including lone surrogates."""
    saved = message("SM1", body=body, date_sent=date_sent)
    with closing(ResourceStore()) as store:
        assert store.save(saved) is saved
        assert store.get(MessageRecord, "SM1") == saved


def test_tuples_stay_tuples(store: ResourceStore) -> None:
    """A resource that is loaded with a list instead would not be equal to the saved one."""
    account = Account(
        sid=ACCOUNT, account_sid=ACCOUNT, date_created=1.0, date_updated=1.0, auth_token="t", verified=("+1", "+2")
    )
    store.save(account)

    assert store.get(Account, ACCOUNT) == account


def test_resource_that_was_not_saved_is_not_found(store: ResourceStore) -> None:
    """A resource of another kind may have the same sid."""
    store.save(PhoneSettings(sid="+1", account_sid="", date_created=1.0, date_updated=1.0))

    assert store.get(MessageRecord, "+1") is None
    assert store.get(PhoneSettings, "+2") is None
    assert store.find(MessageRecord) == []


def test_saving_again_replaces_and_keeps_the_position(store: ResourceStore) -> None:
    """The order of a list must not change with every status."""
    fill(store, 3)
    store.save(message("SM2", body="changed"))

    assert [(each.sid, each.body) for each in store.find(MessageRecord)] == [
        ("SM3", "hello"),
        ("SM2", "changed"),
        ("SM1", "hello"),
    ]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        pytest.param([], ["SM4", "SM3", "SM2", "SM1"], id="none"),
        pytest.param([Condition("date_sent", "=", 2.0)], ["SM2"], id="="),
        pytest.param([Condition("date_sent", "<", 2.0)], ["SM1"], id="<"),
        pytest.param([Condition("date_sent", "<=", 2.0)], ["SM2", "SM1"], id="<="),
        pytest.param([Condition("date_sent", ">", 2.0)], ["SM4", "SM3"], id=">"),
        pytest.param([Condition("date_sent", ">=", 2.0)], ["SM4", "SM3", "SM2"], id=">="),
        pytest.param([Condition("sid", "like", "%M3")], ["SM3"], id="like, at the end"),
        pytest.param([Condition("sid", "like", "S_2%")], ["SM2"], id="like, at the start"),
        pytest.param([Condition("sid", "like", "M2")], [], id="like, without wildcards"),
        pytest.param([Condition("date_sent", ">", 1.0), Condition("date_sent", "<", 4.0)], ["SM3", "SM2"], id="two"),
        pytest.param([Condition("sid", "in", ("SM1", "SM3", "SM9"))], ["SM3", "SM1"], id="in"),
        pytest.param([Condition("sid", "in", ())], [], id="in an empty list"),
        pytest.param([Condition("body", "=", "' OR 1 --")], [], id="value that looks like SQL"),
    ],
)
def test_conditions_select_resources(store: ResourceStore, conditions: list[Condition], found: list[str]) -> None:
    """The filters of lists use them."""
    fill(store, 4)
    store.save(message("SM5", account_sid=OTHER, date_sent=2.0))

    assert sids(store.find(MessageRecord, *conditions, account_sid=ACCOUNT)) == found
    assert store.count(MessageRecord, *conditions, account_sid=ACCOUNT) == len(found)


def test_missing_date_meets_no_condition(store: ResourceStore) -> None:
    """A queued message has no DateSent, so it is not in a list filtered by that."""
    store.save(message("SM1"))

    for operator in ("=", "<", "<=", ">", ">="):
        assert store.find(MessageRecord, Condition("date_sent", operator, 2.0)) == []


def test_resources_can_be_limited_to_an_account(store: ResourceStore) -> None:
    """A subaccount must not see the messages of another one; the delivery sees all."""
    store.save(message("SM1"))
    store.save(message("SM2", account_sid=OTHER))

    assert sids(store.find(MessageRecord, account_sid=OTHER)) == ["SM2"]
    assert sids(store.find(MessageRecord)) == ["SM2", "SM1"]
    assert (store.count(MessageRecord, account_sid=OTHER), store.count(MessageRecord)) == (1, 2)


def test_lists_are_newest_first_by_default(store: ResourceStore) -> None:
    """Twilio lists the newest first; queues need the oldest first."""
    fill(store, 3)

    assert sids(store.find(MessageRecord)) == ["SM3", "SM2", "SM1"]
    assert sids(store.find(MessageRecord, oldest_first=True)) == ["SM1", "SM2", "SM3"]
    assert sids(store.find(MessageRecord, limit=2)) == ["SM3", "SM2"]
    assert sids(store.find(MessageRecord, beyond="SM2")) == ["SM1"]
    assert sids(store.find(MessageRecord, beyond="SM2", oldest_first=True)) == ["SM3"]


def test_next_page_is_found_after_a_deleted_message(store: ResourceStore) -> None:
    """A client that deletes all messages of each page must still see every message."""
    fill(store, 5)
    seen: list[str] = []
    while page := sids(store.find(MessageRecord, beyond=seen[-1] if seen else "", limit=2)):
        seen += page
        for sid in page:
            store.delete(MessageRecord, sid)

    assert seen == ["SM5", "SM4", "SM3", "SM2", "SM1"]
    assert store.count(MessageRecord) == 0


def test_position_of_a_deleted_message_is_not_reused(store: ResourceStore) -> None:
    """A client that polls for new messages must not miss one because the one before it was deleted."""
    fill(store, 2)
    store.delete(MessageRecord, "SM2")
    store.save(message("SM3"))

    assert sids(store.find(MessageRecord, beyond="SM2", oldest_first=True)) == ["SM3"]
    assert store.place(MessageRecord, "SM1") < store.place(MessageRecord, "SM2") < store.place(MessageRecord, "SM3")


@given(
    st.booleans(),
    st.integers(1, 3),
    st.lists(st.lists(st.one_of(st.none(), st.integers(1, 12)), max_size=4), min_size=1, max_size=8),
)
def test_pages_show_each_message_once_while_others_are_saved_and_deleted(
    oldest_first: bool, limit: int, between: list[list[int | None]]
) -> None:
    """Messages that exist throughout must not be missed or shown twice; in the actions, None saves a message."""
    numbers = count(7)
    seen: list[int] = []
    with closing(ResourceStore()) as store:
        fill(store, 6)
        there = list(range(1, 7))
        for actions in between:
            beyond = f"SM{seen[-1]}" if seen else ""
            page = store.find(MessageRecord, oldest_first=oldest_first, beyond=beyond, limit=limit)
            ordered = there if oldest_first else there[::-1]
            rest = [n for n in ordered if not seen or (n > seen[-1] if oldest_first else n < seen[-1])]
            assert sids(page) == [f"SM{n}" for n in rest[:limit]]
            seen += rest[:limit]
            for action in actions:
                if action is None:
                    there.append(next(numbers))
                    store.save(message(f"SM{there[-1]}"))
                else:
                    assert store.delete(MessageRecord, f"SM{action}") is (action in there)
                    there = [n for n in there if n != action]


def test_all_but_the_newest_are_deleted(store: ResourceStore) -> None:
    """This limits the size of a log; other kinds are not affected."""
    fill(store, 5)
    store.save(PhoneSettings(sid="+1", account_sid="", date_created=1.0, date_updated=1.0))
    store.keep_newest(MessageRecord, 2)
    store.keep_newest(PhoneSettings, 2)

    assert sids(store.find(MessageRecord)) == ["SM5", "SM4"]
    assert store.get(PhoneSettings, "+1") is not None


def test_bytes_are_deleted_with_their_resource(store: ResourceStore) -> None:
    """A deleted picture must not be served any more."""
    fill(store, 2)
    store.save_bytes("SM1", b"\x00\xff")
    store.save_bytes("SM2", b"kept")

    assert store.delete(MessageRecord, "SM1")
    assert not store.delete(MessageRecord, "SM1")
    assert (store.get(MessageRecord, "SM1"), store.read_bytes("SM1")) == (None, None)
    assert (sids(store.find(MessageRecord)), store.read_bytes("SM2")) == (["SM2"], b"kept")


@given(st.binary(), st.binary())
def test_bytes_are_loaded_as_they_were_last_saved(first: bytes, second: bytes) -> None:
    """Pictures are arbitrary bytes."""
    with closing(ResourceStore()) as store:
        store.save_bytes("ME1", first)
        store.save_bytes("ME1", second)

        assert store.read_bytes("ME1") == second
        assert store.read_bytes("ME2") is None


def test_numbers_are_saved_by_name(store: ResourceStore) -> None:
    """A state records for example the time of the last stop."""
    store.write("a", 1.5)
    store.write("a", 2.25)

    assert (store.read("a"), store.read("b")) == (2.25, 0.0)


def test_clear_deletes_all_resources(store: ResourceStore) -> None:
    """After a reset, the next test starts with an empty store."""
    fill(store, 2)
    store.delete(MessageRecord, "SM2")
    store.save_bytes("ME1", b"x")
    store.write("a", 1.0)
    PendingTasks(store.database).add("post", message("SM1"))
    store.clear()

    assert (store.find(MessageRecord), store.read_bytes("ME1"), store.read("a")) == ([], None, 1.0)
    assert (store.place(MessageRecord, "SM2"), PendingTasks(store.database).all(MessageRecord)) == (-1, [])


def test_file_is_read_by_the_next_run(tmp_path: Path) -> None:
    """Resources, bytes, and the positions of deleted resources must survive a restart."""
    path = tmp_path / "state.db"
    with closing(ResourceStore(path)) as store:
        fill(store, 3)
        store.delete(MessageRecord, "SM2")
        store.save_bytes("ME1", b"\x89PNG")
        store.write("a", 1.5)
    with closing(ResourceStore(str(path))) as store:
        assert sids(store.find(MessageRecord)) == ["SM3", "SM1"]
        assert sids(store.find(MessageRecord, beyond="SM2")) == ["SM1"]
        assert (store.read_bytes("ME1"), store.read("a")) == (b"\x89PNG", 1.5)


@pytest.mark.parametrize("name", ["", "state.db"], ids=["in memory", "in a file"])
def test_threads_share_a_store(tmp_path: Path, name: str) -> None:
    """The REST API and the delivery of messages use different threads."""
    with (
        closing(ResourceStore(tmp_path / name) if name else ResourceStore()) as store,
        ThreadPoolExecutor(8) as threads,
    ):

        def work(n: int) -> int:
            store.save(message(f"SM{n}", date_sent=float(n)))
            store.save_bytes(f"SM{n}", str(n).encode())
            if n % 2:
                store.delete(MessageRecord, f"SM{n}")
            return len(store.find(MessageRecord, Condition("date_sent", "=", float(n))))

        found = list(threads.map(work, range(200)))

        assert found == [1, 0] * 100
        assert sorted(int(each.sid[2:]) for each in store.find(MessageRecord)) == list(range(0, 200, 2))


def test_newest_of_each_group_is_found(store: ResourceStore) -> None:
    """The last message of a number decides when it may send again."""
    for n, (account, sent) in enumerate([(ACCOUNT, 5.0), (ACCOUNT, 3.0), (OTHER, 1.0), (OTHER, 2.0), (OTHER, None)]):
        store.save(message(f"SM{n}", account_sid=account, date_sent=sent))
    is_sent = Condition("date_sent", ">", 0)

    assert store.newest_of_each(MessageRecord, ("account_sid",), "sid") == [(ACCOUNT, "SM1"), (OTHER, "SM4")]
    assert store.newest_of_each(MessageRecord, ("account_sid", "body"), "sid", is_sent, most="date_sent") == [
        (ACCOUNT, "hello", "SM0"),
        (OTHER, "hello", "SM3"),
    ]
    assert store.newest_of_each(PhoneSettings, ("sid",), "status") == []


def test_date_of_the_latest_change_is_found(store: ResourceStore) -> None:
    """A clock must not start before it."""
    assert store.latest() == 0.0
    fill(store, 2)
    store.save(PhoneSettings(sid="+1", account_sid="", date_created=1.0, date_updated=7.5))

    assert store.latest() == 7.5


def _clear_and_fail(store: ResourceStore) -> None:
    store.clear()
    fill(store, 3)
    raise LookupError("power failure")


def test_exclusive_changes_are_committed_together_or_not_at_all(tmp_path: Path) -> None:
    """After a failure in between, the state is as before."""
    path = tmp_path / "state.db"
    with closing(ResourceStore(path)) as store:
        fill(store, 1)
        with pytest.raises(LookupError), store.exclusively():
            _clear_and_fail(store)
        assert sids(store.find(MessageRecord)) == ["SM1"]
        with store.exclusively(), store.exclusively():
            fill(store, 2)
    with closing(ResourceStore(path)) as store:
        assert sids(store.find(MessageRecord)) == ["SM2", "SM1"]


def test_other_threads_wait_for_exclusive_changes(store: ResourceStore) -> None:
    """They must not see the state in between."""
    fill(store, 1)
    begun = threading.Barrier(9)

    def read(_: int) -> int:
        begun.wait(LIMIT_S)
        return store.count(MessageRecord)

    with ThreadPoolExecutor(8) as threads:
        with store.exclusively():
            store.clear()
            seen = threads.map(read, range(8))
            begun.wait(LIMIT_S)
            fill(store, 3)

        assert [*seen] == [3] * 8
