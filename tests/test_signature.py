"""Signatures: what Twilio signed is let in, what it did not is not, and the official library agrees."""

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
TOKEN = "0123456789abcdef"  # a token that nothing is protected by

Pairs = tuple[tuple[str, str], ...]


def pairs_of(vector: dict[str, Any]) -> Pairs:
    """Return the form of a vector: a name may have a list of values."""
    return tuple(
        (name, value)
        for name, values in (vector["params"] or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )


def vector_id(vector: dict[str, Any]) -> str:
    """Return what tells a vector from the others."""
    return f"{vector['id']} {vector['note'] or vector['recomputed_over'] or 'refused'}"


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector_id(vector)) for vector in VECTORS])
def test_published_vectors_of_the_official_libraries_hold(vector: dict[str, Any]) -> None:
    """Six libraries in six languages are the only public record of how Twilio signs."""
    body = None if vector["body"] is None else vector["body"].encode()

    assert verify(vector["url"], pairs_of(vector), vector["signature"], [vector["token"]], body=body) is vector["valid"]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
#: Few names, so that they repeat, one the beginning of another.
FORMS = st.lists(st.tuples(st.sampled_from(["Body", "body", "Bod", "Bodyé", "Ä"]) | NAMES, TEXTS), max_size=8).map(
    tuple
)
TOKENS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ALGORITHMS: st.SearchStrategy[Algorithm] = st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"])
HOSTS = st.sampled_from(["example.com", "Example.COM", "a.b.example.com", "localhost", "10.0.0.1", "münchen.example"])
PORTS = st.none() | st.sampled_from([80, 443, 8443]) | st.integers(1, 65535)
#: Without what the official library cannot carry: a lone mark, white space, an apostrophe in the query.
PATHS = st.just("") | st.text(st.sampled_from("aB9/%é✓=&+;:@.,-_~!$()*'"), max_size=12).map(lambda path: f"/{path}")
QUERIES = st.just("") | st.text(st.sampled_from("aB9/%é✓=&+;:@.,-_~!$()*?"), min_size=1, max_size=12).map("?{}".format)


@st.composite
def urls(draw: st.DrawFn) -> tuple[str, str, int | None, str]:
    """Draw the parts of a URL: scheme, host, port, and what follows."""
    target = draw(PATHS) + draw(QUERIES)
    scheme, host, port = draw(st.sampled_from(["http", "https"])), draw(HOSTS), draw(PORTS)
    url = joined(scheme, host, port, target)
    assume(urlparse(url).geturl() == url)
    return scheme, host, port, target


def joined(scheme: str, host: str, port: int | None, target: str) -> str:
    """Return the URL of its parts."""
    return f"{scheme}://{host}{'' if port is None else f':{port}'}{target}"


@settings(deadline=None)
@given(st.text(max_size=30).filter(lambda text: text.encode("utf-8", "replace") == text.encode("utf-8", "ignore")))
def test_official_library_signs_the_same_whatever_the_url(url: str) -> None:
    """The URL is signed as it was called: whatever is done to it breaks signatures."""
    assert sign(url, FORM, TOKEN) == RequestValidator(TOKEN).compute_signature(url, MultiDict(FORM))


@settings(deadline=None)
@given(FORMS, TOKENS, ALGORITHMS)
def test_official_library_signs_every_form_the_same(form: Pairs, token: str, algorithm: Algorithm) -> None:
    """Repeated names, empty values and other scripts are where implementations part."""
    official = RequestValidator(token).compute_signature(URL, MultiDict(form), algorithm)

    assert sign(URL, form, token, algorithm=algorithm) == official
    assert sign(URL, Form(form).pairs, token, algorithm=algorithm) == official


@settings(deadline=None)
@given(urls(), FORMS, ALGORITHMS, st.sampled_from(["", "ann@", "ann%40home@"]), st.data())
def test_official_library_verifies_the_same(
    parts: tuple[str, str, int | None, str], form: Pairs, algorithm: Algorithm, userinfo: str, data: st.DataObject
) -> None:
    """Twilio is inconsistent about ports: what the official library lets through must pass, and nothing else."""
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
    """Frameworks hand the fields over in another order than they came."""
    shuffled = [*form, *form]
    random.shuffle(shuffled)

    assert verify(URL, shuffled, sign(URL, form, TOKEN), [TOKEN])


@settings(deadline=None)
@given(FORMS, FORMS)
def test_another_form_is_refused(form: Pairs, other: Pairs) -> None:
    """Whoever changes a text on its way must be noticed."""
    assume("".join(map("".join, sorted(set(form)))) != "".join(map("".join, sorted(set(other)))))

    assert not verify(URL, other, sign(URL, form, TOKEN), [TOKEN])


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=6), st.binary(max_size=6)), max_size=6, unique=True))
def test_bytes_that_are_not_utf_8_are_signed_as_they_are(pairs: list[tuple[bytes, bytes]]) -> None:
    """Carriers pass on broken texts; Twilio signs what it sends, and a customer's text must not be refused for it."""
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
def test_url_with_credentials_and_port_is_accepted_as_any_library_signs_it(signed: str) -> None:
    """Basic credentials in the URL are this product's own advice: each way of signing them has been seen."""
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
    """A signature that Twilio made by another of its rules is Twilio's all the same."""
    assert verify(url, FORM, sign(signed, FORM, TOKEN), [TOKEN])


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        pytest.param(URL, URL + "/", id="trailing slash"),
        pytest.param(URL, URL.upper(), id="case"),
        pytest.param(URL, URL.replace("https", "http"), id="scheme"),
        pytest.param(URL, URL.replace("com/", "com:8443/"), id="port that was not called"),
        pytest.param(URL, URL.replace("//", "//ann@"), id="user that was not called"),
        pytest.param(URL + "?a=1", URL + "?a=2", id="query"),
        pytest.param(URL + "?a=1", URL, id="query not signed"),
        pytest.param("https://h/it's", "https://h/it%27s", id="apostrophe in the path"),
        pytest.param("https://h/x?u=a@b:1", "https://h/x?u=b", id="at sign in the query is no user"),
        pytest.param("https://ann:1@h:2/x", "https://ann:1/x", id="user and password are not the host"),
    ],
)
def test_signature_of_another_url_is_refused(url: str, signed: str) -> None:
    """A signature that fits more than one URL could be taken from one and used at another."""
    assert not verify(url, FORM, sign(signed, FORM, TOKEN), [TOKEN])


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="missing"),
        pytest.param(sign(URL, FORM, TOKEN)[:-1], id="cut"),
        pytest.param(sign(URL, FORM, TOKEN) + "=", id="longer"),
        pytest.param(sign(URL, FORM, TOKEN).lower(), id="other case"),
        pytest.param(sign(URL, FORM, "another"), id="another token"),
        pytest.param(sign(URL, FORM, TOKEN, algorithm="HMAC_SHA256"), id="another algorithm"),
        pytest.param("ÿ\x00\udcff", id="not even base64"),
    ],
)
def test_wrong_signature_is_refused_and_never_raises(signature: str) -> None:
    """Anybody may send anything in the header: the answer is 403, not a crash."""
    assert not verify(URL, FORM, signature, [TOKEN])


def test_any_of_the_tokens_may_have_signed() -> None:
    """While a token is rotated, both are in use."""
    signature = sign(URL, FORM, TOKEN)

    assert verify(URL, FORM, signature, ["old", TOKEN])
    assert verify(URL, FORM, signature, [TOKEN, "new"])
    assert not verify(URL, FORM, signature, [])


def test_empty_token_signs_nothing() -> None:
    """An unset variable becomes an empty token, with which anybody could sign."""
    assert not verify(URL, FORM, sign(URL, FORM, ""), ["", TOKEN])


def test_single_text_in_place_of_a_list_is_one_token() -> None:
    """Taken for a list, each of its characters would be a token: sixteen guesses forge a request."""
    assert verify(URL, FORM, sign(URL, FORM, TOKEN), TOKEN)
    assert not verify(URL, FORM, sign(URL, FORM, TOKEN[0]), TOKEN)


BODY = '{"text": "schön"}'
BODY_SHA256 = hashlib.sha256(BODY.encode()).hexdigest()


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        pytest.param(f"?bodySHA256={BODY_SHA256}", True, id="hash fits"),
        pytest.param(f"?a=1&bodySHA256={BODY_SHA256}&b=2", True, id="among others"),
        pytest.param(f"?bodySHA256={BODY_SHA256}#rc=2", True, id="before a fragment"),
        pytest.param("?bodySHA256=" + "0" * 64, False, id="hash of another body"),
        pytest.param("?bodySHA256=", False, id="empty hash"),
        pytest.param("?bodySHA256=%ff\udcff", False, id="hash that is no text"),
        pytest.param(f"?bodysha256={BODY_SHA256}", False, id="name in another case"),
        pytest.param("", False, id="no hash"),
    ],
)
def test_body_that_is_no_form_must_have_the_hash_in_its_url(query: str, fits: bool) -> None:
    """Only the URL of a JSON webhook is signed: without the hash its body could be anybody's."""
    assert verify(URL + query, (), sign(URL + query, (), TOKEN), [TOKEN], body=BODY.encode()) is fits
    assert not verify(URL + query, (), sign(URL + query, (), "another"), [TOKEN], body=BODY.encode())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
def test_official_library_verifies_the_hash_of_a_body_the_same(body: str, changed: bool) -> None:
    """JSON webhooks (Studio, Event Streams) are signed in a way of their own."""
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    arrived, signature = body + "!" * changed, sign(url, (), TOKEN)

    assert verify(url, (), signature, [TOKEN], body=arrived.encode()) is not changed
    assert RequestValidator(TOKEN).validate(url, arrived, signature) is not changed


def test_host_that_is_no_host_is_refused_without_a_crash() -> None:
    """The Host header is the sender's to choose: a bracket in it must not answer 500."""
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
        pytest.param("key=k", ("k", "HMAC_SHA1"), id="key alone"),
        pytest.param("key=k,algorithm=", ("k", "HMAC_SHA1"), id="empty algorithm"),
        pytest.param(",=,;algorithm", ("", "HMAC_SHA1"), id="nonsense"),
        pytest.param("algorithm=MD5", ("", "MD5"), id="algorithm that is none of ours"),
    ],
)
def test_settings_header_names_key_and_algorithm(header: str, settings: tuple[str, str]) -> None:
    """A signature by a shared key must not be taken for one by the auth token, nor the other way round."""
    assert read_signature_settings(header) == settings
    assert get_signature_algorithm(header).upper() == settings[1]


CREDENTIALS_AND_PORT = "https://ann:secret@sms.example.com:8443/message"


def test_official_library_cuts_a_url_with_credentials_and_port() -> None:
    """Known to be wrong there: it refuses the URL without its port, and lets in one whose host is the user."""
    official = RequestValidator(TOKEN)
    portless, cut = "https://ann:secret@sms.example.com/message", "https://ann/message"

    assert not official.validate(CREDENTIALS_AND_PORT, MultiDict(FORM), sign(portless, FORM, TOKEN))
    assert verify(CREDENTIALS_AND_PORT, FORM, sign(portless, FORM, TOKEN), [TOKEN])
    assert official.validate(CREDENTIALS_AND_PORT, MultiDict(FORM), sign(cut, FORM, TOKEN))
    assert not verify(CREDENTIALS_AND_PORT, FORM, sign(cut, FORM, TOKEN), [TOKEN])


def test_official_library_cuts_an_ipv6_host_with_a_port() -> None:
    """Known to be wrong there: it takes the first colon of the address for that of the port."""
    url, portless, cut = "https://[2001:db8::1]:8443/x", "https://[2001:db8::1]/x", "https://[2001/x"

    assert not RequestValidator(TOKEN).validate(url, MultiDict(FORM), sign(portless, FORM, TOKEN))
    assert verify(url, FORM, sign(portless, FORM, TOKEN), [TOKEN])
    assert not verify(url, FORM, sign(cut, FORM, TOKEN), [TOKEN])


def test_official_library_drops_an_empty_query() -> None:
    """Known to be wrong there: the URL is signed as it was configured, with its question mark."""
    assert not RequestValidator(TOKEN).validate(URL + "?", MultiDict(FORM), sign(URL + "?", FORM, TOKEN))
    assert verify(URL + "?", FORM, sign(URL + "?", FORM, TOKEN), [TOKEN])


def test_official_library_raises_for_bytes_that_are_not_utf_8() -> None:
    """Known to be wrong there: a broken text from a phone would be answered 500."""
    form = (("Body", "caf\udce9"),)

    with pytest.raises(UnicodeEncodeError):
        RequestValidator(TOKEN).compute_signature(URL, MultiDict(form))
    assert verify(URL, form, sign(URL, form, TOKEN), [TOKEN])


def test_official_library_raises_for_a_missing_signature() -> None:
    """Known to be wrong there: a stranger's request without the header would be answered 500."""
    with pytest.raises(TypeError):
        RequestValidator(TOKEN).validate(URL, MultiDict(FORM), None)
    assert not verify(URL, FORM, "", [TOKEN])


def test_official_library_raises_for_json_without_its_hash() -> None:
    """Known to be wrong there: the text is taken for a mapping."""
    with pytest.raises(TypeError):
        RequestValidator(TOKEN).validate(URL, BODY, sign(URL, (), TOKEN))
    assert not verify(URL, (), sign(URL, (), TOKEN), [TOKEN], body=BODY.encode())
