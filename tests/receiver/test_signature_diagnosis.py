"""Diagnosis: every known cause of a signature that does not match is reported, with what to set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook_requests import ACCOUNT, HOST, OTHER_ACCOUNT, SIGNED, TOKEN, URL, read_settings, webhook
from twiml_app.receiver.signature_diagnosis import explain_signature
from twiml_app.signature import HEADER, SETTINGS_HEADER, sign
from twiml_app.webhook import Form, WebhookRequest

OTHER_TOKEN = "f" * 32
THIRD_ACCOUNT = "AC" + "2" * 32
SHARED = {"TWIML_SHARED_KEYS": {"k1": "shared-secret"}}
PAIRS = (("AccountSid", ACCOUNT), ("From", "+15005550001"), ("To", "+15005550006"), ("Body", "Yes"))
PLACES = tuple(
    (f"{side}{part}", "x")
    for side in ("From", "To")
    for part in ("City", "State", "Zip", "Country")
    if f"{side}{part}" not in ("FromCity", "ToZip")
)
MATCHES = "the signature matches "
NO_VARIANT_MATCHES = (
    "no variant of the request matches: the token is not the one that signed it (the primary auth token of the"
    " account that owns the number), or the request was changed in transit"
)

SET_THE_SAME = (
    "set the same TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN on both sides, or add the token of a subaccount to"
    " TWIML_AUTH_TOKENS"
)


def explain(
    url: str = URL,
    *,
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    received: tuple[tuple[str, str], ...] = PAIRS,
    token: str = TOKEN,
    settings: Mapping[str, object] = SIGNED,
    headers: Mapping[str, str] | None = None,
    **changes: Any,
) -> str:
    """Explain a request that was signed over one URL and form, and received with others."""
    request = webhook(Form(received), headers={HEADER.lower(): sign(url, pairs, token), **(headers or {})})
    return explain_signature(request._replace(**changes), Form(received), read_settings(settings))


@pytest.mark.parametrize(
    ("url", "changes", "says"),
    [
        pytest.param(URL, {"scheme": "http"}, "with https: set TWIML_PUBLIC_URL", id="https"),
        pytest.param(
            URL,
            {"scheme": "http", "headers": {"x-forwarded-proto": "https"}},
            "with https: set TWIML_PUBLIC_URL or TWIML_PROXY_HOPS",
            id="https, according to a proxy",
        ),
        pytest.param(
            URL.replace("https", "http"),
            {"settings": SIGNED | {"TWIML_PUBLIC_URL": f"https://{HOST}"}},
            "with http: TWIML_PUBLIC_URL says https",
            id="http at Twilio",
        ),
        pytest.param(
            URL,
            {"host": "10.0.0.5:8000", "headers": {"x-forwarded-host": HOST}},
            f"with the host {HOST} of x-forwarded-host: set TWIML_PUBLIC_URL or TWIML_PROXY_HOPS",
            id="forwarded host",
        ),
        pytest.param(
            URL,
            {"host": "10.0.0.5:8000", "headers": {"x-forwarded-host": f"edge.example.com, {HOST}"}},
            f"with the host {HOST} of x-forwarded-host: set TWIML_PUBLIC_URL or TWIML_PROXY_HOPS",
            id="forwarded host behind two proxies",
        ),
        pytest.param(
            URL,
            {"host": "10.0.0.5", "headers": {"x-original-host": HOST}},
            f"with the host {HOST} of x-original-host: set TWIML_PUBLIC_URL or TWIML_PROXY_HOPS",
            id="original host",
        ),
        pytest.param(
            URL,
            {"settings": SIGNED | {"TWIML_PUBLIC_URL": "https://old.example.com"}},
            f"with the host {HOST}: TWIML_PUBLIC_URL names another host",
            id="outdated public URL",
        ),
        pytest.param(
            URL,
            {"scheme": "http", "host": "10.0.0.5", "headers": {"x-forwarded-host": HOST}},
            "with https: set TWIML_PUBLIC_URL and"
            f" with the host {HOST} of x-forwarded-host: set TWIML_PUBLIC_URL or TWIML_PROXY_HOPS",
            id="https and forwarded host",
        ),
        pytest.param(
            URL,
            {"scheme": "http", "headers": {"x-forwarded-host": f"{HOST}:443"}},
            "with https: set TWIML_PUBLIC_URL",
            id="only the necessary differences",
        ),
        pytest.param(
            f"{URL}/", {}, "with a trailing slash: the URL at Twilio ends with one", id="trailing slash at Twilio"
        ),
        pytest.param(
            f"{URL}/?a=1",
            {"target": "/message?a=1"},
            "with a trailing slash: the URL at Twilio ends with one",
            id="trailing slash before a query",
        ),
        pytest.param(
            URL,
            {"target": "/message/"},
            "without the trailing slash: a proxy or a redirect adds it",
            id="trailing slash added",
        ),
        pytest.param(
            f"https://{HOST}/sms/message",
            {"headers": {"x-forwarded-prefix": "/sms/"}},
            "under /sms: add it to TWIML_PUBLIC_URL",
            id="prefix removed by a proxy",
        ),
        pytest.param(
            URL,
            {"settings": SIGNED | {"TWIML_PUBLIC_URL": f"https://{HOST}/sms"}},
            "without the prefix of TWIML_PUBLIC_URL",
            id="needless prefix",
        ),
        pytest.param(URL, {"target": "/message?utm=1"}, "without its query: a proxy adds one", id="query added"),
        *(
            pytest.param(
                f"{URL}?step={at_twilio}",
                {"target": f"/message?step={received}"},
                "with its query encoded differently: a proxy re-encodes it",
                id=f"query {at_twilio} received as {received}",
            )
            for at_twilio, received in [
                ("a%2Cb", "a,b"),
                ("a,b", "a%2Cb"),
                ("a+b", "a%20b"),
                ("a%20b", "a+b"),
                ("%FF", "%ff"),
                ("\udcff", "%FF"),
            ]
        ),
    ],
)
def test_difference_of_the_url_is_reported_with_what_to_set(url: str, changes: dict[str, Any], says: str) -> None:
    """Most webhooks are refused because a proxy changes the URL; the log line must have the fix."""
    assert explain(url, **changes) == MATCHES + says


@pytest.mark.parametrize(
    ("pairs", "received", "says"),
    [
        pytest.param(
            (*PAIRS, ("FromCity", "")),
            PAIRS,
            "with an empty FromCity: a proxy or a filter drops empty fields",
            id="one empty field dropped",
        ),
        pytest.param(
            (*PAIRS, *PLACES, ("FromCity", ""), ("ToZip", "")),
            (*PAIRS, *PLACES),
            "with an empty FromCity and ToZip: a proxy or a filter drops empty fields",
            id="every empty field dropped",
        ),
        pytest.param(
            PAIRS,
            (*PAIRS, ("Extra", "")),
            "without the empty fields: they were added in transit",
            id="empty field added",
        ),
        pytest.param(
            (*PAIRS[:3], ("Body", "Yes ")),
            PAIRS,
            "with a space after the Body: a proxy or a filter trims white space",
            id="space after the text trimmed",
        ),
        pytest.param(
            (*PAIRS[:3], ("Body", " Yes")),
            PAIRS,
            "with a space before the Body: a proxy or a filter trims white space",
            id="space before the text trimmed",
        ),
        pytest.param(
            (*PAIRS[:3], ("Body", "Yes\n")),
            PAIRS,
            "with a line break after the Body: a proxy or a filter trims white space",
            id="line break trimmed",
        ),
        pytest.param(
            PAIRS,
            (*PAIRS[:3], ("Body", " Yes\n")),
            "with white space trimmed: it was added in transit",
            id="white space added",
        ),
        pytest.param(
            PAIRS,
            (*PAIRS, ("Body", "again")),
            "with one value per name: fields were repeated in transit",
            id="field repeated with another value",
        ),
        pytest.param(
            (), PAIRS, "without any field: it was signed as a GET, or the body was added in transit", id="body added"
        ),
    ],
)
def test_difference_of_the_form_is_reported(
    pairs: tuple[tuple[str, str], ...], received: tuple[tuple[str, str], ...], says: str
) -> None:
    """Frameworks and firewalls drop empty fields and trim texts, which is hard to find out otherwise."""
    assert explain(pairs=pairs, received=received) == MATCHES + says


def test_all_dropped_empty_fields_are_named() -> None:
    """A picture from a number in an unknown place has nine empty fields, and a filter drops all of them."""
    places = [f"{side}{part}" for side in ("From", "To") for part in ("City", "State", "Zip", "Country")]
    pairs = (*PAIRS[:3], ("Body", ""), *((name, "") for name in places))

    says = explain(pairs=pairs, received=PAIRS[:3])

    assert says == f"{MATCHES}with an empty {' and '.join(['Body', *places])}: a proxy or a filter drops empty fields"


@pytest.mark.parametrize(
    ("settings", "changes", "says"),
    [
        pytest.param(
            {"TWIML_AUTH_TOKENS": {ACCOUNT: OTHER_TOKEN, OTHER_ACCOUNT: TOKEN}},
            {},
            f"another configured token signed it, not one for {ACCOUNT}",
            id="token of another account",
        ),
        pytest.param(
            {"TWIML_AUTH_TOKENS": {ACCOUNT: OTHER_TOKEN, OTHER_ACCOUNT: [TOKEN]}},
            {"scheme": "http"},
            f"another configured token signed it, not one for {ACCOUNT}, with https: set TWIML_PUBLIC_URL",
            id="token of another account, and https",
        ),
        pytest.param(
            {"TWIML_AUTH_TOKENS": {OTHER_ACCOUNT: TOKEN}},
            {},
            f"it is signed for the account {ACCOUNT}, but the configured token is for {OTHER_ACCOUNT}: {SET_THE_SAME}",
            id="account without a token",
        ),
        pytest.param(
            SIGNED | {"TWILIO_ACCOUNT_SID": OTHER_ACCOUNT},
            {},
            f"it is signed for the account {ACCOUNT}, but the configured token is for {OTHER_ACCOUNT}: {SET_THE_SAME}",
            id="token of another single account",
        ),
        pytest.param(
            {"TWIML_AUTH_TOKENS": {OTHER_ACCOUNT: TOKEN, THIRD_ACCOUNT: OTHER_TOKEN}},
            {},
            f"it is signed for the account {ACCOUNT}, but the configured tokens are for {OTHER_ACCOUNT} and"
            f" {THIRD_ACCOUNT}: {SET_THE_SAME}",
            id="account without a token, several tokens",
        ),
        pytest.param({"TWIML_AUTH_TOKENS": [OTHER_TOKEN, "e" * 32]}, {}, NO_VARIANT_MATCHES, id="no token matches"),
        pytest.param(SIGNED, {"pairs": (("Body", "No"),)}, NO_VARIANT_MATCHES, id="another form"),
        pytest.param(SIGNED, {"token": ""}, NO_VARIANT_MATCHES, id="signed with an empty token"),
        pytest.param(
            SIGNED,
            {"headers": {HEADER.lower(): ""}},
            "there is no X-Twilio-Signature header: the sender is not Twilio, or a proxy drops the header",
            id="no signature",
        ),
        pytest.param(
            SHARED,
            {},
            "it is signed with an auth token, but none is configured: set TWILIO_AUTH_TOKEN",
            id="auth token where only a shared key is configured",
        ),
        pytest.param(
            SHARED | SIGNED,
            {"headers": {SETTINGS_HEADER.lower(): "key=k2,algorithm=HMAC_SHA256"}},
            "it is signed with the shared key k2: add its secret to TWIML_SHARED_KEYS",
            id="unknown shared key",
        ),
        pytest.param(
            SHARED | SIGNED,
            {"headers": {SETTINGS_HEADER.lower(): "key=k1,algorithm=HMAC_SHA256"}},
            "no variant of the request matches: the secret of the shared key k1 in TWIML_SHARED_KEYS is wrong, or the"
            " request was changed in transit",
            id="shared key with another secret",
        ),
        pytest.param(
            SIGNED,
            {"headers": {SETTINGS_HEADER.lower(): "algorithm=MD5"}},
            "it is signed with MD5, which is neither HMAC_SHA1 nor HMAC_SHA256",
            id="unknown algorithm",
        ),
    ],
)
def test_wrong_key_and_changed_request_are_distinguished(
    settings: Mapping[str, object], changes: dict[str, Any], says: str
) -> None:
    """With several accounts and rotating secrets, people need to know which one is missing."""
    assert explain(settings=settings, **changes) == says


def test_shared_key_is_diagnosed_like_an_auth_token() -> None:
    """Behind a proxy, the newer scheme fails for the same reasons as the old one."""
    headers = {
        HEADER.lower(): sign(URL, PAIRS, "shared-secret", algorithm="HMAC_SHA256"),
        SETTINGS_HEADER.lower(): "key=k1,algorithm=HMAC_SHA256",
    }

    assert explain(settings=SHARED, headers=headers, scheme="http") == MATCHES + "with https: set TWIML_PUBLIC_URL"


def test_get_and_json_are_explained_without_a_form() -> None:
    """Neither signs a form, so guesses about fields would be misleading."""
    query = Form(PAIRS).encode()
    body = b'{"type": "com.twilio.messaging.inbound-message.received"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    by_get = explain(
        f"{URL}?{query}", pairs=(), received=PAIRS, method="GET", target=f"/message?{query}", scheme="http"
    )
    by_json = explain(
        url,
        pairs=(),
        received=(),
        headers={"content-type": "application/json"},
        body=body,
        target=url.removeprefix(f"https://{HOST}"),
        scheme="http",
    )

    assert by_get == by_json == MATCHES + "with https: set TWIML_PUBLIC_URL"
    assert explain(URL, method="GET", target=f"/message?{query}") == NO_VARIANT_MATCHES


def test_only_a_few_forwarded_hosts_are_tried() -> None:
    """Each guess needs a signature, and the sender chooses how many hosts there are."""
    hosts = ", ".join([*(f"h{number}.example.com" for number in range(500)), HOST])

    assert explain(host="10.0.0.5", headers={"x-forwarded-host": hosts}) == NO_VARIANT_MATCHES


wire = st.binary(max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
latin = st.text(st.characters(max_codepoint=255), max_size=30)


@given(
    host=latin,
    query=wire,
    path=wire,
    forwarded=latin,
    prefix=latin,
    settings_header=st.sampled_from(["", "key=k1,algorithm=HMAC_SHA256", "algorithm=x"]),
    body=wire,
    content_type=st.sampled_from(["", "application/json"]),
)
def test_any_request_is_explained_in_one_line(
    host: str, query: str, path: str, forwarded: str, prefix: str, settings_header: str, body: str, content_type: str
) -> None:
    """Attackers' requests are explained too: this must neither fail nor show a secret."""
    request = WebhookRequest(
        endpoint="message",
        method="POST",
        scheme="https",
        host=host,
        target=f"/{path}?bodySHA256={query}",
        headers={
            "content-type": content_type,
            "x-twilio-signature": "x",
            "x-twilio-webhooks-signature-settings": settings_header,
            "x-forwarded-host": forwarded,
            "x-forwarded-prefix": prefix,
        },
    )
    says = explain_signature(request, Form([("Body", body), ("AccountSid", body)]), read_settings(SIGNED, SHARED))

    assert says
    assert TOKEN not in says
