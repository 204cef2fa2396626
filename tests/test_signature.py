"""Signatures: only requests that Twilio signed are accepted, and the official library agrees."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, urlparse

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm
from werkzeug.datastructures import MultiDict

from tests.helpers import SAMPLES
from twiml_app.signature import Algorithm, read_signature_settings, sign, verify
from twiml_app.webhook import Form

VECTORS: list[dict[str, Any]] = json.loads((SAMPLES / "signature-vectors.json").read_text("utf-8"))
URL = "https://sms.example.com/message"
FORM = (("Body", "Hi"), ("From", "+15005550001"))
TOKEN = "0123456789abcdef"  # a token that protects nothing

Pairs = tuple[tuple[str, str], ...]


def pairs_of(vector: dict[str, Any]) -> Pairs:
    """Return the form of a vector; a name may have a list of values."""
    return tuple(
        (name, value)
        for name, values in (vector["params"] or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )


def vector_id(vector: dict[str, Any]) -> str:
    """Return a unique id of a vector."""
    return f"{vector['id']} {vector['note'] or vector['recomputed_over'] or 'refused'}"


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector_id(vector)) for vector in VECTORS])
def test_published_vectors_of_the_official_libraries_hold(vector: dict[str, Any]) -> None:
    """The test suites of six libraries are the only public record of how Twilio signs."""
    body = None if vector["body"] is None else vector["body"].encode()

    assert verify(vector["url"], pairs_of(vector), vector["signature"], [vector["token"]], body=body) is vector["valid"]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
#: Few names, so that they repeat; some are prefixes of others.
FORMS = st.lists(st.tuples(st.sampled_from(["Body", "body", "Bod", "Bodyé", "Ä"]) | NAMES, TEXTS), max_size=8).map(
    tuple
)
TOKENS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ALGORITHMS: st.SearchStrategy[Algorithm] = st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"])
HOSTS = st.sampled_from(["example.com", "Example.COM", "a.b.example.com", "localhost", "10.0.0.1", "münchen.example"])
PORTS = st.none() | st.sampled_from([80, 443, 8443]) | st.integers(1, 65535)
#: Without what the official library cannot handle: an empty query, white space, an apostrophe in the query.
PATHS = st.just("") | st.text(st.sampled_from("aB9/%é✓=&+;:@.,-_~!$()*'"), max_size=12).map(lambda path: f"/{path}")
QUERIES = st.just("") | st.text(st.sampled_from("aB9/%é✓=&+;:@.,-_~!$()*?"), min_size=1, max_size=12).map("?{}".format)


@st.composite
def urls(draw: st.DrawFn) -> tuple[str, str, int | None, str]:
    """Draw the parts of a URL: scheme, host, port, and the rest."""
    target = draw(PATHS) + draw(QUERIES)
    scheme, host, port = draw(st.sampled_from(["http", "https"])), draw(HOSTS), draw(PORTS)
    url = joined(scheme, host, port, target)
    assume(urlparse(url).geturl() == url)
    return scheme, host, port, target


def joined(scheme: str, host: str, port: int | None, target: str) -> str:
    """Return the URL with these parts."""
    return f"{scheme}://{host}{'' if port is None else f':{port}'}{target}"


@settings(deadline=None)
@given(st.text(max_size=30).filter(lambda text: text.encode("utf-8", "replace") == text.encode("utf-8", "ignore")))
def test_any_url_gets_the_signature_of_the_official_library(url: str) -> None:
    """The URL is signed as it was called: any change to it breaks signatures."""
    assert sign(url, FORM, TOKEN) == RequestValidator(TOKEN).compute_signature(url, MultiDict(FORM))


@settings(deadline=None)
@given(FORMS, TOKENS, ALGORITHMS)
def test_any_form_gets_the_signature_of_the_official_library(form: Pairs, token: str, algorithm: Algorithm) -> None:
    """Implementations differ in repeated names, empty values and other scripts."""
    official = RequestValidator(token).compute_signature(URL, MultiDict(form), algorithm)

    assert sign(URL, form, token, algorithm=algorithm) == official
    assert sign(URL, Form(form).pairs, token, algorithm=algorithm) == official


@settings(deadline=None)
@given(urls(), FORMS, ALGORITHMS, st.sampled_from(["", "ann@", "ann%40home@"]), st.data())
def test_verification_agrees_with_the_official_library(
    parts: tuple[str, str, int | None, str], form: Pairs, algorithm: Algorithm, userinfo: str, data: st.DataObject
) -> None:
    """Twilio is inconsistent about ports: exactly the requests that the official library accepts must pass."""
    scheme, host, port, target = parts
    url = joined(scheme, userinfo + host, port if not userinfo else None, target)
    signed = data.draw(
        st.sampled_from(
            [
                url,
                joined(scheme, userinfo + host, None, target),
                joined(scheme, userinfo + host, 443 if scheme == "https" else 80, target),
                joined(scheme, userinfo + host, 80 if scheme == "https" else 443, target),
                joined("https" if scheme == "http" else "http", userinfo + host, port, target),
                url + "x",
            ]
        ),
        label="signed URL",
    )
    signature = sign(signed, data.draw(st.sampled_from([form, FORM]), label="signed form"), TOKEN, algorithm=algorithm)
    official = RequestValidator(TOKEN).validate(url, MultiDict(form), signature, algorithm)

    assert verify(url, form, signature, [TOKEN], algorithm=algorithm) == official


@settings(deadline=None)
@given(FORMS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_fields_do_not_matter(form: Pairs, random: Any) -> None:
    """Frameworks may pass on the fields in another order."""
    shuffled = [*form, *form]
    random.shuffle(shuffled)

    assert verify(URL, shuffled, sign(URL, form, TOKEN), [TOKEN])


@settings(deadline=None)
@given(FORMS, FORMS)
def test_another_form_is_refused(form: Pairs, other: Pairs) -> None:
    """A text that was changed in transit must be detected."""
    assume("".join(map("".join, sorted(set(form)))) != "".join(map("".join, sorted(set(other)))))

    assert not verify(URL, other, sign(URL, form, TOKEN), [TOKEN])


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=6), st.binary(max_size=6)), max_size=6, unique=True))
def test_bytes_that_are_not_utf_8_are_signed_unchanged(pairs: list[tuple[bytes, bytes]]) -> None:
    """Carriers pass on broken texts, and Twilio signs their bytes; such a text must not be refused."""
    body = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    signed = URL.encode() + b"".join(name + value for name, value in sorted(pairs))
    signature = base64.b64encode(hmac.digest(TOKEN.encode(), signed, "sha1")).decode()

    assert sign(URL, Form.read(body, max_fields=500).pairs, TOKEN) == signature


@pytest.mark.parametrize(
    "signed",
    [
        pytest.param("https://ann:secret@sms.example.com:8443/message", id="as configured"),
        pytest.param("https://ann:secret@sms.example.com/message", id="without the port"),
        pytest.param("https://sms.example.com:8443/message", id="without user and password, as documented"),
        pytest.param("https://sms.example.com/message", id="without either"),
    ],
)
def test_url_with_credentials_and_port_is_accepted_in_every_known_variant(signed: str) -> None:
    """We recommend basic credentials in the URL, and each of these ways to sign them has been seen."""
    url = "https://ann:secret@sms.example.com:8443/message"

    assert verify(url, FORM, sign(signed, FORM, TOKEN), [TOKEN])


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        pytest.param("https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x", id="IPv6 with the default port"),
        pytest.param("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]/x", id="IPv6 without its port"),
        pytest.param("https://2130706433/x", "https://2130706433:443/x", id="host that is a number"),
        pytest.param("HTTPS://sms.example.com/x", "HTTPS://sms.example.com:443/x", id="scheme in capitals"),
        pytest.param("https://sms.example.com#rc=2", "https://sms.example.com:443#rc=2", id="fragment after the host"),
        pytest.param(
            "https://sms.example.com/x?a='b'", "https://sms.example.com/x?a=%27b%27", id="apostrophe in query"
        ),
        pytest.param("https://h/it's?a='", "https://h/it's?a=%27", id="apostrophe in the path stays"),
        pytest.param("https://h/x?", "https://h/x?", id="empty query"),
        pytest.param("/message?next=https://h", "/message?next=https://h", id="relative URL"),
    ],
)
def test_variant_of_a_url_is_accepted(url: str, signed: str) -> None:
    """Twilio has several rules, and a signature by any of them is Twilio's."""
    assert verify(url, FORM, sign(signed, FORM, TOKEN), [TOKEN])


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        pytest.param(URL, URL + "/", id="trailing slash"),
        pytest.param(URL, URL.upper(), id="case"),
        pytest.param(URL, URL.replace("https", "http"), id="scheme"),
        pytest.param(URL, URL.replace("com/", "com:8443/"), id="added port"),
        pytest.param(URL, URL.replace("//", "//ann@"), id="added user"),
        pytest.param(URL + "?a=1", URL + "?a=2", id="query"),
        pytest.param(URL + "?a=1", URL, id="unsigned query"),
        pytest.param("https://h/it's", "https://h/it%27s", id="apostrophe in the path"),
        pytest.param("https://h/x?u=a@b:1", "https://h/x?u=b", id="at sign in the query is not a user"),
        pytest.param("https://ann:1@h:2/x", "https://ann:1/x", id="user and password are not the host"),
    ],
)
def test_signature_of_another_url_is_refused(url: str, signed: str) -> None:
    """A signature that matches several URLs could be copied from one to another."""
    assert not verify(url, FORM, sign(signed, FORM, TOKEN), [TOKEN])


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="missing"),
        pytest.param(sign(URL, FORM, TOKEN)[:-1], id="cut off"),
        pytest.param(sign(URL, FORM, TOKEN) + "=", id="longer"),
        pytest.param(sign(URL, FORM, TOKEN).lower(), id="other case"),
        pytest.param(sign(URL, FORM, "another"), id="another token"),
        pytest.param(sign(URL, FORM, TOKEN, algorithm="HMAC_SHA256"), id="another algorithm"),
        pytest.param("ÿ\x00\udcff", id="not even base64"),
    ],
)
def test_wrong_signature_is_refused_and_never_raises(signature: str) -> None:
    """Anybody can send any header: the answer must be 403, not a crash."""
    assert not verify(URL, FORM, signature, [TOKEN])


def test_any_of_the_tokens_may_have_signed() -> None:
    """During a rotation, both tokens are in use."""
    signature = sign(URL, FORM, TOKEN)

    assert verify(URL, FORM, signature, ["old", TOKEN])
    assert verify(URL, FORM, signature, [TOKEN, "new"])
    assert not verify(URL, FORM, signature, [])


def test_empty_token_never_matches() -> None:
    """An unset variable may become an empty token, and anybody could sign with it."""
    assert not verify(URL, FORM, sign(URL, FORM, ""), ["", TOKEN])


def test_single_string_instead_of_a_list_is_one_token() -> None:
    """As a list, each of its characters would be a token: sixteen guesses would forge a request."""
    assert verify(URL, FORM, sign(URL, FORM, TOKEN), TOKEN)
    assert not verify(URL, FORM, sign(URL, FORM, TOKEN[0]), TOKEN)


BODY = '{"text": "schön"}'
BODY_SHA256 = hashlib.sha256(BODY.encode()).hexdigest()


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        pytest.param(f"?bodySHA256={BODY_SHA256}", True, id="hash matches"),
        pytest.param(f"?a=1&bodySHA256={BODY_SHA256}&b=2", True, id="among others"),
        pytest.param(f"?bodySHA256={BODY_SHA256}#rc=2", True, id="before a fragment"),
        pytest.param("?bodySHA256=" + "0" * 64, False, id="hash of another body"),
        pytest.param("?bodySHA256=", False, id="empty hash"),
        pytest.param("?bodySHA256=%ff\udcff", False, id="hash that is not text"),
        pytest.param(f"?bodysha256={BODY_SHA256}", False, id="name in another case"),
        pytest.param("", False, id="no hash"),
    ],
)
def test_body_that_is_not_a_form_needs_its_hash_in_the_url(query: str, matches: bool) -> None:
    """Only the URL of a JSON webhook is signed: without the hash, anybody could replace the body."""
    assert verify(URL + query, (), sign(URL + query, (), TOKEN), [TOKEN], body=BODY.encode()) is matches
    assert not verify(URL + query, (), sign(URL + query, (), "another"), [TOKEN], body=BODY.encode())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
def test_verification_of_a_body_hash_agrees_with_the_official_library(body: str, changed: bool) -> None:
    """JSON webhooks (Studio, Event Streams) are signed differently."""
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    arrived, signature = body + "!" * changed, sign(url, (), TOKEN)

    assert verify(url, (), signature, [TOKEN], body=arrived.encode()) is not changed
    assert RequestValidator(TOKEN).validate(url, arrived, signature) is not changed


def test_invalid_host_is_refused_without_a_crash() -> None:
    """The sender chooses the Host header: a bracket in it must not cause a 500."""
    url = f"https://[half/message?bodySHA256={BODY_SHA256}"

    assert not verify(url, (), "forged", [TOKEN], body=BODY.encode())
    assert verify(url, (), sign(url, (), TOKEN), [TOKEN], body=BODY.encode())


@pytest.mark.parametrize(
    ("header", "settings"),
    [
        pytest.param("", ("", "HMAC_SHA1"), id="missing"),
        pytest.param("key=webhooks_1,algorithm=HMAC_SHA256", ("webhooks_1", "HMAC_SHA256"), id="shared key"),
        pytest.param(" algorithm = HMAC_SHA256 , key = k ", ("k", "HMAC_SHA256"), id="white space, other order"),
        pytest.param("key=k,algorithm=hmac_sha256", ("k", "HMAC_SHA256"), id="lower case"),
        pytest.param("key=k", ("k", "HMAC_SHA1"), id="only a key"),
        pytest.param("key=k,algorithm=", ("k", "HMAC_SHA1"), id="empty algorithm"),
        pytest.param(",=,;algorithm", ("", "HMAC_SHA1"), id="nonsense"),
        pytest.param("algorithm=MD5", ("", "MD5"), id="unknown algorithm"),
    ],
)
def test_settings_header_names_key_and_algorithm(header: str, settings: tuple[str, str]) -> None:
    """A signature with a shared key must not be verified with the auth token, or the other way round."""
    assert read_signature_settings(header) == settings
    assert get_signature_algorithm(header).upper() == settings[1]


CREDENTIALS_AND_PORT = "https://ann:secret@sms.example.com:8443/message"


def test_official_library_cuts_a_url_with_credentials_and_port() -> None:
    """A known bug there: it refuses the URL without its port, and accepts one whose host is the user."""
    official = RequestValidator(TOKEN)
    portless, cut = "https://ann:secret@sms.example.com/message", "https://ann/message"

    assert not official.validate(CREDENTIALS_AND_PORT, MultiDict(FORM), sign(portless, FORM, TOKEN))
    assert verify(CREDENTIALS_AND_PORT, FORM, sign(portless, FORM, TOKEN), [TOKEN])
    assert official.validate(CREDENTIALS_AND_PORT, MultiDict(FORM), sign(cut, FORM, TOKEN))
    assert not verify(CREDENTIALS_AND_PORT, FORM, sign(cut, FORM, TOKEN), [TOKEN])


def test_official_library_cuts_an_ipv6_host_with_a_port() -> None:
    """A known bug there: it mistakes the first colon of the address for the one before the port."""
    url, portless, cut = "https://[2001:db8::1]:8443/x", "https://[2001:db8::1]/x", "https://[2001/x"

    assert not RequestValidator(TOKEN).validate(url, MultiDict(FORM), sign(portless, FORM, TOKEN))
    assert verify(url, FORM, sign(portless, FORM, TOKEN), [TOKEN])
    assert not verify(url, FORM, sign(cut, FORM, TOKEN), [TOKEN])


def test_official_library_drops_an_empty_query() -> None:
    """A known bug there: Twilio signs the URL as configured, with its question mark."""
    assert not RequestValidator(TOKEN).validate(URL + "?", MultiDict(FORM), sign(URL + "?", FORM, TOKEN))
    assert verify(URL + "?", FORM, sign(URL + "?", FORM, TOKEN), [TOKEN])


def test_official_library_raises_for_bytes_that_are_not_utf_8() -> None:
    """A known bug there: a broken text from a phone would be answered with 500."""
    form = (("Body", "caf\udce9"),)

    with pytest.raises(UnicodeEncodeError):
        RequestValidator(TOKEN).compute_signature(URL, MultiDict(form))
    assert verify(URL, form, sign(URL, form, TOKEN), [TOKEN])


def test_official_library_raises_for_a_missing_signature() -> None:
    """A known bug there: a request without the header would be answered with 500."""
    with pytest.raises(TypeError):
        RequestValidator(TOKEN).validate(URL, MultiDict(FORM), None)
    assert not verify(URL, FORM, "", [TOKEN])


def test_official_library_raises_for_json_without_its_hash() -> None:
    """A known bug there: it treats the body as a mapping."""
    with pytest.raises(TypeError):
        RequestValidator(TOKEN).validate(URL, BODY, sign(URL, (), TOKEN))
    assert not verify(URL, (), sign(URL, (), TOKEN), [TOKEN], body=BODY.encode())
