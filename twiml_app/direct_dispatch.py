"""The short way to the view of a webhook, past Flask's dispatch, where nothing in the application could notice.

The dispatch runs the application's hooks; without any, it only calls the view, and takes as long as the answer itself.
Handlers have the same contexts, session and matched rule either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING

from flask import Flask, Response, request_finished, request_started

from .views import WebhookView
from .webhook_sessions import is_unused
from .wsgi_response import flask_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask.ctx import RequestContext

_METHODS = ("POST", "GET", "HEAD")
#: The methods of an application that the short way does not call.
_NOT_CALLED = (
    *("wsgi_app", "full_dispatch_request", "preprocess_request", "dispatch_request", "ensure_sync"),
    *("finalize_request", "make_response", "process_response"),
)
#: The modules in which Flask defines them.
_FLASK = ("flask.app", "flask.sansio.app")


class DirectDispatch:
    """A WSGI application that calls ``views``, by path, itself if it can, and else leaves the request to Flask."""

    def __init__(self, app: Flask, views: Mapping[str, WebhookView]) -> None:
        self._app = app
        self._wsgi_app: WSGIApplication = app.wsgi_app
        self._views = views
        self._is_possible = all(_is_of_flask(app, name) for name in _NOT_CALLED)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        view = self._views.get(environ.get("PATH_INFO", ""))
        if view is None or environ["REQUEST_METHOD"] not in _METHODS or self._is_observed(environ):
            return self._wsgi_app(environ, start_response)
        context = self._app.request_context(environ)
        error: BaseException | None = None
        try:
            context.push()
            matched: object = self._app.view_functions.get(context.request.endpoint or "")
            if matched is not view:
                return self._wsgi_app(environ, start_response)
            return self._answer(environ, start_response, view, context)
        except Exception as raised:
            error = raised
            return self._failed(raised)(environ, start_response)
        except BaseException as raised:
            error = raised
            raise
        finally:
            context.pop(error)

    def _is_observed(self, environ: WSGIEnvironment) -> bool:
        """Return whether something in the application might notice that Flask's dispatch was left out."""
        app = self._app
        hooks = (app.before_request_funcs, app.after_request_funcs, app.url_value_preprocessors)
        return (
            not self._is_possible
            or any(each.get(None) or each.get("twiml") for each in hooks)
            or bool(request_started.receivers or request_finished.receivers)
            or "werkzeug.debug.preserve_context" in environ
        )

    def _answer(
        self, environ: WSGIEnvironment, start_response: StartResponse, view: WebhookView, context: RequestContext
    ) -> Iterable[bytes]:
        """Call the view; most answers are a document without headers of their own, and need no response of Flask."""
        answer, closes = view.answer(environ)
        is_plain = answer.status == 200 and answer.content_type and not answer.headers and not closes
        if is_plain and environ["REQUEST_METHOD"] != "HEAD" and is_unused(environ) and not _is_processed(context):
            headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
            start_response("200 OK", headers)
            return [answer.body]
        response = self._app.process_response(flask_response(answer, closes=closes))
        return response(environ, start_response)

    def _failed(self, error: Exception) -> Response:
        """Return the response to an exception as Flask's dispatch does; only a defect of the receiver leads here."""
        try:
            return self._app.finalize_request(self._app.handle_user_exception(error))
        except Exception as unhandled:
            return self._app.handle_exception(unhandled)


def _is_processed(context: RequestContext) -> bool:
    """Return whether a handler called ``flask.after_this_request``, or may have done so."""
    return getattr(context, "_after_request_functions", None) != []


def _is_of_flask(app: Flask, name: str) -> bool:
    """Return whether a method is Flask's own: neither overridden, nor replaced, nor wrapped by a monitoring tool."""
    function = getattr(type(app), name)
    return name not in vars(app) and type(function) is FunctionType and function.__module__ in _FLASK
