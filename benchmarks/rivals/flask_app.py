"""Flask with the official library, as its documentation writes it by hand."""

from __future__ import annotations

import os

from flask import Flask, Response, abort, request
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

app = Flask(__name__)
_validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


@app.post("/message")
def message() -> Response:
    """Verify the signature and echo the text."""
    if not _validator.validate(request.url, request.form, request.headers.get("X-Twilio-Signature", "")):
        abort(403)
    answer = MessagingResponse()
    answer.message(request.form["Body"])
    return Response(str(answer), content_type="text/xml; charset=utf-8")
