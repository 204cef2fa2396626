"""Run commands of twiml-app in this process."""

from __future__ import annotations

from collections.abc import Mapping

from click.testing import CliRunner, Result

from twiml_app.cli import main

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_PUBLIC_URL": "https://sms.example.com"}


def run(*arguments: str, environment: Mapping[str, str | None] | None = None) -> Result:
    """Run a command; a variable that is None is unset."""
    return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)
