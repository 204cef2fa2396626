"""The short way to the view of a webhook, past Flask's dispatch, where nothing in the application could notice.

The dispatch runs the application's hooks; without any, it only calls the view, and takes as long as the answer itself.
Handlers have the same contexts, session and matched rule either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING

from flask import (
    Flask,
    Response,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from .lazy_contexts import IS_SUPPORTED, LazyContexts
from .views import WebhookView
from .webhook import WebhookResponse
from .wsgi_response import flask_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_METHODS = ("POST", "GET", "HEAD")
#: The methods of an application that the short way does not call, or calls only if a handler asks for a context.
_NOT_CALLED = (
    *("wsgi_app", "full_dispatch_request", "preprocess_request", "dispatch_request", "ensure_sync"),
    *("finalize_request", "make_response", "process_response"),
    *("app_context", "request_context", "create_url_adapter", "do_teardown_request", "do_teardown_appcontext"),
)
#: The modules in which Flask defines them.
_FLASK = ("flask.app", "flask.sansio.app")
#: The receivers of each signal that the dispatch and the contexts send.
_RECEIVERS = (
    *(request_started.receivers, request_finished.receivers, request_tearing_down.receivers),
    *(appcontext_pushed.receivers, appcontext_popped.receivers, appcontext_tearing_down.receivers),
)
#: A host that Flask accepts without a closer look: labels of at most 63 characters.
_is_plain_host = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*(:[0-9]{1,5})?").fullmatch


class DirectDispatch:
    """A WSGI application that calls ``views``, by path, itself if it can, and else leaves the request to Flask."""

    def __init__(self, app: Flask, views: Mapping[str, WebhookView]) -> None:
        self._app = app
        self._wsgi_app: WSGIApplication = app.wsgi_app
        self._views = views
        self._is_possible = IS_SUPPORTED and all(_is_of_flask(app, name) for name in _NOT_CALLED)
        #: The endpoints of paths and methods, as long as the application has this many views.
        self._endpoints: dict[tuple[str, str], str] = {}
        self._number_of_views = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ.get("PATH_INFO", "")
        view = self._views.get(path)
        if view is None or self._is_observed(environ) or not self._is_routed(environ, path, view):
            return self._wsgi_app(environ, start_response)
        contexts = LazyContexts(self._app, environ)
        contexts.push()
        error: BaseException | None = None
        try:
            answer, closes = view.answer(environ)
            if contexts.are_made:
                response = self._app.process_response(flask_response(answer, closes=closes))
                return response(environ, start_response)
            return _send(environ, start_response, answer, closes=closes)
        except Exception as raised:
            error = raised
            return self._failed(raised)(environ, start_response)
        except BaseException as raised:
            error = raised
            raise
        finally:
            contexts.pop(error)

    def _is_observed(self, environ: WSGIEnvironment) -> bool:
        """Return whether something in the application might notice that Flask's dispatch was left out."""
        app = self._app
        for hooks in (app.before_request_funcs, app.after_request_funcs, app.url_value_preprocessors):
            if hooks and (hooks.get(None) or hooks.get("twiml")):
                return True
        return (
            not self._is_possible
            or "HTTP_COOKIE" in environ
            or "werkzeug.debug.preserve_context" in environ
            or bool(app.teardown_request_funcs or app.teardown_appcontext_funcs)
            or any(_RECEIVERS)
            or type(app.session_interface) is not SecureCookieSessionInterface
        )

    def _is_routed(self, environ: WSGIEnvironment, path: str, view: WebhookView) -> bool:
        """Return whether Flask would call the view: another one may have the same path, or have taken its place."""
        app = self._app
        if not _is_plain_host(environ.get("HTTP_HOST", "")) or app.config.get("TRUSTED_HOSTS"):
            return False
        method = environ["REQUEST_METHOD"]
        if len(app.view_functions) != self._number_of_views:
            self._endpoints, self._number_of_views = {}, len(app.view_functions)
        endpoint = self._endpoints.get((path, method))
        if endpoint is None and method in _METHODS:
            endpoint = self._endpoints[path, method] = _endpoint_of(app, path, method)
        return app.view_functions.get(endpoint or "") is view

    def _failed(self, error: Exception) -> Response:
        """Return the response to an exception as Flask's dispatch does; only a defect of the receiver leads here."""
        try:
            return self._app.finalize_request(self._app.handle_user_exception(error))
        except Exception as unhandled:
            return self._app.handle_exception(unhandled)


def _send(
    environ: WSGIEnvironment, start_response: StartResponse, answer: WebhookResponse, *, closes: bool
) -> Iterable[bytes]:
    """Send an answer as Flask's response class would; most answers are a document, and have no other header."""
    if answer.status != 200 or answer.headers or closes or environ["REQUEST_METHOD"] == "HEAD":
        return flask_response(answer, closes=closes)(environ, start_response)
    headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
    start_response("200 OK", headers)
    return [answer.body]


def _endpoint_of(app: Flask, path: str, method: str) -> str:
    """Return the endpoint that Flask finds for a path; empty without one, and if it depends on the host."""
    if app.url_map.host_matching or app.subdomain_matching:
        return ""
    try:
        endpoint, _arguments = app.url_map.bind("localhost").match(path, method)
    except (RoutingException, HTTPException):
        return ""
    return str(endpoint)


def _is_of_flask(app: Flask, name: str) -> bool:
    """Return whether a method is Flask's own: neither overridden, nor replaced, nor wrapped by a monitoring tool."""
    function = getattr(type(app), name)
    return name not in vars(app) and type(function) is FunctionType and function.__module__ in _FLASK
