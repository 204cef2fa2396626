"""Emulator-only endpoints for phones: show the messages they have received, set their delivery outcome."""

from __future__ import annotations

import pytest

from tests.emulator.rest.asking import PHONE, Client


def test_delivery_outcome_of_a_phone_can_be_set(client: Client) -> None:
    """Other settings stay unchanged; a new status clears the error code of the old one."""
    path = "/_emulator/phones/%2B15558675310"
    all_settings = [
        client.get(path).json,
        client.post(path, {"Status": "undelivered", "ErrorCode": "30005"}).json,
        client.post(path, {"TakesMedia": "false"}).json,
        client.post(path, {"ErrorCode": "30003"}).json,
        client.post(path, {"Status": "read", "TakesMedia": "true"}).json,
    ]

    assert [
        (
            settings["contact"],
            settings["status"],
            settings["error_code"],
            settings["takes_media"],
        )
        for settings in all_settings
    ] == [
        (PHONE, "delivered", None, None),
        (PHONE, "undelivered", 30005, None),
        (PHONE, "undelivered", 30005, False),
        (PHONE, "undelivered", 30003, False),
        (PHONE, "read", None, True),
    ]


def test_messages_get_the_delivery_outcome_of_the_phone(client: Client) -> None:
    """The number can be written in any format."""
    client.post("/_emulator/phones/(555)%20867-5310", {"Status": "failed", "ErrorCode": "30006"})
    client.text()
    client.post("/_emulator/clock", {"Settle": "true"})
    (sent,) = client.get("/_emulator/outbox").json["messages"]

    assert (sent["status"], sent["error_code"]) == ("failed", 30006)


@pytest.mark.parametrize(
    "form",
    [{"Status": "lost"}, {"ErrorCode": "0"}, {"ErrorCode": "x"}, {"TakesMedia": "perhaps"}],
    ids=str,
)
def test_invalid_delivery_outcome_is_refused(form: dict[str, str], client: Client) -> None:
    """The phone stays unchanged."""
    path = f"/_emulator/phones/{PHONE}"

    assert client.post(path, form).error == (400, 20001)
    assert client.get(path).json["status"] == "delivered"


@pytest.mark.parametrize("name", ["Bob", "nobody-at-all", "%20"])
def test_phone_must_have_a_number(name: str, client: Client) -> None:
    """No message could ever reach such a phone."""
    assert client.post(f"/_emulator/phones/{name}", {"Status": "failed"}).error == (400, 20001)


def test_phone_shows_the_messages_it_has_received(client: Client) -> None:
    """Oldest first, and without those still in transit."""
    for body in ("one", "two"):
        client.text(Body=body)
    client.post("/_emulator/clock", {"Settle": "true"})
    client.text(Body="three")
    shown = client.get(f"/_emulator/phones/{PHONE}").json

    assert [message["body"] for message in shown["messages"]] == ["one", "two"]
