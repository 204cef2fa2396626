"""MessageStatus: which one is further along, and what the error codes mean."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.statuses import ERROR_CODES, FAILURES, RANK, STATUSES, TERMINAL, error_code, further, progress

ANY_STATUS = st.sampled_from(sorted(STATUSES)) | st.text(max_size=3)


def test_every_status_of_twilio_is_known() -> None:
    """A status that were missing would never move a message forward."""
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
        pytest.param("sent", "partially_delivered", id="sent, then to some"),
        pytest.param("delivered", "read", id="delivered, then read"),
        pytest.param("undelivered", "delivered", id="both reported: it arrived"),
        pytest.param("failed", "delivered", id="failed and delivered: it arrived"),
        pytest.param("failed", "undelivered", id="failed and undelivered: the carrier had it"),
        pytest.param("receiving", "received", id="inbound"),
        pytest.param("invented", "accepted", id="unknown before known"),
        pytest.param("", "invented", id="none before unknown"),
        pytest.param("", "queued", id="none before known"),
    ],
)
def test_further_status_wins_whichever_came_first(earlier: str, later: str) -> None:
    """Twilio promises no order of callbacks: sent may arrive after delivered."""
    assert further(earlier, later) == further(later, earlier) == later


@given(
    st.lists(ANY_STATUS, min_size=1, max_size=6).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_)))
)
def test_any_order_of_arrival_ends_in_the_same_status(orders: tuple[list[str], list[str]]) -> None:
    """Two workers that hear the same callbacks must agree on the message, duplicates and strange words included."""
    one, other = (reduce(further, order) for order in orders)

    assert one == other
    assert one in orders[0]


def test_progress_is_a_number_of_its_own_for_each_status() -> None:
    """A store compares numbers: it must come to the same end as a comparison of the words."""
    by_number = sorted(STATUSES, key=progress)

    assert len({progress(status) for status in STATUSES}) == len(STATUSES)
    assert all(further(one, other) == other for one, other in pairwise(by_number))
    assert progress("invented") == progress("") == -1 < progress(by_number[0])


def test_nothing_but_another_end_overtakes_an_end() -> None:
    """A message that is reported delivered, or failed, never looks as if it were still on its way."""
    assert {status for end in TERMINAL for status in STATUSES if further(end, status) == status} == TERMINAL
    assert FAILURES < TERMINAL
    assert {status for status in STATUSES if RANK[status] >= RANK["delivered"]} == TERMINAL


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        pytest.param(30003, "retry", id="phone switched off"),
        pytest.param(30005, "permanent", id="unknown phone"),
        pytest.param(30006, "permanent", id="landline"),
        pytest.param(30007, "configuration", id="filtered"),
        pytest.param(30025, "warning", id="half of a limit"),
        pytest.param(30034, "configuration", id="unregistered"),
        pytest.param(63016, "configuration", id="outside the window"),
    ],
)
def test_error_code_says_what_may_be_done(code: int, advice: str) -> None:
    """Sending again what can never arrive costs money, giving up what could costs a customer."""
    known = error_code(code)

    assert known
    assert (known.code, known.advice) == (code, advice)
    assert known.meaning
    assert known.address == f"https://www.twilio.com/docs/api/errors/{code}"


def test_every_code_of_a_message_is_in_the_table() -> None:
    """The codes a status callback brings are looked up at night: none that is documented is missing."""
    documented = {*range(30001, 30047), 30103, 30400, 30404, 30409, 30410, 30450, 30453, 30454}
    documented |= {30610, 30615, 30620, 30630, 30640, *range(63001, 63048), 63051, 63062} - {63004}

    assert set(ERROR_CODES) == documented


def test_unknown_error_code_is_nothing_known() -> None:
    """Twilio adds codes without notice: one of them is no error of ours."""
    assert error_code(39999) is None
