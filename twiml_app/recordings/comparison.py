"""Comparison of two answers by their meaning."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import ndiff
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import TwimlError
from ..events import REPLY_PARAMETER, TOKEN_PARAMETER
from ..twiml import MessagingResponse
from ..verbs import Body, Comment, Message, Redirect, Verb
from ..webhook import WebhookResponse


def differences(recorded: WebhookResponse, answered: WebhookResponse) -> list[str]:
    """Return the differences in meaning between two answers as the lines of a diff; no lines if they agree.

    Not compared are white space between elements, the order of attributes, and the token and host of the status URLs
    that this package adds.
    """
    one, other = list(_meaning(recorded)), list(_meaning(answered))
    return [] if one == other else [line.rstrip() for line in ndiff(one, other) if not line.startswith("?")]


def _meaning(response: WebhookResponse) -> Iterator[str]:
    yield f"status {response.status}"
    if response.status == 204 or not response.body:
        return
    if "xml" not in response.content_type:
        yield from response.body.decode("utf-8", "replace").splitlines()
        return
    try:
        document = MessagingResponse.parse(response.body)
    except TwimlError:
        yield from response.body.decode("utf-8", "replace").splitlines()
        return
    for verb in document.verbs:
        yield from _verb_lines(verb)


def _verb_lines(verb: Verb) -> Iterator[str]:
    if isinstance(verb, Comment):
        return
    yield type(verb).__name__
    if isinstance(verb, Redirect):
        yield f"  {verb.method or 'POST'} {verb.url}"
        return
    for name, value in sorted(verb.attributes().items()):
        if value is not None:
            yield f"  {name}={_own_url(value)}"
    if not isinstance(verb, Message):
        yield from (f"  {line}" for line in verb.text.split("\n"))
        return
    for noun in verb.nouns:
        text = noun.text if isinstance(noun, Body) else noun.url
        yield f"  {type(noun).__name__}"
        yield from (f"    {line}" for line in text.split("\n"))


def _own_url(value: str) -> str:
    """Return a status URL of this package without the parts that differ between installations."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return value
    query = parse_qsl(parts.query, keep_blank_values=True)
    if REPLY_PARAMETER not in dict(query):
        return value
    kept = [(name, each) for name, each in query if name != TOKEN_PARAMETER]
    return f"{parts.path.rpartition('/')[2]}?{urlencode(kept)}"
