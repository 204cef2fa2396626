"""Cached answers: the caller revalidates an answer with an ETag or Last-Modified header."""

from __future__ import annotations

import pytest

from tests.caller.calling import CHALLENGE, FAILED, OK, UNCHANGED, URL, WITH_PAIR, Wire, caller, header, tagged, wire
from twiml_app.caller.caller import Caller
from twiml_app.caller.session import MAX_KEPT_BYTES
from twiml_app.caller.types import Webhook
from twiml_app.errors import CallError
from twiml_app.webhook import Form, WebhookResponse

DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


def fetch(twilio: Caller, transport: Wire, url: str = URL, *, method: str = "GET") -> tuple[WebhookResponse, str, str]:
    """Call a URL without a form; return the answer that is used, and the conditions that were sent."""
    answer = twilio.call(Webhook(url=url, method=method), Form()).response
    return answer, header(transport.sent[-1], "If-None-Match"), header(transport.sent[-1], "If-Modified-Since")


@pytest.mark.parametrize(
    ("headers", "conditions"),
    [
        pytest.param([("ETag", 'W/"1"')], ('W/"1"', ""), id="tag"),
        pytest.param([("last-modified", DATE)], ("", DATE), id="date"),
        pytest.param(
            [("ETag", '"1"'), ("Last-Modified", DATE), ("Cache-Control", "no-cache")], ('"1"', DATE), id="both"
        ),
    ],
)
def test_answer_to_get_is_cached_until_it_changes(headers: list[tuple[str, str]], conditions: tuple[str, str]) -> None:
    """Twilio caches an answer with an ETag: a program that forgets to change it keeps its old answer."""
    kept = tagged(*headers)
    transport = wire(kept, UNCHANGED, UNCHANGED, OK, OK)
    twilio = caller(transport)

    assert fetch(twilio, transport) == (kept, "", "")
    assert fetch(twilio, transport) == (kept, *conditions)
    assert fetch(twilio, transport) == (kept, *conditions)
    assert fetch(twilio, transport) == (OK, *conditions)
    assert fetch(twilio, transport) == (OK, "", "")


def test_attempts_show_the_304_itself() -> None:
    """The attempts show the real traffic."""
    transport = wire(tagged(("ETag", '"1"')), UNCHANGED)
    twilio = caller(transport)
    fetch(twilio, transport)
    attempts = twilio.call(Webhook(url=URL, method="GET"), Form()).attempts

    assert [attempt.response for attempt in attempts] == [UNCHANGED]


def test_latest_answer_is_cached() -> None:
    """A new tag belongs to a new body."""
    old, new = tagged(("ETag", '"1"'), body=b"old"), tagged(("ETag", '"2"'), body=b"new")
    transport = wire(old, new, FAILED, UNCHANGED)
    twilio = caller(transport)
    for _ in range(2):
        fetch(twilio, transport)
    with pytest.raises(CallError, match="answered 500"):
        fetch(twilio, transport)

    assert fetch(twilio, transport) == (new, '"2"', "")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(tagged(), id="neither tag nor date"),
        pytest.param(tagged(("ETag", '"1"'), ("cache-control", "private, No-Store")), id="not to be stored"),
        pytest.param(tagged(("ETag", '"1"'), status=201), id="another status"),
        pytest.param(tagged(("ETag", '"1"'), body=b"x" * (MAX_KEPT_BYTES + 1)), id="longer than a document"),
    ],
)
def test_other_answers_are_not_cached(answer: WebhookResponse) -> None:
    """An answer marked no-store may contain personal data."""
    transport = wire(answer, UNCHANGED)
    twilio = caller(transport)
    fetch(twilio, transport)

    assert fetch(twilio, transport) == (UNCHANGED, "", "")


def test_answer_to_post_is_never_cached() -> None:
    """A POST is an event, and every event gets its own answer."""
    transport = wire(tagged(("ETag", '"1"')))
    twilio = caller(transport)
    fetch(twilio, transport, method="POST")
    assert fetch(twilio, transport)[1:] == ("", "")
    assert fetch(twilio, transport, method="POST")[1:] == ("", "")

    transport.answers = [UNCHANGED]
    assert fetch(twilio, transport, method="POST")[0] == UNCHANGED


def test_answer_is_cached_per_url_including_the_form() -> None:
    """One text must not get the answer to another."""
    transport = wire(tagged(("ETag", '"1"')))
    twilio = caller(transport)
    for body in ("a", "b", "a"):
        twilio.call(Webhook(url=URL, method="GET"), Form([("Body", body)]))

    assert [header(request, "If-None-Match") for request in transport.sent] == ["", "", '"1"']


def test_condition_is_sent_with_the_credentials_too() -> None:
    """After a challenge the same request is repeated."""
    kept = tagged(("ETag", '"1"'))
    transport = wire(CHALLENGE, kept, CHALLENGE, UNCHANGED)
    twilio = caller(transport)
    fetch(twilio, transport, WITH_PAIR)

    assert fetch(twilio, transport, WITH_PAIR) == (kept, '"1"', "")
    assert [header(request, "If-None-Match") for request in transport.sent] == ["", "", '"1"', '"1"']
