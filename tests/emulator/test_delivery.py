"""Delivery: when a message leaves, what becomes of it, and which changes are posted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.program import CONTACT, NUMBER, emulator
from twiml_app.emulator.clocks import Clock, RunningClock, SteppedClock
from twiml_app.emulator.context import Context
from twiml_app.emulator.delivery import Delivery
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.resources import (
    Account,
    IncomingNumber,
    MessageRecord,
    MessagingService,
    PhoneSettings,
    Resource,
)
from twiml_app.emulator.schedule import Schedule
from twiml_app.emulator.store import MEMORY, Condition, ResourceStore
from twiml_app.errors import ApiError

START = 1000.0
ACCOUNT = "AC" + "1" * 32
OTHER = "+15017122662"
SHORT_CODE = "12345"
SERVICE = "MG" + "1" * 32


class Network:
    """Real parts around a delivery, and what it posts."""

    def __init__(
        self,
        profile: str = "current",
        *,
        state: str | Path = MEMORY,
        store: ResourceStore | None = None,
        now: float = START,
        clock: Clock | None = None,
        **rules: Any,
    ) -> None:
        self.store = store or ResourceStore(state)
        self.clock = clock or SteppedClock(now)
        self.context = Context(
            store=self.store,
            clock=self.clock,
            profile=replace(find_profile(profile), **rules),
            base_url="http://127.0.0.1:1",
            new_sid=lambda prefix: prefix,
            random=Random(1),
        )
        self.schedule = Schedule(self.clock)
        self.posted: list[tuple[float, str]] = []
        self.delivery = Delivery(self.context, self.schedule, self._post)
        self._sids = (f"SM{n}" for n in count(self.store.count(MessageRecord) + 1))
        self.save(Account(**self._dates(ACCOUNT), auth_token="token"))

    def _post(self, message: MessageRecord) -> None:
        self.posted.append((round(self.clock.now() - START, 6), message.status))

    def _dates(self, sid: str) -> dict[str, Any]:
        now = self.clock.now()
        return {"sid": sid, "account_sid": ACCOUNT, "date_created": now, "date_updated": now}

    def save(self, resource: Any) -> None:
        """Keep a resource."""
        self.store.save(resource)

    def phone(self, number: str = CONTACT, **phone_settings: Any) -> None:
        """Choose what becomes of what is sent to a phone."""
        self.save(PhoneSettings(**self._dates(number), **phone_settings))

    def service(self, *numbers: str, **settings: Any) -> None:
        """Make a service of numbers."""
        for number in numbers:
            self.save(IncomingNumber(**self._dates(f"PN{number}"), phone_number=number))
        self.save(MessagingService(**self._dates(SERVICE), numbers=tuple(f"PN{each}" for each in numbers), **settings))

    def compose(self, from_: str = NUMBER, *, to: str = CONTACT, **fields: Any) -> MessageRecord:
        """Keep a message that has not begun yet."""
        given: dict[str, Any] = {
            "to": to,
            "from_": from_,
            "body": "hello",
            "status": "queued",
            "direction": "outbound-api",
        } | fields
        message = MessageRecord(**self._dates(next(self._sids)), **{"status_url": "http://127.0.0.1:1/status"} | given)
        self.save(message)
        return message

    def send(self, from_: str = NUMBER, **fields: Any) -> str:
        """Send a message; returns its sid."""
        message = self.compose(from_, **fields)
        self.delivery.begin(message)
        return message.sid

    def get(self, sid: str) -> MessageRecord:
        """Return a message as it is now."""
        message = self.store.get(MessageRecord, sid)
        assert message
        return message

    def left(self, sid: str) -> float | None:
        """Return how long after the start a message has left."""
        sent = self.get(sid).date_sent
        return None if sent is None else round(sent - START - 0.2, 6)

    @property
    def statuses(self) -> list[str]:
        """The status of every message, in the order in which they were made."""
        return [message.status for message in self.store.find(MessageRecord, oldest_first=True)]


@pytest.fixture
def network() -> Iterator[Network]:
    """The parts, with today's rules."""
    network = Network()
    with closing(network.store):
        yield network


def test_message_moves_from_queued_to_delivered(network: Network) -> None:
    """The whole way, with its moments and its price."""
    sid = network.send()
    seen = [network.get(sid).status]
    for _ in range(14):
        network.schedule.advance(0.1)
        seen.append(network.get(sid).status)
    message = network.get(sid)

    assert list(dict.fromkeys(seen)) == ["queued", "sending", "sent", "delivered"]
    assert (message.date_sent, message.date_delivered, message.price) == (START + 0.2, START + 1.2, -0.0075)
    assert network.posted == [(0.2, "sent"), (1.2, "delivered")]


@pytest.mark.parametrize(
    ("phone_settings", "posted", "error_code"),
    [
        pytest.param({"status": "delivered"}, ["sent", "delivered"], None, id="delivered"),
        pytest.param({"status": "sent"}, ["sent"], None, id="sent, and never heard of again"),
        pytest.param({"status": "read"}, ["sent", "delivered", "read"], None, id="read"),
        pytest.param({"status": "undelivered"}, ["sent", "undelivered"], 30003, id="undelivered"),
        pytest.param({"status": "undelivered", "error_code": 30005}, ["sent", "undelivered"], 30005, id="with a code"),
        pytest.param({"status": "failed"}, ["failed"], 30008, id="failed"),
        pytest.param({"status": "failed", "error_code": 30007}, ["failed"], 30007, id="failed with a code"),
    ],
)
def test_message_ends_as_its_phone_has_it(
    network: Network, phone_settings: dict[str, Any], posted: list[str], error_code: int | None
) -> None:
    """Every branch of a program that looks at MessageStatus can be reached."""
    network.phone(**phone_settings)
    sid = network.send()
    assert network.schedule.settle()
    message = network.get(sid)

    assert [status for _, status in network.posted] == posted
    assert (message.status, message.error_code) == (posted[-1], error_code)
    assert (message.price is None) is (posted == ["failed"])


def test_fate_may_change_on_the_way(network: Network) -> None:
    """A phone that breaks after the network took the message: nothing more is heard of it."""
    sid = network.send()
    network.schedule.advance(0.5)
    network.phone(status="failed")
    assert network.schedule.settle()

    assert network.get(sid).status == "sent"


@pytest.mark.parametrize(
    ("profile", "fields", "posted"),
    [
        pytest.param("current", {}, ["queued", "sent", "delivered"], id="today"),
        pytest.param("2014", {}, ["sent", "delivered"], id="2014"),
        pytest.param("2008", {}, ["sent", "delivered"], id="2008"),
        pytest.param("current", {"status_brief": True}, ["sent"], id="the older resources"),
        pytest.param("current", {"status_url": ""}, [], id="without a status callback"),
    ],
)
def test_changes_are_posted_as_the_documents_of_the_time_have_it(
    profile: str, fields: dict[str, Any], posted: list[str]
) -> None:
    """The initial status is never posted, and sending is one of the resource alone."""
    network = Network(profile)
    with closing(network.store):
        network.send(from_="", status="accepted", **fields)
        assert network.schedule.settle()

        assert [status for _, status in network.posted] == posted


def test_long_number_sends_one_a_second(network: Network) -> None:
    """What is beyond waits in the queue."""
    sids = [network.send() for _ in range(3)]
    others = [network.send(OTHER) for _ in range(2)]
    network.schedule.advance(1)
    assert network.statuses == ["sent", "sending", "queued", "sent", "sending"]
    assert network.schedule.settle()

    assert [network.left(sid) for sid in (*sids, *others)] == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("sender", [SHORT_CODE, "ACME", "whatsapp:+15017122661"])
def test_other_senders_are_not_limited(network: Network, sender: str) -> None:
    """Short codes are why there is a limit to write about."""
    sids = [network.send(sender) for _ in range(5)]
    assert network.schedule.settle()

    assert [network.left(sid) for sid in sids] == [0, 0, 0, 0, 0]


ACTIONS = st.lists(
    st.one_of(
        st.sampled_from([NUMBER, OTHER, SHORT_CODE]),
        st.integers(1, 10).map(lambda quarters: quarters / 4),
        st.tuples(st.integers(0, 20)),
    ),
    max_size=40,
)


@given(ACTIONS)
def test_no_number_is_ever_faster_and_none_waits_for_nothing(actions: list[Any]) -> None:
    """Send, let time pass, cancel: each leaves in its turn, a second after the one before or at once."""
    network, made = Network(), list[tuple[str, float]]()
    with closing(network.store):
        for action in actions:
            if isinstance(action, str):
                made.append((network.send(action), network.clock.now() - START))
            elif isinstance(action, float):
                network.schedule.advance(action)
            elif made:
                network.delivery.cancel(network.get(made[action[0] % len(made)][0]))
        assert network.schedule.settle()

        free = {NUMBER: 0.0, OTHER: 0.0}
        for sid, created in made:
            message = network.get(sid)
            if message.status == "canceled":
                assert message.date_sent is None
                continue
            expected = max(created, free.get(message.from_, 0.0))
            assert (message.status, network.left(sid)) == ("delivered", expected)
            if message.from_ in free:
                free[message.from_] = expected + 1


def test_clients_at_the_same_time_get_different_seconds() -> None:
    """Eight threads of a program, all at once."""
    with emulator() as twilio:
        twilio.add_number(NUMBER)

        def create(n: int) -> None:
            twilio.client().messages.create(to=CONTACT, from_=NUMBER, body=str(n))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(create, range(32)))
        assert twilio.settle()
        sent = sorted(message.date_sent or 0.0 for message in twilio.outbox)

        assert len(sent) == 32
        assert [round(later - earlier, 3) for earlier, later in pairwise(sent)] == [1.0] * 31


def test_queue_that_is_full_refuses() -> None:
    """21611, as soon as one more would wait for longer than the profile allows."""
    network = Network(queue_s=3)
    with closing(network.store):
        for _ in range(3):
            network.delivery.refuse_overflow(NUMBER)
            network.send()
        with pytest.raises(ApiError, match="exceeded the maximum number of queued messages") as refused:
            network.delivery.refuse_overflow(NUMBER)
        assert refused.value.code == 21611
        network.delivery.refuse_overflow(OTHER)

        network.schedule.advance(1)
        network.delivery.refuse_overflow(NUMBER)


def is_full(network: Network, sender: str) -> bool:
    """Tell whether a sender is refused for its queue."""
    try:
        network.delivery.refuse_overflow(sender)
    except ApiError as refused:
        return refused.code == 21611
    return False


def test_what_is_canceled_makes_room_in_the_queue() -> None:
    """And the next one waits that much less."""
    network = Network(queue_s=2)
    with closing(network.store):
        network.send()
        sid = network.send()
        before = is_full(network, NUMBER)
        network.delivery.cancel(network.get(sid))

        assert (before, is_full(network, NUMBER)) == (True, False)


def test_queue_of_a_short_code_is_never_full() -> None:
    """It does not wait."""
    network = Network(queue_s=1)
    with closing(network.store):
        for _ in range(5):
            network.send(SHORT_CODE)
            network.send(NUMBER)

        assert (is_full(network, SHORT_CODE), is_full(network, NUMBER)) == (False, True)


def test_message_of_a_service_whose_queues_are_full_fails() -> None:
    """It was accepted before anybody knew which number it leaves from."""
    network = Network(queue_s=1)
    with closing(network.store):
        network.service(NUMBER)
        network.send()
        sid = network.send("", status="accepted", messaging_service_sid=SERVICE)
        network.schedule.advance(0)

        assert (network.get(sid).status, network.get(sid).error_code) == ("failed", 30001)


@pytest.mark.parametrize(
    ("profile", "waits", "status", "error_code"),
    [
        pytest.param("current", 2, "delivered", None, id="in time"),
        pytest.param("current", 3, "failed", 30036, id="too late"),
        pytest.param("2014", 3, "failed", 30001, id="too late in 2014"),
    ],
)
def test_message_that_waits_longer_than_it_is_valid_fails(
    profile: str, waits: int, status: str, error_code: int | None
) -> None:
    """A one-time code of ten minutes ago helps nobody."""
    network = Network(profile)
    with closing(network.store):
        for _ in range(waits):
            network.send()
        sid = network.send(validity_s=2)
        last = network.send()
        assert network.schedule.settle()

        assert (network.get(sid).status, network.get(sid).error_code) == (status, error_code)
        assert network.left(last) == 3, "what does not leave takes no time"


def test_scheduled_message_is_valid_from_the_moment_it_is_queued(network: Network) -> None:
    """The validity of a service is shorter than what may be scheduled."""
    sid = network.send(status="scheduled", send_at=START + 3600, validity_s=60)
    network.schedule.advance(3599)
    assert network.get(sid).status == "scheduled"
    network.schedule.advance(1)
    assert network.schedule.settle()

    assert network.left(sid) == 3600
    assert network.posted == [(3600, "queued"), (3600.2, "sent"), (3601.2, "delivered")]


def test_settling_leaves_what_is_scheduled(network: Network) -> None:
    """A reminder for tomorrow is not on its way."""
    sid = network.send(status="scheduled", send_at=START + 3600)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.clock.now()) == ("scheduled", START)


def test_scheduled_message_without_a_moment_leaves_at_once(network: Network) -> None:
    """An older state may hold one."""
    sid = network.send(status="scheduled")
    network.schedule.advance(2)

    assert network.get(sid).status == "delivered"


@pytest.mark.parametrize(
    ("profile", "max_price", "status", "error_code"),
    [
        pytest.param("current", 0.001, "delivered", None, id="obsolete today"),
        pytest.param("2014", 0.001, "failed", 30010, id="too dear"),
        pytest.param("2014", 0.0075, "delivered", None, id="just so"),
        pytest.param("2014", None, "delivered", None, id="any price"),
    ],
)
def test_message_above_its_max_price_fails_where_that_counts(
    profile: str, max_price: float | None, status: str, error_code: int | None
) -> None:
    """The documents of 2015: it is queued, and then fails and is not sent."""
    network = Network(profile)
    with closing(network.store):
        sid = network.send(max_price=max_price)
        assert network.schedule.settle()

        assert (network.get(sid).status, network.get(sid).error_code) == (status, error_code)
        assert [each for _, each in network.posted] == (["failed"] if status == "failed" else ["sent", "delivered"])


def test_price_counts_every_segment(network: Network) -> None:
    """A long text is billed as what it is."""
    sid = network.send(num_segments=3)
    assert network.schedule.settle()

    assert network.get(sid).price == -0.0225


def test_account_suspended_meanwhile_sends_nothing_more(network: Network) -> None:
    """What was queued before fails as well."""
    first, second = network.send(), network.send()
    network.schedule.advance(0.5)
    network.save(replace(network.context.account(ACCOUNT), status="suspended"))
    assert network.schedule.settle()

    assert (network.get(first).status, network.get(first).error_code) == ("delivered", None)
    assert (network.get(second).status, network.get(second).error_code) == ("failed", 30002)


def test_account_that_is_gone_sends_nothing(network: Network) -> None:
    """Nobody is left to pay."""
    network.store.delete(Account, ACCOUNT)
    sid = network.send()
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).error_code) == ("failed", 30002)


@pytest.mark.parametrize(("takes", "status", "code"), [(True, "delivered", None), (False, "failed", 30011)])
def test_picture_for_a_phone_that_takes_none_fails(
    network: Network, takes: bool, status: str, code: int | None
) -> None:
    """Where the account wants no links instead, nothing can be sent."""
    network.phone(takes_media=takes)
    sid = network.send(num_media=1)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).error_code) == (status, code)


@pytest.mark.parametrize(
    ("fields", "advance", "is_canceled"),
    [
        pytest.param({"status": "scheduled", "send_at": START + 3600}, 60, True, id="scheduled"),
        pytest.param({"status": "accepted", "from_": ""}, None, True, id="accepted"),
        pytest.param({}, None, True, id="queued"),
        pytest.param({}, 0.1, False, id="sending"),
        pytest.param({}, 0.5, False, id="sent"),
        pytest.param({}, 5, False, id="delivered"),
    ],
)
def test_what_has_not_left_can_be_canceled(
    network: Network, fields: dict[str, Any], advance: float | None, is_canceled: bool
) -> None:
    """And nothing else."""
    sid = network.send(**fields)
    if advance is not None:
        network.schedule.advance(advance)
    canceled = network.delivery.cancel(network.get(sid))
    network.schedule.advance(7200)

    assert (canceled is not None) is is_canceled
    assert network.get(sid).status == ("canceled" if is_canceled else "delivered")
    assert [status for _, status in network.posted] == (["canceled"] if is_canceled else ["sent", "delivered"])


@pytest.mark.parametrize(
    ("fields", "advance"),
    [
        pytest.param({"status": "scheduled", "send_at": START + 60}, 0, id="scheduled"),
        pytest.param({}, None, id="queued"),
        pytest.param({}, 0.1, id="sending"),
        pytest.param({}, 0.5, id="sent"),
        pytest.param({"to": "+15558675311"}, 1.5, id="delivered"),
    ],
)
def test_message_that_is_deleted_on_its_way_is_gone(
    network: Network, fields: dict[str, Any], advance: float | None
) -> None:
    """Others behind it go on as if it had never been."""
    network.phone("+15558675311", status="read")
    sid = network.send(**fields)
    if advance is not None:
        network.schedule.advance(advance)
    assert network.store.delete(MessageRecord, sid)
    other = network.send(OTHER)
    network.schedule.advance(120)

    assert network.store.get(MessageRecord, sid) is None
    assert network.get(other).status == "delivered"


def test_message_changed_between_two_looks_does_not_leave(network: Network) -> None:
    """Canceled by a watcher at the very moment of its turn."""
    first, second = network.send(), network.send()
    network.save(replace(network.get(first), status="canceled"))
    network.schedule.advance(0.1)
    network.save(replace(network.get(second), status="canceled"))
    assert network.schedule.settle()

    assert network.statuses == ["canceled", "canceled"]
    assert network.posted == []


def test_message_that_cannot_be_sent_at_all_fails(network: Network) -> None:
    """A reply to somebody who sent STOP: it is there, with its reason, and its status is posted."""
    message = network.compose()
    failed = network.delivery.fail(message, 21610)
    assert network.schedule.settle()

    assert (failed.status, failed.error_code, failed.price) == ("failed", 21610, None)
    assert network.posted == [(0, "failed")]
    network.store.delete(MessageRecord, message.sid)
    assert network.delivery.fail(message, 21610) == message


def service_message(network: Network, to: str = CONTACT) -> str:
    """Send through the service."""
    return network.send("", to=to, status="accepted", messaging_service_sid=SERVICE)


def test_service_sends_from_the_number_with_the_shortest_line(network: Network) -> None:
    """That is what several numbers are for."""
    network.service(NUMBER, OTHER)
    sids = [service_message(network, f"+1555867531{n}") for n in range(4)]
    assert network.schedule.settle()

    assert [network.get(sid).from_ for sid in sids] == [NUMBER, OTHER, NUMBER, OTHER]
    assert [network.left(sid) for sid in sids] == [0, 0, 1, 1]


@pytest.mark.parametrize(("sticky", "senders"), [(True, [OTHER, OTHER]), (False, [OTHER, NUMBER])])
def test_service_stays_with_a_number_for_one_person(network: Network, sticky: bool, senders: list[str]) -> None:
    """Sticky sender: a conversation does not move from one number to another."""
    network.service(NUMBER, OTHER, sticky_sender=sticky)
    network.send(NUMBER, to="+15558675319")
    sids = [service_message(network)]
    network.schedule.advance(0)
    network.send(OTHER, to="+15558675319")
    network.schedule.advance(30)
    sids.append(service_message(network))
    assert network.schedule.settle()

    assert [network.get(sid).from_ for sid in sids] == senders


def test_service_stays_with_a_number_after_a_restart(tmp_path: Path) -> None:
    """And with the one that answered a text."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        before.service(NUMBER, OTHER)
        before.send(OTHER, direction="outbound-reply", messaging_service_sid=SERVICE)
        assert before.schedule.settle()
    after = Network(state=state, now=before.clock.now() + 60)
    with closing(after.store):
        after.delivery.resume()
        sid = service_message(after)
        assert after.schedule.settle()
        assert after.get(sid).from_ == OTHER

        after.delivery.clear()
        sid = service_message(after)
        assert after.schedule.settle()
        assert after.get(sid).from_ == NUMBER


def test_service_forgets_a_number_that_left_it(network: Network) -> None:
    """The number may belong to somebody else by now."""
    network.service(NUMBER)
    service_message(network)
    assert network.schedule.settle()
    network.service(OTHER)
    sid = service_message(network)
    assert network.schedule.settle()

    assert network.get(sid).from_ == OTHER


def test_service_without_numbers_still_delivers(network: Network) -> None:
    """Without a seed every sender counts as owned, and nobody has to make numbers."""
    network.service()
    sid = service_message(network)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).from_) == ("delivered", "")


#: What is sent, and how much later everything stops.
STATES: dict[str, tuple[dict[str, Any], float | None]] = {
    "scheduled": ({"status": "scheduled", "send_at": START + 5}, 1),
    "accepted": ({"status": "accepted", "from_": ""}, None),
    "queued": ({}, None),
    "sending": ({}, 0.1),
    "sent": ({}, 0.5),
    "delivered": ({}, 2),
}

LIMIT_S = 10.0
ResourceT = TypeVar("ResourceT", bound=Resource)


@pytest.mark.parametrize("status", STATES)
def test_what_was_on_its_way_goes_on_after_a_restart(tmp_path: Path, status: str) -> None:
    """The evening's messages arrive in the morning."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        fields, seconds = STATES[status]
        before.send(**fields)
        if seconds is not None:
            before.schedule.advance(seconds)
        assert before.statuses == [status]
    after = Network(state=state, now=before.clock.now())
    with closing(after.store):
        after.delivery.resume()
        after.schedule.advance(10)

        assert after.statuses == ["delivered"]


def test_restart_makes_no_number_faster(tmp_path: Path) -> None:
    """One message left just before, and the next waits for its second."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        for _ in range(3):
            before.send()
        before.send("", to=NUMBER, direction="inbound", status="received", date_sent=START + 0.5)
        before.schedule.advance(0.25)
    after = Network(state=state, now=START + 0.25)
    with closing(after.store):
        after.delivery.resume()
        assert after.schedule.settle()
        sent = [message.date_sent for message in after.store.find(MessageRecord, oldest_first=True)][:3]

        assert [later - earlier >= 1 for earlier, later in pairwise(each or 0.0 for each in sent)] == [True, True]


def test_begun_twice_is_sent_once(network: Network) -> None:
    """What was begun before the emulator was started is found again by its start."""
    sid = network.send()
    network.delivery.resume()
    assert network.schedule.settle()

    assert network.left(sid) == 0
    assert network.posted == [(0.2, "sent"), (1.2, "delivered")]


def test_forgotten_lines_begin_anew(network: Network) -> None:
    """Reset: the first message of the next test does not wait for the last one."""
    for _ in range(5):
        network.send()
    network.schedule.clear()
    network.delivery.clear()
    sid = network.send()
    assert network.schedule.settle()

    assert network.left(sid) == 0


@pytest.mark.parametrize("posted_before", [["sent"], ["sent", "delivered"]], ids=["kept", "kept, and posted"])
def test_phone_that_reads_does_so_after_a_restart(tmp_path: Path, posted_before: list[str]) -> None:
    """Stopped between delivered and read, a program that waits for read would wait for ever."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        before.phone(status="read")
        before.send()
        before.send("12345", to="+15558675311")
        before.schedule.advance(1.1)
        before.schedule.advance(0.5)
        assert before.statuses == ["delivered", "delivered"]
    after = Network(state=state, now=before.clock.now())
    with closing(after.store):
        after.phone("+15558675311", status="read")
        after.delivery.resume()
        assert after.schedule.settle()

        assert after.statuses == ["read", "delivered"], "what was not to be read is not read either"
        assert [status for _, status in after.posted] == ["read"]
        assert after.store.owed(MessageRecord) == []


def test_status_callbacks_that_are_owed_are_posted_after_a_restart(tmp_path: Path) -> None:
    """With the status of their moment, in their order, and once."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        for _ in range(2):
            before.delivery.fail(before.compose(), 30001)
        before.delivery.fail(before.compose(status_url=""), 30001)
        before.store.delete(MessageRecord, "SM2")
    for expected in ([(0, "failed")] * 2, []):
        after = Network(state=state)
        with closing(after.store):
            after.delivery.resume()
            assert after.schedule.settle()

            assert after.posted == expected


def test_status_callback_that_fails_is_not_owed_for_ever() -> None:
    """It was attempted: the same failure would meet every start."""

    class Broken(Network):
        def _post(self, message: MessageRecord) -> None:
            raise LookupError(message.account_sid)

    network = Broken()
    with closing(network.store):
        network.delivery.fail(network.compose(), 30001)
        with pytest.raises(LookupError):
            network.schedule.settle()

        assert network.store.owed(MessageRecord) == []


class Counting(ResourceStore):
    """A store that counts the messages that are read from it."""

    read_messages = 0

    def find(self, kind: type[ResourceT], *conditions: Condition, **options: Any) -> list[ResourceT]:
        """Find, and count."""
        found = super().find(kind, *conditions, **options)
        self.read_messages += len(found) if kind is MessageRecord else 0
        return found


def test_restart_reads_what_is_not_finished_and_nothing_else(tmp_path: Path) -> None:
    """A state of a year's messages must not be held in memory to send the next one."""
    store = Counting(tmp_path / "state.db")
    network = Network(store=store)
    with closing(store):
        for sender in (NUMBER, OTHER, SHORT_CODE) * 3:
            network.send(sender)
        assert network.schedule.settle()
        sid = network.send(OTHER)
        network.schedule.clear()
        network.delivery.clear()
        store.read_messages = 0
        network.delivery.resume()
        assert store.read_messages == 1
        assert network.schedule.settle()

        assert network.get(sid).status == "delivered"


class Failing(ResourceStore):
    """A store whose disk is full at some of the times when something is saved."""

    failures: frozenset[int] = frozenset()
    saved = 0

    def save(self, resource: ResourceT) -> ResourceT:
        """Save, or fail."""
        self.saved += 1
        if self.saved in self.failures:
            raise sqlite3.OperationalError("database or disk is full")
        return super().save(resource)


def settle_all(network: Network) -> int:
    """Settle, however often that fails; returns how often it did."""
    failures = 0
    while True:
        try:
            assert network.schedule.settle()
        except sqlite3.OperationalError:
            failures += 1
        else:
            return failures


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        pytest.param({}, [0, 1, 2], id="number"),
        pytest.param({"from_": SHORT_CODE}, [0, 0, 0], id="short code"),
        pytest.param({"from_": "", "status": "accepted"}, [0, 1, 2], id="service"),
    ],
)
@given(failures=st.frozensets(st.integers(1, 12), max_size=6))
def test_message_arrives_though_the_store_fails_now_and_then(
    fields: dict[str, Any], left: list[float], failures: frozenset[int]
) -> None:
    """A full disk, once, must not hold a number back for good; and nothing is posted twice or left out."""
    store = Failing()
    network = Network(store=store)
    with closing(store):
        network.service(NUMBER)
        sids = [network.send(**fields, messaging_service_sid=SERVICE) for _ in range(3)]
        store.failures = frozenset(store.saved + n for n in failures)
        failed = settle_all(network)

        assert network.statuses == ["delivered"] * 3
        assert failed == sum(n <= store.saved for n in store.failures)
        posted = sorted(status for _, status in network.posted if status != "queued")
        assert posted == ["delivered"] * 3 + ["sent"] * 3
        assert sorted(network.left(sid) or 0.0 for sid in sids) == left
        assert store.owed(MessageRecord) == []


def test_first_message_of_a_line_stays_the_first_though_the_store_fails(network: Network) -> None:
    """It is called again, and the others after it."""
    store = Failing()
    network = Network(store=store)
    with closing(store):
        first, second = network.send(), network.send()
        store.failures = frozenset({store.saved + 1})
        with pytest.raises(sqlite3.OperationalError):
            network.schedule.advance(5)
        assert network.statuses == ["queued", "queued"]
        network.delivery.cancel(network.get(network.send()))
        assert network.schedule.settle()

        assert [network.left(first), network.left(second)] == [0, 1]


class Full(ResourceStore):
    """A store whose disk is full until there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.has_room, self.has_failed = threading.Event(), threading.Event()
        self.has_room.set()

    def save(self, resource: ResourceT) -> ResourceT:
        """Save, or fail."""
        if not self.has_room.is_set():
            self.has_failed.set()
            raise sqlite3.OperationalError("database or disk is full")
        return super().save(resource)


def test_nothing_is_settled_while_the_store_fails() -> None:
    """A test would look for a message that is still queued."""
    store = Full()
    network = Network(store=store, clock=RunningClock(START, speed=1000.0))
    with closing(store):
        network.send()
        store.has_room.clear()
        network.schedule.start()
        assert store.has_failed.wait(LIMIT_S)
        assert not network.schedule.settle(0.0)
        assert network.statuses == ["queued"]
        store.has_room.set()
        assert network.schedule.settle(LIMIT_S)
        network.schedule.stop()

        assert network.statuses == ["delivered"]


class LateClock(SteppedClock):
    """A clock of a busy machine: everything happens later than it is due."""

    def __init__(self, start: float, delays: list[float]) -> None:
        super().__init__(start)
        self._delays = iter(delays)

    def move_to(self, moment: float) -> None:
        """Move on, and a little beyond."""
        super().move_to(moment + next(self._delays, 0.0))


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(2, 6))
def test_busy_machine_makes_no_number_faster(delays: list[float], messages: int) -> None:
    """A hundred times as fast, a delay of ten milliseconds is a second: the next message left right behind."""
    network = Network(clock=LateClock(START, delays))
    with closing(network.store):
        sids = [network.send() for _ in range(messages)]
        assert network.schedule.settle()

        assert [network.left(sid) for sid in sids] == [*range(messages)]
        delivered = [network.get(sid).date_delivered or 0.0 for sid in sids]
        assert [round(moment - START, 6) for moment in delivered] == [n + 1.2 for n in range(messages)]
