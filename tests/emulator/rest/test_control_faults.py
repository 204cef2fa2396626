"""Emulator-only endpoints for faults: list them, add one, remove one or all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.rest.asking import PHONE, Client
from twiml_app.emulator import Emulator, Fault
from twiml_app.emulator.fault_kinds import FAULT_KINDS

FAULTS = "/_emulator/faults"
PLAIN: dict[str, Any] = {
    "id": 1,
    "kind": "api-429",
    "count": None,
    "probability": 1.0,
    "seed": 0,
    "contact": "",
    "number": "",
    "account_sid": "",
    "path": "",
    "event": "",
    "error_code": 0,
    "status": 0,
    "seconds": 0.0,
    "text": "",
    "happened": 0,
    "left": None,
}


def test_fault_is_added_by_its_name(client: Client) -> None:
    """Without options it happens until it is removed."""
    added = client.post(FAULTS, {"Kind": "api-429"})

    assert (added.status, added.json) == (201, PLAIN)
    assert client.post("Messages.json", {}).error == (429, 20429)
    assert client.get(FAULTS).json["faults"] == [{**PLAIN, "happened": 1}]


def test_fault_is_added_with_options(emulator: Emulator, client: Client) -> None:
    """Every option of a fault can be given as a parameter."""
    options = {"Count": "2", "Probability": "0.25", "Seed": "7", "Contact": "(555) 867-5310", "Number": "+15017122661"}
    options |= {"AccountSid": client.sid, "Path": "POST", "Seconds": ".5"}
    added = client.post(FAULTS, {"Kind": "api-slow", **options})

    assert added.status == 201
    assert [rule.fault for rule in emulator.faults.all()] == [
        Fault(
            "api-slow",
            count=2,
            probability=0.25,
            seed=7,
            contact=PHONE,
            number="+15017122661",
            account_sid=client.sid,
            path="POST",
            seconds=0.5,
        )
    ]


def test_one_fault_or_all_are_removed(client: Client) -> None:
    """Whoever added a fault ends it; it is not known afterwards."""
    for _ in range(3):
        client.post(FAULTS, {"Kind": "api-429"})

    assert client.request("DELETE", f"{FAULTS}/2").status == 204
    assert client.request("DELETE", f"{FAULTS}/2").error == (404, 20404)
    assert [rule["id"] for rule in client.get(FAULTS).json["faults"]] == [1, 3]
    assert client.request("DELETE", FAULTS).status == 204
    assert client.get(FAULTS).json["faults"] == []


def test_kinds_are_listed_with_what_they_do(client: Client) -> None:
    """A page can show a button for each."""
    shown = client.get(FAULTS).json["kinds"]

    assert [(kind["name"], kind["summary"]) for kind in shown] == [
        (kind.name, kind.summary) for kind in FAULT_KINDS.values()
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"Kind": ""}, "Kind is required: it must be api-404 or ", id="kind is missing"),
        pytest.param({"Kind": "x"}, "fault: 'x' is not one of: api-404, ", id="kind is unknown"),
        pytest.param({"Count": "0"}, "Count is '0': it must be a number from 1 to 999999999.", id="count"),
        pytest.param({"Probability": "2"}, "Probability is '2': it must be a number above 0, up to 1.", id="likely"),
        pytest.param({"Probability": "nan"}, "Probability is 'nan': it must be a number above 0", id="not a number"),
        pytest.param({"Seconds": "1e3"}, "Seconds is '1e3': it must be a number above 0, up to 600.", id="seconds"),
        pytest.param({"Contact": "me"}, "number: 'me' is not a phone number", id="contact"),
        pytest.param({"ErrorCode": "30003"}, "error_code: it has no effect on api-429", id="useless option"),
    ],
)
def test_fault_that_cannot_happen_is_refused(client: Client, changes: dict[str, str], problem: str) -> None:
    """One line says what to write instead."""
    refused = client.post(FAULTS, {"Kind": "api-429", **changes})

    assert refused.error == (400, 20001)
    assert refused.json["message"].startswith(problem)
    assert client.get(FAULTS).json["faults"] == []
