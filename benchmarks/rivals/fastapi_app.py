"""FastAPI with the official library, on uvicorn."""

from __future__ import annotations

import os

from fastapi import FastAPI, Request, Response
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

app = FastAPI()
_validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


@app.post("/message")  # type: ignore[untyped-decorator, unused-ignore]
async def message(request: Request) -> Response:
    """Verify the signature and echo the text."""
    form = await request.form()
    if not _validator.validate(str(request.url), dict(form), request.headers.get("X-Twilio-Signature", "")):
        return Response(status_code=403)
    answer = MessagingResponse()
    answer.message(str(form["Body"]))
    return Response(str(answer), media_type="text/xml")
