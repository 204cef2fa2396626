"""What commands print: tables and JSON, and nothing that controls the terminal."""

from __future__ import annotations

import pytest

from twiml_app.cli.output import print_json, print_table, printable


def test_texts_cannot_control_the_terminal() -> None:
    """Anybody can send an escape sequence to a number."""
    assert printable("a\x1b[31m\nb\x07") == "a\ufffd[31m\nb\ufffd"


def test_table_is_aligned_and_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A table is read line by line, and the texts in it come from strangers."""
    print_table([{"no": "1", "text": "hi", "": "!"}, {"no": "100", "text": "\x1b[2Jbye", "": ""}], indent="  ")
    print_table([])

    assert capsys.readouterr().out == "  no   text\n  1    hi       !\n  100  \ufffd[2Jbye\n"


def test_json_keeps_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """People read it too, and texts are in every language."""
    print_json({"text": "Grüße 👋"})

    assert capsys.readouterr().out == '{\n  "text": "Grüße 👋"\n}\n'
