"""MessageStatus: which one is further along, and the meaning of error codes."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.statuses import ERROR_CODES, FAILURES, RANK, STATUSES, TERMINAL, error_code, further, progress

ANY_STATUS = st.sampled_from(sorted(STATUSES)) | st.text(max_size=3)


def test_every_status_of_twilio_is_known() -> None:
    """A missing status would never move a message forward."""
    documented = {
        "accepted",
        "scheduled",
        "queued",
        "sending",
        "sent",
        "partially_delivered",
        "delivered",
        "undelivered",
    }
    documented |= {"failed", "canceled", "read", "receiving", "received"}

    assert documented == STATUSES


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param("scheduled", "queued", id="scheduled, then queued"),
        pytest.param("accepted", "queued", id="accepted, then queued"),
        pytest.param("queued", "sending", id="queued, then sending"),
        pytest.param("sending", "sent", id="sending, then sent"),
        pytest.param("sent", "delivered", id="sent, then delivered"),
        pytest.param("sent", "undelivered", id="sent, then undelivered"),
        pytest.param("queued", "failed", id="queued, then failed"),
        pytest.param("scheduled", "canceled", id="scheduled, then canceled"),
        pytest.param("sent", "partially_delivered", id="sent, then partially delivered"),
        pytest.param("delivered", "read", id="delivered, then read"),
        pytest.param("undelivered", "delivered", id="undelivered and delivered: delivered counts"),
        pytest.param("failed", "delivered", id="failed and delivered: delivered counts"),
        pytest.param("failed", "undelivered", id="failed and undelivered: undelivered counts"),
        pytest.param("receiving", "received", id="inbound"),
        pytest.param("invented", "accepted", id="unknown before known"),
        pytest.param("", "invented", id="empty before unknown"),
        pytest.param("", "queued", id="empty before known"),
    ],
)
def test_status_that_is_further_along_wins_in_either_order(earlier: str, later: str) -> None:
    """Twilio does not guarantee the order of callbacks: sent may arrive after delivered."""
    assert further(earlier, later) == further(later, earlier) == later


@given(
    st.lists(ANY_STATUS, min_size=1, max_size=6).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_)))
)
def test_any_order_of_arrival_ends_in_the_same_status(orders: tuple[list[str], list[str]]) -> None:
    """Workers that get the same callbacks must agree, also with duplicates and unknown values."""
    one, other = (reduce(further, order) for order in orders)

    assert one == other
    assert one in orders[0]


def test_progress_is_a_unique_number_per_status() -> None:
    """A database compares these numbers, with the same result as comparing the statuses."""
    by_number = sorted(STATUSES, key=progress)

    assert len({progress(status) for status in STATUSES}) == len(STATUSES)
    assert all(further(one, other) == other for one, other in pairwise(by_number))
    assert progress("invented") == progress("") == -1 < progress(by_number[0])


def test_only_a_final_status_replaces_a_final_status() -> None:
    """A message that was delivered or failed must never look as if it were still in transit."""
    assert {status for end in TERMINAL for status in STATUSES if further(end, status) == status} == TERMINAL
    assert FAILURES < TERMINAL
    assert {status for status in STATUSES if RANK[status] >= RANK["delivered"]} == TERMINAL


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        pytest.param(30003, "retry", id="unreachable phone"),
        pytest.param(30005, "permanent", id="unknown phone"),
        pytest.param(30006, "permanent", id="landline"),
        pytest.param(30007, "configuration", id="filtered"),
        pytest.param(30025, "warning", id="half of a limit"),
        pytest.param(30034, "configuration", id="unregistered"),
        pytest.param(63016, "configuration", id="outside the window"),
    ],
)
def test_error_code_has_advice(code: int, advice: str) -> None:
    """Resending a message that can never arrive costs money; giving up too early costs a customer."""
    known = error_code(code)

    assert known
    assert (known.code, known.advice) == (code, advice)
    assert known.meaning
    assert known.address == f"https://www.twilio.com/docs/api/errors/{code}"


def test_every_documented_message_error_code_is_in_the_table() -> None:
    """People look up the code of a failed message: none that is documented may be missing."""
    documented = {21610, *range(30001, 30047), 30103, 30400, 30404, 30409, 30410, 30450, 30453, 30454}
    documented |= {30610, 30615, 30620, 30630, 30640, *range(63001, 63048), 63051, 63062} - {63004}

    assert set(ERROR_CODES) == documented


def test_unknown_error_code_returns_none() -> None:
    """Twilio adds codes without notice, so an unknown one must not raise."""
    assert error_code(39999) is None
