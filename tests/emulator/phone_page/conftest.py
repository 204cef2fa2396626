"""Fixtures of the phone page."""

from __future__ import annotations

import pytest

from tests.emulator.phone_page.page_client import PageClient
from twiml_app.emulator import Emulator


@pytest.fixture
def page(twilio: Emulator) -> PageClient:
    """A client of the page of an emulator with one number."""
    return PageClient(twilio)
