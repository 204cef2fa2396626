"""What a client of the REST API did wrong, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from werkzeug.wrappers import Request

from ...webhook import FORM_TYPE
from ..quoting import shown
from .parameters import Parameters

#: The parameters of a message that clients send: those of Twilio's OpenAPI description.
MESSAGE_PARAMETERS = frozenset(
    {"To", "From", "Body", "MediaUrl", "StatusCallback", "ApplicationSid", "MessagingServiceSid", "MaxPrice", "Status"}
    | {"ProvideFeedback", "Attempt", "ValidityPeriod", "ForceDelivery", "ContentRetention", "AddressRetention", "Tags"}
    | {"SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls", "ScheduleType", "SendAt", "SendAsMms"}
    | {"ContentSid", "ContentVariables", "RiskCheck", "FallbackFrom"}
)
_BY_PLAIN_NAME = {name.lower(): name for name in MESSAGE_PARAMETERS}
#: More are not read.
MAX_HINTS = 20


def hints_for(request: Request, form: Parameters, *, status: int, is_xml: bool) -> tuple[str, ...]:
    """Return what a client did wrong, in words."""
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
            yield f"{name} begins with a space: a + in a form is one. With curl, use --data-urlencode"
        if re.match(r" \d", request.args.get(name, "")):
            yield f"{name} begins with a space: a + in a query is one. Write it as %2B, with curl -G --data-urlencode"


def _about_names(request: Request, form: Parameters) -> Iterator[str]:
    """Yield what is wrong with the names of parameters, where messages are made."""
    if request.method != "POST" or not re.search(r"/Messages(\.\w+)?/?$", request.path):
        return
    for name in form.names:
        if name not in MESSAGE_PARAMETERS and name != "_method":
            yield _about_name(name)
    if "SendAt" in form and "MessagingServiceSid" not in form:
        yield "SendAt needs a MessagingServiceSid: without one the message leaves at once"
    for name in request.args:
        if name in MESSAGE_PARAMETERS:
            yield f"{name} stands in the query of the URL: send it in the body"


def _about_name(name: str) -> str:
    plain = re.sub(r"\[?\d*\]?$", "", name)
    right = _BY_PLAIN_NAME.get(plain.lower().replace("_", ""))
    if right and plain != name:
        return f"{shown(name)}: write {right}, as often as there are values"
    if right:
        return f"{shown(name)}: it is written {right}, and case counts"
    return f"{shown(name)} is no parameter of a message"


def _about_body(request: Request, form: Parameters) -> Iterator[str]:
    if "_method" in form:
        yield "_method belongs into the query of the URL"
    override = request.args.get("_method", "DELETE")
    if override.upper() not in ("PUT", "DELETE"):
        yield f"_method is {shown(override)}: it is PUT or DELETE"
    if request.method not in ("POST", "PUT") or not request.content_length:
        return
    if request.mimetype != FORM_TYPE:
        yield f"the content type is {shown(request.mimetype) or 'missing'}: the API takes forms, {FORM_TYPE}"
    elif not form.names:
        yield "the body is no form in UTF-8: every parameter is written as Name=value, percent-encoded"


def _about_path(request: Request, status: int, *, is_xml: bool) -> Iterator[str]:
    if is_xml and "json" in request.headers.get("Accept", ""):
        yield "without an extension the answer is XML: for JSON, end the path with .json"
    if status != 404:
        return
    if "//" in request.path:
        yield "the path has two slashes in a row"
    if request.path.startswith("/Accounts"):
        yield "the version is missing: paths begin with /2010-04-01"
    if re.search(r"\.(?!json$|xml$|csv$)\w+$", request.path):
        yield "a path ends with .json, .xml, .csv, or without an extension"


def _about_credentials(request: Request) -> Iterator[str]:
    given = request.authorization
    if "Authorization" not in request.headers:
        yield "no credentials came with it: send the account's sid and token by basic authentication"
    elif given is None or given.type != "basic":
        yield "these credentials are not those of basic authentication: the account's sid, a colon, and its token"
    elif (given.username or "").startswith("SK"):
        yield "the emulator has no API keys: send the account's sid and token"
    else:
        yield "no account of this emulator has this sid and this token"
