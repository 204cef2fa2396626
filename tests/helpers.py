"""What several tests read: webhook bodies as Twilio sends them, with made-up numbers and sids."""

from __future__ import annotations

from pathlib import Path

from twiml_app.webhook import Form

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Form:
    """Return the form that is the body of one webhook."""
    return Form.read((SAMPLES / name).read_bytes().decode(), max_fields=500)
