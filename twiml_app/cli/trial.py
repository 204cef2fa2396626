"""The application that a command calls in this process, next to the journal of the project."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
from flask import Flask

from ..app import create_app, state_of
from ..errors import ConfigurationError
from .common import import_app, loading, project_values


def find_app(app_name: str | None, *, with_journal: bool = False) -> Flask:
    """Return an application to call in this process; its receiver uses no journal.

    ``with_journal`` lets what handlers ask for be stored by the caller.

    If no credentials are configured, random ones are generated.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    if with_journal and not app_name:
        return _create_app({})
    app = import_app(app_name) if app_name else _create_app(_temporary_journal())
    state_of(app).receiver.detach_journal()
    return app


def trial_app(app_name: str | None) -> Flask:
    """Return an application to try in this process, with a journal that is thrown away at the end of the command.

    It has no journal if that is off, or if its own configuration names one.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    settings = _temporary_journal()
    with _environment(settings):
        app = import_app(app_name) if app_name else _create_app(settings)
    state = state_of(app)
    if state.engine and state.settings.database_url == settings["TWIML_DATABASE_URL"]:
        click.get_current_context().call_on_close(state.engine.close)
    else:
        state.receiver.detach_journal()
    return app


def _temporary_journal() -> dict[str, str]:
    """Return the settings of a journal in a folder that is deleted at the end of the command; off if it is off.

    Raises: ConfigurationError.
    """
    if project_values().get("TWIML_DATABASE_URL") == "off":
        return {"TWIML_DATABASE_URL": "off"}
    folder = click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="twiml-app-"))
    url = f"sqlite:///{folder}/twiml.db"
    return {"TWIML_DATABASE_URL": url, "TWIML_DURABILITY": "process", "TWIML_QUEUE_URL": ""}


@contextmanager
def _environment(changed: Mapping[str, str]) -> Iterator[None]:
    """Have these variables in the environment."""
    before = {name: os.environ.get(name) for name in changed}
    os.environ |= changed
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ |= {} if value is None else {name: value}


def _create_app(settings: Mapping[str, str]) -> Flask:
    """Make the application of the working directory.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    with loading():
        try:
            return create_app(settings)
        except ConfigurationError as error:
            if error.setting != "TWIML_CREDENTIALS" or "TWIML_CREDENTIALS" in project_values():
                raise
            return create_app({**settings, "TWIML_CREDENTIALS": f"twilio:{secrets.token_urlsafe(16)}"})
