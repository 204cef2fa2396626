"""The client for a running emulator's own endpoints; the account comes from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import click

from ..caller import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_FOR_ANOTHER,
    CERTIFICATE_WITHOUT_PATH,
    HttpTransport,
    OutgoingRequest,
)
from ..credentials import Credentials, basic_header
from ..webhook import FORM_TYPE, WebhookResponse

_READ_TIMEOUT_S = 60.0
_UNTRUSTED = (CERTIFICATE_EXPIRED, CERTIFICATE_FOR_ANOTHER, CERTIFICATE_WITHOUT_PATH)
#: What to do about an error, by its error code.
_REMEDIES = {
    21606: " (add numbers with TWIML_EMULATOR_NUMBERS or --number when you start the emulator, and choose one with"
    " --number here)"
}


def call_emulator(url: str, method: str, path: str, form: Sequence[tuple[str, str]] = ()) -> Any:
    """Send a request to an endpoint of a running emulator, and return its JSON response.

    Raises: click.ClickException.
    """
    response = _request_emulator(url, method, path, form)
    if not response.header("Twilio-Request-Id"):
        raise click.ClickException(f"the server at {url} is not a twiml-app emulator: pass its address with --url")
    document = json.loads(response.body) if response.body else {}
    if response.status == 401:
        problem = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to the values it was started with"
        raise click.ClickException(f"the emulator at {url} has another account or token: {problem}")
    if response.status >= 400:
        raise click.ClickException(f"{document['message']}{_REMEDIES.get(document['code'], '')}")
    return document


def _request_emulator(url: str, method: str, path: str, form: Sequence[tuple[str, str]]) -> WebhookResponse:
    from ..emulator import ACCOUNT_SID, AUTH_TOKEN

    account = os.environ.get("TWILIO_ACCOUNT_SID") or ACCOUNT_SID
    token = os.environ.get("TWILIO_AUTH_TOKEN") or AUTH_TOKEN
    request = OutgoingRequest(
        method=method,
        url=f"{url}/_emulator/{path}",
        headers=(("Authorization", basic_header(Credentials(account, token))), ("Content-Type", FORM_TYPE)),
        body=urlencode(form).encode(),
        connect_timeout_s=5.0,
        read_timeout_s=_READ_TIMEOUT_S,
    )
    try:
        return HttpTransport()(request)
    except OSError as error:
        remedy = "start one with twiml-app emulator, or pass its address with --url"
        if getattr(error, "code", 0) in _UNTRUSTED:
            remedy = "set SSL_CERT_FILE to the CA file that the emulator printed"
        raise click.ClickException(f"cannot reach an emulator at {url}: {remedy} ({error})") from error
