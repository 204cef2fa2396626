"""Recordings of made-up conversations, for the tests that run them through faults."""

from __future__ import annotations

from pathlib import Path

from tests.recordings.exchanges import exchange
from twiml_app.caller.forms import inbound_form
from twiml_app.chaos import Conversation, RecordedText
from twiml_app.recordings.format import write_file

CONTACT, NUMBER = "+15558675310", "+15005550006"


def conversation(*texts: str, contact: str = CONTACT, number: str = NUMBER, service: str = "") -> Conversation:
    """Return a conversation with these texts."""
    said = tuple(map(RecordedText, texts))
    return Conversation(name="told", contact=contact, number=number, service=service, texts=said)


def record(file: Path, *texts: str, contact: str = CONTACT, fields: dict[str, str] | None = None) -> Path:
    """Write a recording with these texts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    forms = [
        inbound_form(text, from_=contact, message_sid=f"SM{index:032}", fields=fields or {})
        for index, text in enumerate(texts)
    ]
    write_file(file, [exchange(form=form) for form in forms])
    return file
