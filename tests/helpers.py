"""Sample webhook bodies as Twilio sends them, with made-up numbers and SIDs."""

from __future__ import annotations

from pathlib import Path

from twiml_app.webhook import Form

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Form:
    """Return the form of one sample webhook."""
    return Form.read((SAMPLES / name).read_bytes().decode(), max_fields=500)
