"""The rules of faults: for whom, how often, and the same in every run."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.fault_kinds import FAULT_KINDS
from twiml_app.emulator.faults import MAX_CHARACTERS, MAX_RULES, MAX_SECONDS, Fault, Faults, Occasion
from twiml_app.errors import ConfigurationError

CONTACT, NUMBER, ACCOUNT = "+15558675310", "+15017122661", "AC" + "1" * 32
CREATE = Occasion(contact=CONTACT, number=NUMBER, account_sid=ACCOUNT, path="POST /2010-04-01/Messages.json")


def taken(faults: Faults, times: int, *kinds: str, occasion: Occasion = CREATE) -> list[bool]:
    """Return for each of several occasions whether a fault happens."""
    return [faults.take(*kinds or ("api-429",), occasion=occasion) is not None for _ in range(times)]


def test_nothing_goes_wrong_without_a_rule() -> None:
    """A fault that nobody asked for would be a bug of the emulator."""
    assert not Faults()
    assert taken(Faults(), 2, *FAULT_KINDS) == [False, False]


def test_fault_happens_as_often_as_asked_for() -> None:
    """A test says how many requests fail before one succeeds."""
    faults = Faults()
    faults.add(Fault("api-429", count=2))

    assert taken(faults, 4) == [True, True, False, False]
    assert [(rule.happened, rule.left) for rule in faults.all()] == [(2, 0)]


def test_fault_without_a_count_happens_until_it_is_removed() -> None:
    """An outage lasts until somebody ends it."""
    faults = Faults()
    rule = faults.add("api-429")

    assert taken(faults, 3) == [True] * 3
    assert [(each.happened, each.left) for each in faults.all()] == [(3, None)]
    assert (faults.remove(rule.id), faults.remove(rule.id)) == (True, False)
    assert taken(faults, 1) == [False]
    assert faults.all() == []


def test_fault_with_a_probability_happens_to_the_same_occasions_in_every_run() -> None:
    """A test that fails with some order of faults has to fail again while it is debugged."""
    runs = []
    for seed in (1, 1, 2):
        faults = Faults()
        faults.add(Fault("api-429", probability=0.5, seed=seed))
        runs.append(taken(faults, 50))

    assert runs[0] == runs[1] != runs[2]
    assert 10 < sum(runs[0]) < 40


def test_rules_draw_independently_of_each_other() -> None:
    """A second rule must not change what the first one does."""
    alone, accompanied = Faults(), Faults()
    for faults in (alone, accompanied):
        faults.add(Fault("api-429", probability=0.5))
    accompanied.add(Fault("api-503", probability=0.5))
    mixed = []
    for _ in range(20):
        mixed += taken(accompanied, 1)
        taken(accompanied, 1, "api-503")

    assert mixed == taken(alone, 20)


@pytest.mark.parametrize(
    ("fault", "is_for_it"),
    [
        pytest.param(Fault("api-429"), True, id="all"),
        pytest.param(Fault("api-429", contact="(555) 867-5310"), True, id="contact, however it is written"),
        pytest.param(Fault("api-429", contact="+15558675311"), False, id="another contact"),
        pytest.param(Fault("api-429", number=NUMBER), True, id="number"),
        pytest.param(Fault("api-429", number="+15017122662"), False, id="another number"),
        pytest.param(Fault("api-429", account_sid=ACCOUNT), True, id="account"),
        pytest.param(Fault("api-429", account_sid="AC"), False, id="another account"),
        pytest.param(Fault("api-429", path="POST"), True, id="method"),
        pytest.param(Fault("api-429", path="Messages.json"), True, id="end of the path"),
        pytest.param(Fault("api-429", path="GET"), False, id="another method"),
        pytest.param(Fault("api-503"), False, id="another kind"),
    ],
)
def test_fault_happens_only_to_whom_it_is_meant_for(fault: Fault, is_for_it: bool) -> None:
    """One contact's phone can be broken while the others work."""
    faults = Faults()
    faults.add(fault)

    assert taken(faults, 1) == [is_for_it]


def test_first_rule_that_fits_is_used_up_first() -> None:
    """Rules follow each other: first one error, then another."""
    faults = Faults()
    faults.add(Fault("api-429", count=1))
    faults.add(Fault("api-503", count=1))
    happened = [faults.take("api-503", "api-429", occasion=CREATE) for _ in range(3)]

    assert [fault and fault.kind for fault in happened] == ["api-429", "api-503", None]


def test_fault_is_in_force_only_during_a_block() -> None:
    """The fault of one text must not happen to the next."""
    faults = Faults()
    with faults.during(Fault("api-429", count=5)):
        during = taken(faults, 1)
    with pytest.raises(RuntimeError), faults.during(Fault("api-429")):
        raise RuntimeError

    assert (during, taken(faults, 1), len(faults)) == ([True], [False], 0)


def test_repeated_fault_replaces_the_rules_of_its_kind() -> None:
    """An outage of ten requests that is set to none is over."""
    faults = Faults()
    faults.add("api-503")
    other = faults.add("api-slow")
    faults.repeat("api-503", 1)

    assert taken(faults, 2, "api-503") == [True, False]
    faults.repeat("api-503", 0)
    assert [rule.id for rule in faults.all() if rule.left is None] == [other.id]


def test_cleared_faults_are_forgotten() -> None:
    """The next test starts without faults, and without those of the test before in its list."""
    faults = Faults()
    faults.add(Fault("api-429", count=1))
    faults.add("api-slow")
    taken(faults, 1)
    faults.clear()

    assert faults.all() == []
    assert not faults


def test_options_have_the_defaults_of_the_kind() -> None:
    """A fault is asked for by its name alone."""
    assert Faults().add("api-slow").fault == replace(Fault("api-slow"), seconds=5.0)
    assert Faults().add(Fault("api-slow", seconds=0.5)).fault.seconds == 0.5


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"kind": "api-418"}, "fault: 'api-418' is not one of: api-404, ", id="kind"),
        pytest.param({"count": 0}, "count: 0 is not a number from 1 to 999999999", id="no count"),
        pytest.param({"count": 10**9}, "count: 1000000000 is not a number from 1 to 999999999", id="large count"),
        pytest.param({"probability": 0.0}, "probability: 0.0 is not a number above 0 and up to 1", id="never"),
        pytest.param({"probability": 1.5}, "probability: 1.5 is not a number above 0 and up to 1", id="more than ever"),
        pytest.param({"probability": float("nan")}, "probability: nan is not a number", id="not a number"),
        pytest.param({"contact": "someone"}, "number: 'someone' is not a phone number", id="contact"),
        pytest.param({"event": "call"}, "event: 'call' is not one of: message, status", id="event"),
        pytest.param({"event": "status"}, "event: it has no effect on api-429: leave it out", id="event of the API"),
        pytest.param({"seconds": 1.0}, "seconds: it has no effect on api-429: leave it out", id="useless seconds"),
        pytest.param({"seconds": -1.0}, "seconds: -1.0 is not a number from 0 to 600", id="negative seconds"),
        pytest.param({"status": 200}, "status: 200 is not a number from 400 to 599", id="status of a success"),
        pytest.param({"status": 500}, "status: it has no effect on", id="useless status"),
        pytest.param({"error_code": 123456}, "error_code: 123456 is not a number from 1 to 99999", id="error code"),
        pytest.param({"path": "x" * (MAX_CHARACTERS + 1)}, "path: it can have at most 1600 characters", id="long path"),
    ],
)
def test_fault_that_cannot_happen_is_refused(options: dict[str, Any], problem: str) -> None:
    """A misspelled fault that is accepted would make its test pass for nothing."""
    faults = Faults()
    with pytest.raises(ConfigurationError) as refused:
        faults.add(Fault(**{"kind": "api-429"} | options))

    assert str(refused.value).startswith(problem)
    assert faults.all() == []


def test_number_of_rules_is_bounded() -> None:
    """A test that adds a fault for each of a million texts gets an error, and not all of the memory."""
    faults = Faults()
    for _ in range(MAX_RULES + 1):
        faults.add(Fault("api-429", count=1))
        taken(faults, 1)
    for _ in range(MAX_RULES):
        faults.add("api-429")
    with pytest.raises(ConfigurationError, match=f"there are {MAX_RULES} already"):
        faults.add("api-429")

    assert len(faults.all()) == 2 * MAX_RULES


def test_stopped_emulator_does_not_wait() -> None:
    """A test must end even if an answer is to come in ten minutes."""
    faults = Faults()
    faults.stop()
    began = time.monotonic()
    faults.wait(MAX_SECONDS)

    assert time.monotonic() - began < MAX_SECONDS


@given(st.lists(st.sampled_from([1, 2, None, "remove", "take"]), max_size=30))
def test_every_count_is_kept_in_any_order_of_calls(steps: list[Any]) -> None:
    """A fault happens neither more nor less often than was asked for, whatever else is added and removed."""
    faults = Faults()
    in_force: list[list[Any]] = []
    for step in steps:
        if step == "take":
            assert taken(faults, 1) == [bool(in_force)]
            if in_force and in_force[0][1] is not None:
                in_force[0][1] -= 1
            in_force = [rule for rule in in_force if rule[1] != 0]
        elif step == "remove":
            assert all(faults.remove(rule[0]) for rule in in_force[:1])
            in_force = in_force[1:]
        else:
            in_force.append([faults.add(Fault("api-429", count=step)).id, step])

    assert [(rule.id, rule.left) for rule in faults.all() if rule.left != 0] == [tuple(rule) for rule in in_force]


def test_every_kind_has_a_summary_of_one_line() -> None:
    """The command line, the page and the documentation show it in a table."""
    assert all(name == kind.name and kind.summary.endswith(".") for name, kind in FAULT_KINDS.items())
    assert all("\n" not in kind.summary and len(kind.summary) < 120 for kind in FAULT_KINDS.values())
    assert {kind.place for kind in FAULT_KINDS.values()} <= {"api", "message", "text", "webhook", "status"}
