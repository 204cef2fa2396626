"""Conversations and messages: in pages, and quick with many of them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator.phone_page.page_client import PageClient
from tests.emulator.program import CONTACT, MONDAY, NUMBER, emulator, send
from twiml_app.emulator import ACCOUNT_SID, Emulator
from twiml_app.emulator.phone_page.conversations import Conversations, Pair
from twiml_app.emulator.resources import MessageRecord
from twiml_app.emulator.store import ResourceStore

PHONES, MESSAGES = 100, 10_000


def message(n: int) -> MessageRecord:
    """Make the n-th message: in turn from each phone, then to each phone."""
    contact, is_inbound = f"+1555867{n % PHONES:04d}", n // PHONES % 2 == 0
    from_, to = (contact, NUMBER) if is_inbound else (NUMBER, contact)
    return MessageRecord(
        sid=f"SM{n:032x}",
        account_sid=ACCOUNT_SID,
        date_created=MONDAY + n,
        date_updated=MONDAY + n,
        from_=from_,
        to=to,
        body=f"text {n}",
        status="received" if is_inbound else "delivered",
        direction="inbound" if is_inbound else "outbound-reply",
    )


def read_all(page: PageClient, limit: int) -> list[Any]:
    """Return the messages of a conversation as a page loads them, newest first."""
    found: list[Any] = []
    while True:
        before = {"before": found[-1]["sid"]} if found else {}
        part = page.get("messages", contact=CONTACT, number=NUMBER, limit=limit, **before).json
        found += part["messages"]
        if not part["more"]:
            return found


def test_older_messages_load_on_demand(page: PageClient, twilio: Emulator) -> None:
    """Newest first, without gaps; those of other conversations are not among them."""
    for n in range(4):
        twilio.phone(CONTACT).text(str(n))
        twilio.phone("+15558675311").text(f"other {n}")
    send(twilio, "from the program")
    bodies = ["from the program", "hello", "3", "hello", "2", "hello", "1", "hello", "0"]

    assert [each["body"] for each in read_all(page, 2)] == bodies
    assert [each["body"] for each in read_all(page, 50)] == bodies
    assert page.get("messages", contact="+15550000000", number=NUMBER).json == {"messages": [], "more": False}


def test_page_goes_on_after_a_message_that_was_deleted(page: PageClient, twilio: Emulator) -> None:
    """Its place is still known."""
    for n in range(3):
        twilio.phone(CONTACT).text(str(n))
    first = page.get("messages", contact=CONTACT, number=NUMBER, limit=2).json["messages"]
    twilio.client().messages(first[-1]["sid"]).delete()
    rest = page.get("messages", contact=CONTACT, number=NUMBER, before=first[-1]["sid"]).json["messages"]

    assert [each["body"] for each in rest] == ["hello", "1", "hello", "0"]


def test_conversations_are_sorted_by_their_latest_message(page: PageClient, twilio: Emulator) -> None:
    """Each has one entry, whichever way its messages went."""
    twilio.add_number("+15017122662")
    twilio.phone(CONTACT, number=NUMBER).text("one")
    twilio.phone(CONTACT, number="+15017122662").text("two")
    twilio.phone("+15558675311", number=NUMBER).text("three")
    send(twilio, "four")
    shown = page.get("conversations", limit=2).json

    assert shown["more"] is True
    assert [(each["contact"], each["number"], each["last"]["body"]) for each in shown["conversations"]] == [
        (CONTACT, NUMBER, "four"),
        ("+15558675311", NUMBER, "hello"),
    ]
    assert len(page.get("conversations").json["conversations"]) == 3


def test_failed_message_says_what_to_do(page: PageClient, twilio: Emulator) -> None:
    """The code alone helps nobody."""
    twilio.phone(CONTACT).will("undelivered", 30005)
    sid = page.text("hi")["replies"][0]["sid"]
    twilio.settle()

    assert page.get(f"messages/{sid}").json["message"]["error"] == {
        "code": 30005,
        "text": "Unknown destination phone",
        "advice": "Sending it again does not help: stop sending to this phone.",
    }


@pytest.mark.parametrize(
    ("query", "values"),
    [
        pytest.param("list", (), id="conversations"),
        pytest.param("messages", (Pair(f"+1555867{5:04d}", NUMBER),), id="messages"),
    ],
)
def test_ten_thousand_messages_are_read_by_an_index(query: str, values: tuple[Pair, ...]) -> None:
    """A hundred phones stay quick: nothing is read but what is shown, and the order of the conversations."""
    store = ResourceStore()
    statements: list[str] = []
    store.database._connection.set_trace_callback(statements.append)
    conversations = Conversations(store)
    conversations.latest(10) if query == "list" else conversations.messages(*values, limit=50)
    store.database._connection.set_trace_callback(None)
    plans = [
        detail for statement in statements for *_, detail in store.database.query(f"EXPLAIN QUERY PLAN {statement}")
    ]
    store.close()

    read = [detail for detail in plans if "resources" in detail]
    assert read
    assert all("messages_by_address" in detail or "INTEGER PRIMARY KEY" in detail for detail in read)


def test_hundred_phones_and_ten_thousand_messages_stay_quick() -> None:
    """The figures are far above what is measured, for busy machines."""
    with emulator() as twilio:
        store = twilio._store
        with store.exclusively():
            for n in range(MESSAGES):
                store.save(message(n))
        page = PageClient(twilio)
        begun = time.perf_counter()
        listed = page.get("conversations").json["conversations"]
        shown = page.get("messages", contact=listed[0]["contact"], number=NUMBER).json
        took = time.perf_counter() - begun

    assert (len(listed), len(shown["messages"]), shown["more"]) == (PHONES, 50, True)
    assert listed[0]["last"]["body"] == f"text {MESSAGES - 1}"
    assert took < 5
