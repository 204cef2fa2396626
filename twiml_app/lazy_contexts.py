"""Flask's contexts, made when a handler asks for them: most never do, and making them takes as long as a reply.

Flask's proxies, such as ``flask.request`` and ``flask.g``, read two context variables. During a request these hold
stand-ins: the first attribute that is read or set makes the real contexts, and is passed on to them.
"""

from __future__ import annotations

from contextvars import Context, Token, copy_context
from threading import RLock
from typing import TYPE_CHECKING, Any

from flask import Flask

try:
    from flask.globals import _cv_app, _cv_request
except ImportError:  # a later version of Flask
    IS_SUPPORTED = False
else:
    IS_SUPPORTED = True

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask.ctx import AppContext, RequestContext


class LazyContexts:
    """The application context and the request context of one request, from ``push`` to ``pop``.

    They are made in a copy of the current ``contextvars`` context, so that any thread may make them.
    """

    __slots__ = ("_app", "_environ", "_made", "_making", "_surrounding", "_tokens")

    def __init__(self, app: Flask, environ: WSGIEnvironment) -> None:
        self._app = app
        self._environ = environ
        self._made: tuple[AppContext, RequestContext] | None = None
        #: Held while they are made: a handler may start threads that share them.
        self._making = RLock()
        self._surrounding: Context | None = None

    @property
    def are_made(self) -> bool:
        """Whether a handler has asked for them."""
        return self._made is not None

    def push(self) -> None:
        """Put the stand-ins in the places of the contexts."""
        app_context: Any = _StandIn(self, self._app, 0)
        request_context: Any = _StandIn(self, self._app, 1)
        self._tokens: tuple[Token[AppContext], Token[RequestContext]]
        self._tokens = _cv_app.set(app_context), _cv_request.set(request_context)

    def pop(self, error: BaseException | None) -> None:
        """Take the stand-ins away, and end the contexts if they were made."""
        app_token, request_token = self._tokens
        _cv_request.reset(request_token)
        _cv_app.reset(app_token)
        if self._surrounding is not None:
            self._surrounding.run(self._end, error)

    def make(self) -> tuple[AppContext, RequestContext]:
        """Return the contexts, which are made once."""
        with self._making:
            if self._made is None:
                self._surrounding = copy_context()
                self._made = self._surrounding.run(self._begin)
        return self._made

    def _begin(self) -> tuple[AppContext, RequestContext]:
        app_context = self._app.app_context()
        app_context.push()
        request_context = self._app.request_context(self._environ)
        request_context.push()
        return app_context, request_context

    def _end(self, error: BaseException | None) -> None:
        if self._made is None:  # making them failed
            return
        app_context, request_context = self._made
        request_context.pop(error)
        app_context.pop(error)


class _StandIn:
    """Passes attributes on to one of two contexts; the application is known without them."""

    __slots__ = ("_contexts", "_place", "app")

    def __init__(self, contexts: LazyContexts, app: Flask, place: int) -> None:
        _set_contexts(self, contexts)
        _set_app(self, app)
        _set_place(self, place)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._contexts.make()[self._place], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._contexts.make()[self._place], name, value)


_set_contexts, _set_app, _set_place = (_StandIn.__dict__[name].__set__ for name in ("_contexts", "app", "_place"))
