"""Conversations from recordings: whose texts belong together, and their media."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.recordings import CONTACT, NUMBER, conversation, record
from tests.recordings.exchanges import exchange
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.chaos import RecordedText, read_conversations
from twiml_app.emulator import FetchedMedia
from twiml_app.recordings.format import write_file

SERVICE = f"MG{'0' * 32}"


def test_recording_of_two_people_is_two_conversations(tmp_path: Path) -> None:
    """Each person has an own dialog; retries and status callbacks are not texts."""
    forms = [
        inbound_form(text, from_=contact, message_sid=f"SM{sid:032}")
        for text, contact, sid in (("a", CONTACT, 1), ("b", "+15558675311", 2), ("c", CONTACT, 3), ("c", CONTACT, 3))
    ]
    exchanges = [exchange(form=form) for form in forms]
    status = exchange(kind="status", endpoint="status", form=status_form("SM1", "delivered"))
    fallback = exchange(endpoint="fallback", form=forms[0])
    write_file(tmp_path / "two.jsonl", [*exchanges, status, fallback])

    found = read_conversations(tmp_path / "two.jsonl")

    assert [(each.name, each.contact, [text.body for text in each.texts]) for each in found] == [
        ("two 1", CONTACT, ["a", "c"]),
        ("two 2", "+15558675311", ["b"]),
    ]
    assert {each.number for each in found} == {NUMBER}


def test_media_are_the_files_next_to_the_recording(tmp_path: Path) -> None:
    """As in a replay; without a file, the emulator has a placeholder of its type."""
    media = {"https://e.com/ME1": "image/png", "https://e.com/ME2": "image/gif"}
    write_file(tmp_path / "shown.jsonl", [exchange(form=inbound_form("", message_sid="MM1", media=media))])
    (tmp_path / "shown.media").mkdir()
    (tmp_path / "shown.media/ME1").write_bytes(b"a picture")

    (found,) = read_conversations(tmp_path / "shown.jsonl")

    picture = FetchedMedia(content_type="image/png", content=b"a picture")
    assert found.texts == (RecordedText("", (picture, "https://example.com/recorded.gif")),)


def test_media_with_a_very_long_url_are_found_under_the_name_of_the_field(tmp_path: Path) -> None:
    """As in a replay; no system could keep a file of such a name."""
    media = {f"https://e.com/{'a' * 300}": "image/png"}
    write_file(tmp_path / "shown.jsonl", [exchange(form=inbound_form("", message_sid="MM1", media=media))])
    (tmp_path / "shown.media").mkdir()
    (tmp_path / "shown.media/MediaUrl0").write_bytes(b"a picture")

    (found,) = read_conversations(tmp_path / "shown.jsonl")

    assert found.texts[0].media == (FetchedMedia(content_type="image/png", content=b"a picture"),)


def test_service_of_a_number_is_known(tmp_path: Path) -> None:
    """Faults of messaging services can then be tried."""
    (found,) = read_conversations(record(tmp_path / "a.jsonl", "hi", fields={"MessagingServiceSid": SERVICE}))

    assert found.service == SERVICE


def test_each_run_has_another_contact_of_the_same_country() -> None:
    """Runs must not know each other's state."""
    told = conversation("hi", contact="whatsapp:+15558679999")

    assert [told.contact_of_run(run) for run in (0, 1)] == ["whatsapp:+15558679999", "whatsapp:+15558670000"]
