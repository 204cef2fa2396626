"""Connection overrides after the # of a URL: read as Twilio reads them, and checked for mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.caller.types import Overrides

EDGE_NAMES = "ashburn, dublin, frankfurt, sao-paulo, singapore, sydney, tokyo, umatilla"


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        pytest.param("", Overrides(), id="none"),
        pytest.param("ct=2000", Overrides(connect_timeout_s=2), id="connect time"),
        pytest.param("rt=2500", Overrides(read_timeout_s=2.5), id="read time"),
        pytest.param("tt=900", Overrides(total_s=0.9), id="total time"),
        pytest.param(
            "ct=1&rt=1&tt=1", Overrides(connect_timeout_s=0.1, read_timeout_s=0.1, total_s=0.1), id="minimum times"
        ),
        pytest.param(
            "ct=10001&rt=15001&tt=999999999",
            Overrides(connect_timeout_s=10, read_timeout_s=15, total_s=15),
            id="maximum times",
        ),
        pytest.param("rc=0", Overrides(retries=0), id="no retry"),
        pytest.param("rc=6", Overrides(retries=5), id="maximum retries"),
        pytest.param("rc=-1", Overrides(), id="negative"),
        pytest.param("rc=two&ct=1.5&rt=&tt", Overrides(), id="not numbers"),
        pytest.param("rc=²&ct=٣", Overrides(), id="digits that are not ASCII"),
        pytest.param("rc=" + "9" * 5000, Overrides(), id="very long number"),
        pytest.param("rp=5xx,rt", Overrides(policy=frozenset({"5xx", "rt"})), id="policy"),
        pytest.param("rp=4xx%2Call", Overrides(policy=frozenset({"4xx", "all"})), id="policy, encoded"),
        pytest.param("rp=", Overrides(), id="empty policy"),
        pytest.param("rc=2&rp=all", Overrides(retries=2, policy=frozenset({"all"})), id="several"),
        pytest.param("rc=2&rc=3", Overrides(retries=2), id="twice"),
        pytest.param("sni=y&e=dublin&x", Overrides(), id="overrides without effect here"),
    ],
)
def test_overrides_are_read_and_limited_to_the_bounds(fragment: str, expected: Overrides) -> None:
    """A URL copied from Twilio's console must behave here as it does there."""
    assert Overrides.of(fragment) == expected


@pytest.mark.parametrize(
    ("fragment", "covered"),
    [
        pytest.param("", {"ct"}, id="only no connection by default"),
        pytest.param("rp=rt,4xx", {"rt", "4xx"}, id="listed kinds"),
        pytest.param("rp=all", {"ct", "rt", "4xx", "5xx", "other"}, id="all"),
        pytest.param("rp=none", set(), id="unknown kind"),
    ],
)
def test_policy_lists_the_failures_that_are_retried(fragment: str, covered: set[str]) -> None:
    """By default a handler that fails is not called twice."""
    overrides = Overrides.of(fragment)

    assert {kind for kind in ("ct", "rt", "4xx", "5xx", "other") if overrides.covers(kind)} == covered


@given(st.text(max_size=60) | st.from_regex(r"(ct|rt|tt|rc|rp)=\d{1,12}(&(ct|rt|tt|rc)=\w*){0,3}", fullmatch=True))
def test_any_fragment_results_in_valid_overrides(fragment: str) -> None:
    """People type these URLs."""
    overrides = Overrides.of(fragment)

    assert 0.1 <= overrides.connect_timeout_s <= 10
    assert 0.1 <= overrides.read_timeout_s <= 15
    assert 0.1 <= overrides.total_s <= 15
    assert 0 <= overrides.retries <= 5


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        pytest.param("", (), id="none"),
        pytest.param("e=ashburn", (), id="edge"),
        pytest.param("e=dublin,sao-paulo,ashburn-ix&rp=4xx,5xx,ct,rt,all", (), id="lists"),
        pytest.param("ct=0&rt=x&tt=99999999&rc=9&sni=y&x=y", (), id="values out of bounds and unknown names"),
        pytest.param(
            "e=mars",
            ((11240, f"e=mars: no such edge; use one of {EDGE_NAMES}"),),
            id="unknown edge",
        ),
        pytest.param("e=ashburn-ix", (), id="edge with Interconnect"),
        pytest.param(
            "e=ashburn-ix-ix", ((11240, f"e=ashburn-ix-ix: no such edge; use one of {EDGE_NAMES}"),), id="twice"
        ),
        pytest.param(
            "e=mars-ix", ((11240, f"e=mars-ix: no such edge; use one of {EDGE_NAMES}"),), id="unknown, suffix"
        ),
        pytest.param("e=-ix", ((11240, f"e=-ix: no such edge; use one of {EDGE_NAMES}"),), id="only -ix"),
        pytest.param(
            "rp=ct,6xx", ((11243, "rp=6xx: no such policy; use some of 4xx, 5xx, ct, rt, all"),), id="unknown policy"
        ),
    ],
)
def test_overrides_that_twilio_would_reject_are_reported(fragment: str, expected: tuple[tuple[int, str], ...]) -> None:
    """A misspelled policy turns retries off, which nobody notices until one is needed."""
    assert Overrides.mistakes(fragment) == expected


def test_every_mistake_is_reported() -> None:
    """Users can then correct all of them at once."""
    assert [code for code, _ in Overrides.mistakes("rp=a,all,b&e=mars,moon,tokyo")] == [11240, 11240, 11243, 11243]


@given(st.text(max_size=60))
def test_any_fragment_can_be_checked(fragment: str) -> None:
    """People type these URLs."""
    assert {code for code, _ in Overrides.mistakes(fragment + "&e=mars")} <= {11240, 11243}
