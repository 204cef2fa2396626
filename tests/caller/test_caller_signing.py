"""Signatures of the caller: they match the request, and they need a secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tests.caller.calling import CHALLENGE, FORM, OK, URL, call, caller, header, is_signed, moved, wire
from twiml_app.caller.caller import Caller
from twiml_app.caller.types import Webhook
from twiml_app.signature import HEADER, SETTINGS_HEADER, sign
from twiml_app.webhook import Form


def test_nothing_is_signed_without_a_token() -> None:
    """Anybody could sign with an empty key."""
    transport = wire()
    caller(transport, token="").call(Webhook(url=URL), FORM)

    assert header(transport.sent[0], HEADER) == ""


def test_shared_key_signs_with_its_own_algorithm() -> None:
    """Twilio names the key and the algorithm next to the signature; the token of the account is not used."""
    transport = wire()
    Caller(transport, token="of the key", key_id="k1", clock=transport.clock).call(Webhook(url=URL), FORM)
    (request,) = transport.sent

    assert header(request, SETTINGS_HEADER) == "key=k1,algorithm=HMAC_SHA256"
    assert header(request, HEADER) == sign(URL, FORM.pairs, "of the key", algorithm="HMAC_SHA256")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    pairs=st.lists(st.tuples(texts, texts), max_size=8),
    path=texts,
    query=texts,
    method=st.sampled_from(["GET", "POST"]),
    redirect=st.sampled_from([(), (302,), (307,), (301, 308)]),
)
def test_signature_matches_every_request(
    pairs: list[tuple[str, str]], path: str, query: str, method: str, redirect: Iterable[int]
) -> None:
    """A receiver sees only the request, and must be able to verify it."""
    form = Form(pairs)
    transport = wire(*(moved(status, f"/next?{json.dumps(query)}") for status in redirect), CHALLENGE, OK)
    url = f"https://a:b@h/{path.replace('#', '')}?{query.replace('#', '')}"
    call(transport, url, method=method, form=form)

    assert all(is_signed(request) for request in transport.sent)
    assert all(request.url.isascii() and "@" not in urlsplit(request.url).netloc for request in transport.sent)
