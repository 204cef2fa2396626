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
from .emulator_parameters import dev_variables

_READ_TIMEOUT_S = 60.0
_UNAUTHORIZED = 401
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
    for account, token in _accounts():
        response = _request_emulator(url, method, path, form, Credentials(account, token))
        if response.status != _UNAUTHORIZED:
            break
    if not response.header("Twilio-Request-Id"):
        raise click.ClickException(f"the server at {url} is not a twiml-app emulator: pass its address with --url")
    document = json.loads(response.body) if response.body else {}
    if response.status == _UNAUTHORIZED:
        problem = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to the values it was started with"
        raise click.ClickException(f"the emulator at {url} has another account or token: {problem}")
    if response.status >= 400:
        raise click.ClickException(f"{document['message']}{_REMEDIES.get(document['code'], '')}")
    return document


def _accounts() -> list[tuple[str, str]]:
    """Return the accounts to try: the made-up one of ``twiml-app dev``, then that of the environment."""
    from ..emulator import ACCOUNT_SID, AUTH_TOKEN

    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    made_up, usual = dev_variables(), (ACCOUNT_SID, AUTH_TOKEN)
    given = [os.environ.get(name) or default for name, default in zip(names, usual, strict=True)]
    found = [(made_up[names[0]], made_up[names[1]])] if all(map(made_up.get, names)) else []
    return [*found, (given[0], given[1])]


def _request_emulator(
    url: str, method: str, path: str, form: Sequence[tuple[str, str]], credentials: Credentials
) -> WebhookResponse:
    request = OutgoingRequest(
        method=method,
        url=f"{url}/_emulator/{path}",
        headers=(("Authorization", basic_header(credentials)), ("Content-Type", FORM_TYPE)),
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
