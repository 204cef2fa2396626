"""Fixtures of the receiver's tests."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import Program


@pytest.fixture
def program() -> Program:
    """A program with a handler of each kind."""
    return Program()


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    """Capture log lines from INFO upwards."""
    caplog.set_level(logging.INFO, "twiml_app")
