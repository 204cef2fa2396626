"""The options of an emulator: their defaults, and their repr."""

from __future__ import annotations

from twiml_app.emulator import Emulator, EmulatorOptions


def test_every_option_has_a_default() -> None:
    """Most tests need no options; the defaults keep nothing, and leave the time to the test."""
    with Emulator(EmulatorOptions()) as emulator, Emulator() as other:
        assert emulator.clock.speed == other.clock.speed == 0
        assert emulator.url.startswith("http://127.0.0.1:")
        assert (emulator.account_sid, emulator.auth_token) == (other.account_sid, other.auth_token)


def test_repr_of_the_options_has_no_token() -> None:
    """A failed assertion prints it, and test output may be public."""
    assert "the-token" not in repr(EmulatorOptions(auth_token="the-token"))
