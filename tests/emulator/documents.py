"""Helpers to read TwiML and to build the expected result, for tests of the reader."""

from __future__ import annotations

from typing import Any

from twiml_app.emulator.twiml_reader import Document, Problem, RedirectStep, SendStep, read_answer

XML = "text/xml; charset=utf-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
LONG = "x" * 1600


def send(text: str = "", *media: str, **others: Any) -> SendStep:
    """Make the step of a Message."""
    return SendStep(text=text, media=media, **others)


def document(*steps: SendStep | RedirectStep, problems: tuple[tuple[int, str], ...] = ()) -> Document:
    """Make the expected document."""
    return Document(steps=steps, problems=tuple(Problem(code=code, text=text) for code, text in problems))


def read(verbs: str) -> Document:
    """Read a document with these verbs."""
    return read_answer(f"<Response>{verbs}</Response>".encode(), XML)
