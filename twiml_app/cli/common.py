"""Helpers of the commands: find the application and its settings, report errors in one line."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask

from ..app import collect_settings, load_environment, state_of
from ..assembly import TwimlState
from ..checks import mask_url
from ..config import Settings
from ..errors import ConfigurationError, TwimlAppError
from ..project_routers import load_router
from ..routing import Router
from .printed import printed_aside

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

app_option = click.option(
    "--app",
    "app_name",
    metavar="MODULE:APP",
    help="A Flask application with the Twiml extension, or a function that makes one.  [default: the handlers folder]",
)
yes_option = click.option("--yes", is_flag=True, help="Run the handlers without asking for confirmation.")

#: Where our own modules are, and those of libraries: paths begin with these.
OWN = (f"{Path(__file__).parent.parent}{os.sep}", "<")
LIBRARIES = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@contextmanager
def plain_errors() -> Iterator[None]:
    """Report our errors, and optional packages that are not installed, in one line and with exit status 1."""
    try:
        yield
    except (TwimlAppError, ModuleNotFoundError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def loading() -> Iterator[None]:
    """Report any exception of the project's modules, while they are loaded, in one line with file and line.

    What they print goes to the standard error.

    Raises: click.ClickException; an exception that does not come from the project is raised as it is.
    """
    try:
        with printed_aside():
            yield
    except (TwimlAppError, click.ClickException):
        raise
    except Exception as error:
        location = _project_location(error)
        if not location:
            raise
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise click.ClickException(f"{location}: {problem}") from error


def _project_location(error: Exception) -> str:
    """Return the file and line in the project that raised an error, empty if it came from somewhere else."""
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        return f"{error.filename}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(OWN)]
    of_project = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)]
    of_imports = [frame for frame in frames if frame.name == "<module>"]  # the project may be an installed package
    found = of_project or of_imports
    return f"{found[-1].filename}:{found[-1].lineno}" if found else ""


def project_values() -> dict[str, Any]:
    """Return the settings of the working directory: the environment, and then its ``.env`` file."""
    load_environment(Path.cwd())
    return collect_settings({})


def find_router(app_name: str | None) -> Router:
    """Return the router of an application, or else of the handlers in the working directory, without credentials.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    if app_name:
        return state_of(import_app(app_name)).router
    with loading():
        return load_router(str(project_values().get("TWIML_HANDLERS") or "handlers"), Path.cwd())


def find_state(app_name: str | None) -> TwimlState | None:
    """Return the extension's state for an application, None if none is named.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    return state_of(import_app(app_name)) if app_name else None


def announce_handlers(app: Flask, *, yes: bool) -> None:
    """Print which database and which API the handlers will use; on a terminal, ask for confirmation.

    Raises: click.Abort.
    """
    known = ", ".join(_effects(app.config))
    click.echo(f"this runs the handlers for real{': ' if known else ''}{known}", err=True)
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Run the handlers?", abort=True, err=True)


def _effects(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the database and the API that an application is configured with, as far as they are known."""
    urls = [source.get(name) for source in (config, os.environ) for name in ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL")]
    if database := next(filter(None, urls), None):
        yield f"database {mask_url(str(database))}"
    if api := os.environ.get("TWIML_API_URL"):
        yield f"API {mask_url(api)}"
    if account := os.environ.get("TWILIO_ACCOUNT_SID"):
        yield f"Twilio account {account}"


def import_app(app_name: str) -> Flask:
    """Import an application named as ``module:app`` or ``module:create_app``.

    Raises: ConfigurationError; click.ClickException.
    """
    sys.path.insert(0, str(Path.cwd()))
    found = _import_attribute(app_name)
    try:
        with loading():
            app = found() if callable(found) and not isinstance(found, Flask) else found
    except TypeError as error:
        raise ConfigurationError("--app", f"{app_name} cannot be called without arguments: {error}") from error
    if not isinstance(app, Flask):
        raise ConfigurationError("--app", f"{app_name} is not a Flask application")
    return app


def _import_attribute(app_name: str) -> Any:
    """Import the object named as ``module:attribute``.

    Raises: ConfigurationError, if the name is wrong; click.ClickException, if the module raises an exception.
    """
    module_name, _, attribute = app_name.partition(":")
    try:
        with loading():
            return getattr(importlib.import_module(module_name), attribute or "app")
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError("--app", f"{app_name} cannot be imported: {error}") from error


def pairs(values: Iterable[str], option: str) -> dict[str, str]:
    """Split options of the form NAME=VALUE."""
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", param_hint=option)
        found[name] = text
    return found


def project_settings(*, needs_secrets: bool = False) -> Settings:
    """Return the settings of the working directory; credentials are only required with ``needs_secrets``.

    Raises: ConfigurationError.
    """
    given = project_values()
    return Settings.read(given if needs_secrets else {"TWIML_CREDENTIALS": "none:needed-to-look"} | given)


def secret_keys(state: TwimlState | None) -> tuple[str, ...]:
    """Return the keys of an application, or of the environment; none if the environment has no credentials.

    Raises: ConfigurationError.
    """
    if state:
        return state.settings.secret_keys
    try:
        return project_settings(needs_secrets=True).secret_keys
    except ConfigurationError as error:
        if error.setting != "TWIML_CREDENTIALS" or "TWIML_CREDENTIALS" in project_values():
            raise
        return ()
