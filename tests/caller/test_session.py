"""State between requests: the cookies of a conversation, and cached answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caller.calling import UNCHANGED, tagged
from twiml_app.caller.session import (
    MAX_COOKIE_CHARACTERS,
    MAX_COOKIES,
    MAX_SCOPES,
    CookieJar,
    CookieScope,
    KeptAnswers,
)

ANN = ("+15005550001", "+15005550006", "sms.example.com")
BEN = ("+15005550002", "+15005550006", "sms.example.com")
CYD = ("+15005550003", "+15005550006", "sms.example.com")
LIFETIME_S = 4 * 3600
PAST = "Thu, 01 Jan 1970 00:00:00 GMT"
FUTURE = "Fri, 31 Dec 9999 23:59:59 GMT"


@dataclass
class Kept:
    """A cookie jar with a clock of its own, and a view of its contents."""

    now: float = 1000.0
    jar: CookieJar = field(init=False)

    def __post_init__(self) -> None:
        self.jar = CookieJar(lambda: self.now)

    def store(self, conversation: CookieScope, *cookies: str) -> None:
        """Store an answer that sets cookies."""
        self.jar.store(conversation, [("Content-Type", "text/xml"), *(("set-COOKIE", each) for each in cookies)])

    @property
    def conversations(self) -> list[CookieScope]:
        """The conversations in memory, the longest unused first."""
        return [*self.jar._kept]


@pytest.fixture
def kept() -> Kept:
    """An empty jar."""
    return Kept()


def test_cookies_belong_to_one_conversation(kept: Kept) -> None:
    """The session of one customer must never reach another's."""
    kept.store(ANN, "a=1; Path=/; HttpOnly", "b=2")
    kept.store(BEN, "a=3")

    assert kept.jar.get(ANN) == {"a": "1", "b": "2"}
    assert kept.jar.get(BEN) == {"a": "3"}
    assert kept.jar.get(CYD) == {}


@pytest.mark.parametrize(
    "cookies",
    [
        pytest.param([], id="none"),
        pytest.param(["broken", "=x", ""], id="broken"),
        pytest.param([f"a=; Expires={PAST}"], id="deleted"),
        pytest.param(["a=1", "a=1; Max-Age=0"], id="set and deleted at once"),
    ],
)
def test_conversation_without_cookies_takes_no_memory(kept: Kept, cookies: list[str]) -> None:
    """Most programs set no cookies, and the emulator may text them from thousands of numbers."""
    kept.store(ANN, *cookies)

    assert kept.conversations == []


def test_conversation_whose_last_cookie_is_deleted_takes_no_memory(kept: Kept) -> None:
    """A program that logs everybody out must free the memory."""
    kept.store(ANN, "a=1", "b=2")
    kept.store(ANN, "a=; Max-Age=0")
    assert kept.jar.get(ANN) == {"b": "2"}

    kept.store(ANN, "b=; Max-Age=0")
    assert (kept.jar.get(ANN), kept.conversations) == ({}, [])


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param("Max-Age=0", id="age of zero"),
        pytest.param("max-age=00", id="age of two zeros"),
        pytest.param("Max-Age=-1", id="negative age"),
        pytest.param(f"Expires={PAST}", id="date in the past"),
        pytest.param("expires=Thursday, 01-Jan-70 00:00:00 GMT", id="obsolete date format"),
        pytest.param("Expires=Thu, 01 Jan 0001 00:00:00 -0000", id="date without a zone"),
        pytest.param(f"Path=/; Expires={PAST}; Max-Age=0; SameSite=Lax", id="both, as Flask writes it"),
    ],
)
def test_expired_cookie_is_deleted(kept: Kept, attributes: str) -> None:
    """Programs end a session this way, whatever the value."""
    kept.store(ANN, "a=1", "b=2")
    kept.store(ANN, f"a=3; {attributes}")

    assert kept.jar.get(ANN) == {"b": "2"}


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param("Max-Age=60", id="age"),
        pytest.param("Max-Age=10", id="age that ends in a zero"),
        pytest.param("Max-Age=", id="no age"),
        pytest.param("Max-Age=-", id="only a sign"),
        pytest.param(f"Expires={FUTURE}", id="future date"),
        pytest.param("Expires=tomorrow", id="not a date"),
        pytest.param("Expires=feb -9999999 99999999999 00:00 feb 31 . 01", id="numbers out of range"),
        pytest.param("Expires", id="no value"),
        pytest.param(f"Comment={PAST}", id="another attribute"),
    ],
)
def test_cookie_that_has_not_expired_is_kept(kept: Kept, attributes: str) -> None:
    """An attribute that cannot be read is ignored, as in a browser."""
    kept.store(ANN, f"a=1; {attributes}")

    assert kept.jar.get(ANN) == {"a": "1"}


def test_use_keeps_the_cookies_alive(kept: Kept) -> None:
    """An answer without cookies continues the conversation too."""
    kept.store(ANN, "a=1")
    for _ in range(3):
        kept.now += LIFETIME_S - 1
        kept.store(ANN)

    assert kept.jar.get(ANN) == {"a": "1"}


def test_cookies_that_were_not_used_for_four_hours_are_gone(kept: Kept) -> None:
    """Twilio then starts a new session; new cookies must not be mixed with old ones."""
    kept.store(ANN, "a=1")
    kept.now += LIFETIME_S
    assert kept.jar.get(ANN) == {}

    kept.store(ANN, "b=2")
    assert kept.jar.get(ANN) == {"b": "2"}


def test_conversations_are_dropped_in_the_order_of_their_use(kept: Kept) -> None:
    """A long run texts from many numbers: inactive conversations must not fill the memory."""
    kept.store(ANN, "a=1")
    kept.now += 60
    kept.store(BEN, "a=2")
    kept.now += 60
    kept.store(ANN)
    assert kept.conversations == [BEN, ANN]

    kept.now += LIFETIME_S - 61
    kept.store(CYD)
    assert kept.conversations == [BEN, ANN]
    kept.now += 1
    kept.store(CYD)
    assert kept.conversations == [ANN]
    kept.now += 60
    kept.store(CYD, "a=3")
    assert kept.conversations == [CYD]


def test_many_conversations_are_dropped_at_once(kept: Kept) -> None:
    """After a night all conversations have expired."""
    for number in range(100):
        kept.store((f"+1{number}", "+2", "h"), "a=1")
    kept.now += LIFETIME_S
    kept.store(ANN, "a=1")

    assert kept.conversations == [ANN]


def test_cookies_of_simultaneous_answers_are_all_kept() -> None:
    """Two texts of one person may be answered at the same time, each with a cookie."""

    def clock() -> float:
        os.sched_yield()  # let another thread run in the middle of a change
        return 1000.0

    jar, workers = CookieJar(clock), 16
    together = threading.Barrier(workers)

    def work(worker: int) -> None:
        together.wait()
        for number in range(50):
            jar.store(ANN, [("Set-Cookie", f"{worker}.{number}=x")])
            jar.store((f"+{worker}", f"+{number}", "h"), [("Set-Cookie", "a=1")])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))

    assert jar.get(ANN) == {f"{worker}.{number}": "x" for worker in range(workers) for number in range(50)}
    assert len(jar._kept) == 1 + workers * 50


NUMBERS = st.integers().map(str) | st.sampled_from(["00:00", "0001", "9999", "1970", "99999999999", "٣", "-0000"])
WORDS = st.sampled_from(["thu,", "jan", "feb", "gmt", "est", "am", "(", ")", "+2400", "-2359", ".", "-", ":"])
DATES = st.lists(NUMBERS | WORDS, max_size=9).map(" ".join)
ATTRIBUTES = st.builds("{}={}".format, st.sampled_from(["Expires", "Max-Age", "max-age "]), DATES | NUMBERS | st.text())


def written() -> Iterator[st.SearchStrategy[str]]:
    """Yield possible Set-Cookie values."""
    yield st.text()
    yield st.lists(ATTRIBUTES | st.text(), max_size=4).map(lambda attributes: "; ".join(["a=1", *attributes]))


@given(st.one_of(*written()))
def test_any_set_cookie_value_is_accepted(cookie: str) -> None:
    """Programs may write any header, and the call must not fail because of it."""
    kept = Kept()
    kept.store(ANN, "old=1", cookie)

    assert all(isinstance(text, str) and name for name, text in kept.jar.get(ANN).items())


def test_least_recently_used_answer_is_dropped_first() -> None:
    """The cache must not fill the memory in a long run."""
    answers = KeptAnswers(most=2)
    for url in ("a", "b"):
        answers.settle(url, tagged(("ETag", f'"{url}"')))
    answers.settle("a", UNCHANGED)
    answers.settle("c", tagged(("ETag", '"c"')))

    assert [list(answers.conditions(url)) for url in "abc"] == [
        [("If-None-Match", '"a"')],
        [],
        [("If-None-Match", '"c"')],
    ]


def test_number_and_length_of_cookies_are_limited() -> None:
    """A program that sets another cookie for every message must not fill the memory of its caller."""
    jar = CookieJar(lambda: 0.0)
    alice, bob = ("+15005550001", "+15005550006", "a.example"), ("+15005550002", "+15005550006", "a.example")
    for number in range(2 * MAX_COOKIES):
        jar.store(alice, [("Set-Cookie", f"c{number}=x"), ("Set-Cookie", f"long={'x' * MAX_COOKIE_CHARACTERS}")])
    assert [*jar.get(alice)] == [f"c{number}" for number in range(MAX_COOKIES, 2 * MAX_COOKIES)]

    jar.store(bob, [("Set-Cookie", "c=x")])
    for number in range(MAX_SCOPES - 1):
        jar.store((f"+1{number}", *alice[1:]), [("Set-Cookie", "c=x")])
    assert jar.get(alice) == {}
    assert jar.get(bob) == {"c": "x"}
