"""What twiml_app is compared with: a constant answer, and a view written by hand with the official library."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, request
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CONSTANT = b'<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>hello</Body></Message></Response>'


def constant(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer without looking at the request: the cost of gunicorn itself."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(CONSTANT)))])
    return [CONSTANT]


def by_hand() -> Flask:
    """Make a Flask app with basic authentication, the official validator and the official TwiML classes."""
    app = Flask("by_hand")
    validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])
    user, _, password = os.environ["TWIML_CREDENTIALS"].partition(":")
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def message() -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", ""), expected):
            abort(401)
        if not validator.validate(request.url, request.form, request.headers.get("X-Twilio-Signature", "")):
            abort(403)
        answer = MessagingResponse()
        words = request.form["Body"].split()
        answer.message(f"Thanks! {words[1]} {' '.join(words[2:])} will be ready in ten minutes.")
        return Response(str(answer), content_type="text/xml")

    app.add_url_rule("/message", view_func=message, methods=["POST"])
    return app


def __getattr__(name: str) -> Flask | Callable[..., object]:
    """Make the application when gunicorn looks up ``app``."""
    if name == "app":
        return by_hand()
    raise AttributeError(name)
