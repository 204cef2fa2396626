"""Flask's cookie sessions, opened without the work that only a cookie needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask, Request

_OPENED = "twiml.session"


class WebhookSessions(SecureCookieSessionInterface):
    """The sessions of Flask; they behave the same. Most webhooks have no cookie, and then no signature is prepared."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a request; None without a secret key."""
        has_none = "HTTP_COOKIE" not in request.environ and app.secret_key
        session = self.session_class() if has_none else super().open_session(app, request)
        request.environ[_OPENED] = session
        return session


def is_unused(environ: WSGIEnvironment) -> bool:
    """Return whether a request has a session of this interface which saving would not write to the answer."""
    session: SessionMixin | None = environ.get(_OPENED)
    return session is not None and not (session or session.accessed or session.modified)
