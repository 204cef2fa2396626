"""Refuses hosts that are not in Flask's ``TRUSTED_HOSTS``, on the paths of the extension."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import SecurityError
from werkzeug.wsgi import get_host

from .logs import log_event
from .webhook import WebhookResponse
from .wsgi_request import announces_body
from .wsgi_response import flask_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class TrustedHosts:
    """A WSGI application whose ``paths`` refuse a host that is not in ``TRUSTED_HOSTS`` of a Flask configuration.

    Flask does so too, since 3.1, but with the error page of the application, and without a line in the log.
    """

    def __init__(self, wsgi_app: WSGIApplication, config: Mapping[str, Any], paths: Collection[str]) -> None:
        self._wsgi_app = wsgi_app
        self._config = config
        self._paths = paths

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the wrapped application, or refuse the request."""
        trusted = self._config.get("TRUSTED_HOSTS")
        if not trusted or environ.get("PATH_INFO") not in self._paths or _is_trusted(environ, trusted):
            return self._wsgi_app(environ, start_response)
        reason = f"the host {str(environ.get('HTTP_HOST', ''))[:100]} is not in TRUSTED_HOSTS"
        log_event(logging.WARNING, "refused", {"status": 400, "url": environ["PATH_INFO"], "reason": reason})
        refusal = WebhookResponse.line(400, "the host is not served here")
        return flask_response(refusal, closes=announces_body(environ))(environ, start_response)


def _is_trusted(environ: WSGIEnvironment, trusted: Collection[str]) -> bool:
    try:
        get_host(environ, trusted)
    except SecurityError:
        return False
    return True
