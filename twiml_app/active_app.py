"""The application that handlers, work and scripts run in: the one whose context is active in Flask."""

from __future__ import annotations

from typing import Any

from .errors import CannotStore


def active_extension() -> Any:
    """Return ``app.extensions["twiml"]`` of the application whose context is active.

    Raises: CannotStore, outside of an application's context, or without the extension.
    """
    from flask import current_app  # handlers are defined before there is an application, and without Flask

    if not current_app:
        raise CannotStore("there is no application here: call it in a handler, or inside `with app.app_context():`")
    if "twiml" not in current_app.extensions:
        raise CannotStore("this Flask application has no Twiml extension: call Twiml(app)")
    return current_app.extensions["twiml"]


def called_url() -> str:
    """Return scheme, host and root of the request that is being answered; empty outside of requests."""
    from flask import has_request_context, request

    return request.root_url.rstrip("/") if has_request_context() else ""
