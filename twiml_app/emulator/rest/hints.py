"""Hints for clients of the REST API: what was wrong with a request, and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from werkzeug.wrappers import Request

from ...webhook import FORM_TYPE
from ..quoting import shown
from .parameters import Parameters

#: The parameters for creating a message, from Twilio's OpenAPI description.
MESSAGE_PARAMETERS = frozenset(
    {"To", "From", "Body", "MediaUrl", "StatusCallback", "ApplicationSid", "MessagingServiceSid", "MaxPrice", "Status"}
    | {"ProvideFeedback", "Attempt", "ValidityPeriod", "ForceDelivery", "ContentRetention", "AddressRetention", "Tags"}
    | {"SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls", "ScheduleType", "SendAt", "SendAsMms"}
    | {"ContentSid", "ContentVariables", "RiskCheck", "FallbackFrom"}
)
_BY_PLAIN_NAME = {name.lower(): name for name in MESSAGE_PARAMETERS}
_PLUS = "an unencoded + means a space"
#: The maximum number of hints per request: nobody reads more.
MAX_HINTS = 20


def hints_for(request: Request, form: Parameters, *, status: int, is_xml: bool) -> tuple[str, ...]:
    """Return hints about what was wrong with a request."""
    hints = chain(
        _about_credentials(request) if status == 401 else (),
        _about_spaces(request, form),
        _about_body(request, form),
        _about_path(request, status, is_xml=is_xml),
        _about_names(request, form),
    )
    return tuple(islice(hints, MAX_HINTS))


def _about_spaces(request: Request, form: Parameters) -> Iterator[str]:
    for name in ("To", "From", "PhoneNumber"):
        if re.match(r" \d", form.text(name)):
            yield f"{name} starts with a space: {_PLUS}. With curl, use --data-urlencode"
        if re.match(r" \d", request.args.get(name, "")):
            yield f"{name} starts with a space: {_PLUS}. Write %2B, or use curl -G --data-urlencode"


def _about_names(request: Request, form: Parameters) -> Iterator[str]:
    """Yield hints about the parameter names of a request that creates a message."""
    if request.method != "POST" or not re.search(r"/Messages(\.\w+)?/?$", request.path):
        return
    for name in form.names:
        if name not in MESSAGE_PARAMETERS and name != "_method":
            yield _about_name(name)
    if "SendAt" in form and "MessagingServiceSid" not in form:
        yield "SendAt requires a MessagingServiceSid: without one, the message is sent immediately"
    for name in request.args:
        if name in MESSAGE_PARAMETERS:
            yield f"{name} is in the URL's query string: send it in the body"


def _about_name(name: str) -> str:
    plain = re.sub(r"\[?\d*\]?$", "", name)
    right = _BY_PLAIN_NAME.get(plain.lower().replace("_", ""))
    if right and plain != name:
        return f"{shown(name)}: write {right}, and repeat it for each value"
    if right:
        return f"{shown(name)}: write {right}, names are case-sensitive"
    return f"{shown(name)} is not a parameter of a message"


def _about_body(request: Request, form: Parameters) -> Iterator[str]:
    if "_method" in form:
        yield "_method belongs in the URL's query string"
    override = request.args.get("_method", "DELETE")
    if override.upper() not in ("PUT", "DELETE"):
        yield f"_method is {shown(override)}: it must be PUT or DELETE"
    if request.method not in ("POST", "PUT") or not request.content_length:
        return
    if request.mimetype != FORM_TYPE:
        yield f"the content type is {shown(request.mimetype) or 'missing'}: the API expects a form, {FORM_TYPE}"
    elif not form.names:
        yield "the body is not a UTF-8 form: write each parameter as Name=value, percent-encoded"


def _about_path(request: Request, status: int, *, is_xml: bool) -> Iterator[str]:
    if is_xml and "json" in request.headers.get("Accept", ""):
        yield "without an extension the response is XML: for JSON, end the path with .json"
    if status != 404:
        return
    if "//" in request.path:
        yield "the path has two slashes in a row"
    if request.path.startswith("/Accounts"):
        yield "the API version is missing: paths start with /2010-04-01"
    if re.search(r"\.(?!json$|xml$|csv$)\w+$", request.path):
        yield "unknown extension: end the path with .json, .xml, .csv or no extension"


def _about_credentials(request: Request) -> Iterator[str]:
    given = request.authorization
    if "Authorization" not in request.headers:
        yield "no credentials were sent: use basic authentication with the account SID and token"
    elif given is None or given.type != "basic":
        yield "these are not valid basic credentials: encode the account SID, a colon and the token in base64"
    elif (given.username or "").startswith("SK"):
        yield "the emulator does not support API keys: send the account SID and token"
    else:
        yield "no account in this emulator has this SID and token"
