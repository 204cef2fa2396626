"""Live: numbered events, streams that end by themselves, and polling."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.phone_page.page_client import PageClient
from tests.emulator.program import CONTACT, NUMBER, Program, emulator, twiml
from twiml_app.emulator import Emulator
from twiml_app.emulator.phone_page.events import EventLog
from twiml_app.emulator.phone_page.feed import MAX_STREAMS


def kinds(page: PageClient, after: int) -> list[str]:
    """Return the kinds of the events after a number."""
    return [event["kind"] for event in page.get("poll", after=after).json["events"]]


def test_everything_that_happens_becomes_an_event(page: PageClient, twilio: Emulator, program: Program) -> None:
    """The page shows it without loading again."""
    program.answers("/message", twiml("<Message>hello</Message><Dial/>"))
    after = page.get("state").json["event"]
    twilio.phone(CONTACT).text("hi")
    events = page.get("poll", after=after).json["events"]

    assert [event["kind"] for event in events] == ["message", "webhook", "debugger", "message"]
    assert {(event["contact"], event["number"]) for event in events} == {(CONTACT, NUMBER)}
    assert [event["message"]["body"] for event in events if event["kind"] == "message"] == ["hi", "hello"]
    assert (events[1]["status"], events[1]["sid"]) == (200, events[0]["message"]["sid"])
    assert events[2]["entry"]["code"] == 14110


def test_only_the_latest_state_of_a_message_is_an_event(page: PageClient, twilio: Emulator) -> None:
    """A page that was asleep needs no history."""
    after = page.get("state").json["event"]
    twilio.phone(CONTACT).text("hi")
    twilio.settle()
    events = page.get("poll", after=after).json["events"]

    assert [event["message"]["status"] for event in events if event["kind"] == "message"] == ["received", "delivered"]


def test_clock_faults_phones_numbers_and_resets_are_events(page: PageClient, twilio: Emulator) -> None:
    """They can be changed elsewhere, such as on the command line."""
    after = page.get("state").json["event"]
    twilio.advance(60)
    twilio.faults.add("api-429")
    twilio.phone(CONTACT).will("failed", 30003)
    twilio.add_number("+15017122662")

    assert kinds(page, after) == ["clock", "faults", "phone", "numbers"]
    twilio.reset()
    assert "reset" in kinds(page, after)


def test_deleted_message_is_an_event(page: PageClient, twilio: Emulator) -> None:
    """The page removes it."""
    inbound = twilio.phone(CONTACT).text("hi").inbound
    after = page.get("state").json["event"]
    twilio.client().messages(inbound.sid).delete()

    (deleted,) = page.get("poll", after=after).json["events"]
    assert (deleted["kind"], deleted["sid"]) == ("deleted", inbound.sid)


@pytest.mark.parametrize("after", [1, 10**14], ids=["too old", "of another emulator"])
def test_page_that_has_missed_events_is_told_to_load_again(page: PageClient, after: int) -> None:
    """Their number is not known here."""
    assert kinds(page, after) == ["resync"]


def test_stream_gives_events_as_they_happen_and_resumes(page: PageClient, twilio: Emulator) -> None:
    """The browser sends the number of the last one when it connects again."""
    after = page.get("state").json["event"]
    connection, stream = page.open(f"events?after={after}")
    with closing(connection):
        assert (stream.status, stream.getheader("Content-Type")) == (200, "text/event-stream")
        assert [stream.readline(), stream.readline()] == [b"retry: 500\n", b"\n"]
        twilio.phone(CONTACT).text("hi")
        number, data = stream.readline(), json.loads(stream.readline().removeprefix(b"data: "))
        assert (number, data["kind"], data["message"]["body"]) == (b"id: %d\n" % data["n"], "message", "hi")

    page.headers = {"Last-Event-ID": str(data["n"])}
    assert data["n"] not in [event["n"] for event in page.get("poll", after=0).json["events"]]


def test_number_of_streams_is_bounded_and_closed_ones_make_room(page: PageClient, twilio: Emulator) -> None:
    """Each one holds a thread; a page that gets none polls."""
    with ExitStack() as opened:
        for _ in range(MAX_STREAMS):
            connection, stream = page.open("events")
            opened.callback(connection.close)
            assert stream.readline() == b"retry: 500\n"
        refused = page.get("events")
        assert (refused.status, refused.error) == (503, "20 pages are connected already: use /_phone/poll")
    twilio.phone(CONTACT).text("hi")  # what is written to a closed connection shows that it is closed

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        connection, stream = page.open("events")
        with closing(connection):
            if stream.status == 200:
                return
        twilio.phone(CONTACT).text("hi")
    pytest.fail("no stream became free")


def test_stop_is_not_held_up_by_a_stream() -> None:
    """Ctrl-C ends everything at once."""
    with emulator() as twilio:
        connection, stream = PageClient(twilio).open("events")
        stream.readline()
        begun = time.monotonic()
        twilio.stop()

        assert stream.read().endswith(b"\n")
        assert time.monotonic() - begun < 5
        connection.close()


def test_wait_ends_with_the_next_event_or_the_stop() -> None:
    """A thread that waits must not outlive the emulator."""
    log = EventLog(first=0)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.extend((log.wait(0, 30), log.wait(1, 30))))
    waiting.start()
    log.note("clock")
    log.stop()
    waiting.join(10)

    assert results == [True, False]


@given(st.lists(st.sampled_from(["message", "webhook", "clock"]), max_size=30), st.integers(0, 35))
def test_events_are_complete_and_in_order_or_the_page_loads_again(noted: list[str], after: int) -> None:
    """No event is lost between two requests, whatever was kept."""
    log = EventLog(first=0, most=10)
    for n, kind in enumerate(noted, 1):
        log.note(kind, sid=str(n % 2) if kind == "message" else "")
    found = log.after(after)

    numbers = [event.n for event in found]
    assert numbers == sorted(set(numbers))
    assert not found or found[-1].n == len(noted)
    if not [event for event in found if event.kind == "resync"]:
        webhooks = [n for n, kind in enumerate(noted, 1) if kind == "webhook" and n > after]
        assert [event.n for event in found if event.kind == "webhook"] == webhooks
