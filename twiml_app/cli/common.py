"""Helpers of the commands: find the application, print tables, report errors in one line."""

from __future__ import annotations

import importlib
import json
import secrets
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask

from ..app import collect_settings, create_app, load_environment, load_router, state_of
from ..config import Settings
from ..errors import ConfigurationError, TwimlAppError
from ..routing import Router

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

app_option = click.option(
    "--app",
    "app_name",
    metavar="MODULE:APP",
    help="A Flask application with the Twiml extension, or a function that makes one.  [default: the handlers folder]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Report our errors, and those of a handlers module, in one line and with exit status 1."""
    try:
        yield
    except TwimlAppError as error:
        raise click.ClickException(str(error)) from error
    except (ImportError, SyntaxError, NameError, AttributeError, TypeError) as error:
        raise click.ClickException(f"{_error_location(error)}: {type(error).__name__}: {error}") from error


def _error_location(error: Exception) -> str:
    """Return the file and line of the project that raised an error: the last one outside of this package."""
    own = str(Path(__file__).parent.parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith((own, "<"))]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "the application"


def project_values() -> dict[str, Any]:
    """Return the settings of the working directory: the environment, and then its ``.env`` file."""
    load_environment(Path.cwd())
    return collect_settings({})


def find_router(app_name: str | None) -> Router:
    """Return the router of an application, or else of the handlers in the working directory, without credentials.

    Raises: ConfigurationError; RegistrationError.
    """
    if app_name:
        return state_of(import_app(app_name)).router
    return load_router(str(project_values().get("TWIML_HANDLERS") or "handlers"), Path.cwd())


def find_app(app_name: str | None) -> Flask:
    """Return an application to call in this process, without its journal.

    If no credentials are configured, random ones are generated.

    Raises: ConfigurationError; RegistrationError.
    """
    if app_name:
        app = import_app(app_name)
        state_of(app).receiver.detach_journal()
        return app
    without_journal = {"TWIML_DATABASE_URL": "off"}
    try:
        return create_app(without_journal)
    except ConfigurationError as error:
        if error.setting != "TWIML_CREDENTIALS" or "TWIML_CREDENTIALS" in project_values():
            raise
        return create_app(without_journal | {"TWIML_CREDENTIALS": f"twilio:{secrets.token_urlsafe(16)}"})


def import_app(app_name: str) -> Flask:
    """Import an application named as ``module:app`` or ``module:create_app``.

    Raises: ConfigurationError.
    """
    module_name, _, attribute = app_name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), attribute or "app")
    except (ImportError, AttributeError) as error:
        raise ConfigurationError("--app", f"{app_name} cannot be imported: {error}") from error
    app = found if isinstance(found, Flask) else found()
    if not isinstance(app, Flask):
        raise ConfigurationError("--app", f"{app_name} is not a Flask application")
    return app


def pairs(values: Iterable[str], option: str) -> dict[str, str]:
    """Split options of the form NAME=VALUE."""
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", param_hint=option)
        found[name] = text
    return found


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """Return a string without control characters: anybody can send an escape sequence to a number."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def project_settings(*, needs_secrets: bool = False) -> Settings:
    """Return the settings of the working directory; credentials are only required with ``needs_secrets``.

    Raises: ConfigurationError.
    """
    given = project_values()
    return Settings.read(given if needs_secrets else {"TWIML_CREDENTIALS": "none:needed-to-look"} | given)


def print_table(rows: Sequence[Mapping[str, str]], *, indent: str = "") -> None:
    """Print rows as aligned columns, with the names of the columns above them."""
    if not rows:
        return
    lines = [list(rows[0]), *([printable(row[name]) for name in rows[0]] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        click.echo(indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
