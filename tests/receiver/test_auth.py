"""Authentication: only configured credentials are accepted; a status URL replaces them for one message."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app.credentials import Credentials, basic_header
from twiml_app.events import REPLY_PARAMETER, TOKEN_PARAMETER
from twiml_app.receiver.auth import CHALLENGE, BasicAuth, StatusUrls

PAIR = Credentials("sms", "quite-long-enough")
SID = "SM" + "0" * 32


def encoded(pair: str, encoding: str = "utf-8") -> str:
    """Return the encoded part of an Authorization header."""
    return base64.b64encode(pair.encode(encoding)).decode()


GOOD = encoded("sms:quite-long-enough")


def test_challenge_names_a_realm() -> None:
    """Without a realm, Twilio never sends the credentials of its URL."""
    assert CHALLENGE == ("WWW-Authenticate", 'Basic realm="twiml_app"')


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"Basic {GOOD}", id="as Twilio sends it"),
        pytest.param(f"basic {GOOD}", id="scheme in lower case"),
        pytest.param(f"BASIC   {GOOD} ", id="more white space"),
    ],
)
def test_configured_pair_is_accepted_however_the_header_is_written(header: str) -> None:
    """Proxies rewrite headers; the scheme is case-insensitive, https://www.rfc-editor.org/rfc/rfc7235#section-2.1."""
    assert BasicAuth([PAIR]).accepts(header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic", id="only the scheme"),
        pytest.param("Basic ", id="nothing after the scheme"),
        pytest.param(GOOD, id="without a scheme"),
        pytest.param(f"Bearer {GOOD}", id="another scheme"),
        pytest.param(f"Basic {GOOD}, Basic {GOOD}", id="two headers joined"),
        pytest.param(f"Basic {GOOD[:-1]}", id="cut off"),
        pytest.param(f"Basic {GOOD}!", id="characters that are not base64"),
        pytest.param("Basic \xff\u20ac", id="not even ASCII"),
        pytest.param("Basic sms:quite-long-enough", id="not encoded"),
        pytest.param("Basic " + encoded("sms"), id="no colon"),
        pytest.param("Basic " + encoded(":"), id="empty pair"),
        pytest.param("Basic " + encoded("sms:"), id="no password"),
        pytest.param("Basic " + encoded(":quite-long-enough"), id="no user"),
        pytest.param("Basic " + encoded("SMS:quite-long-enough"), id="user in another case"),
        pytest.param("Basic " + encoded("sms:Quite-long-enough"), id="password in another case"),
        pytest.param("Basic " + encoded("sms:quite-long-enough "), id="white space in the password"),
        pytest.param("Basic " + encoded("sms:quite-long-enough\0"), id="null byte"),
        pytest.param("Basic " + encoded("sms:quite-long-enough", "utf-16"), id="another encoding"),
        pytest.param("Basic " + " " * 3000 + GOOD, id="longer than any pair"),
        pytest.param("Basic " + "A" * 1_000_000, id="very long"),
    ],
)
def test_anything_else_is_refused_and_never_raises(header: str) -> None:
    """Scanners send anything: the answer must be 401, never a crash and never access."""
    assert not BasicAuth([PAIR]).accepts(header)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
PAIRS = st.builds(Credentials, TEXTS.filter(lambda user: ":" not in user), TEXTS)


@settings(deadline=None)
@given(st.lists(PAIRS, max_size=4), PAIRS)
def test_exactly_the_configured_pairs_are_accepted(pairs: list[Credentials], other: Credentials) -> None:
    """During a rotation the old and the new password work, whatever their order."""
    auth = BasicAuth(pairs)

    assert all(auth.accepts(basic_header(pair)) for pair in pairs)
    assert auth.accepts(basic_header(other)) is (other in pairs)


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda given: "Basic " + base64.b64encode(given).decode()))
def test_no_header_raises(header: str) -> None:
    """Anybody can send any header."""
    assert BasicAuth([PAIR]).accepts(header) is (header.strip() == f"Basic {GOOD}")


def tokens_of(url: str) -> tuple[str, str]:
    """Return the message sid and the token of a status URL."""
    query = parse_qs(urlsplit(url).query)
    return query[REPLY_PARAMETER][0], query[TOKEN_PARAMETER][0]


def test_status_url_is_absolute_and_names_the_message() -> None:
    """Twilio may call it hours later, and the program must know which message was answered."""
    url = StatusUrls(["secret"], "/status").url("https://sms.example.com/app", SID)

    assert url.startswith(f"https://sms.example.com/app/status?{REPLY_PARAMETER}={SID}&{TOKEN_PARAMETER}=")
    assert StatusUrls(["secret"], "/status").accepts(*tokens_of(url))


def test_status_url_is_the_same_each_time() -> None:
    """A repeated request must get the same reply, so the URL has no timestamp or random part."""
    assert StatusUrls(["secret"], "/s").url("https://h", SID) == StatusUrls(["secret"], "/s").url("https://h", SID)


def test_status_url_of_an_earlier_release_is_accepted() -> None:
    """Status callbacks that arrive after an upgrade must not be refused."""
    assert StatusUrls(["secret"], "/status").accepts(SID, "J8BCozXjKILJB10R9Jt3nrQWUqSHyduOq5DwBhmmepk")


def test_status_url_carries_no_password() -> None:
    """Documents are logged and recorded, and must not reveal the password."""
    assert "quite-long-enough" not in StatusUrls([PAIR.password], "/status").url("https://h", SID)


SIDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(SIDS, SIDS)
def test_token_is_valid_only_for_its_message(sid: str, other: str) -> None:
    """With a token for any message, somebody who saw one could report all messages as failed."""
    urls = StatusUrls(["secret"], "/status")
    found, token = tokens_of(urls.url("https://h", sid))

    assert found == sid
    assert urls.accepts(sid, token)
    assert urls.accepts(other, token) is (other == sid)


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [
        pytest.param(["old"], True, id="same key"),
        pytest.param(["new", "old"], True, id="with a newer key"),
        pytest.param(["newest", "new", "old"], True, id="with two newer keys"),
        pytest.param(["new"], False, id="removed key"),
    ],
)
def test_status_url_is_valid_as_long_as_its_key_is_listed(keys: list[str], accepted: bool) -> None:
    """A status may arrive days after the reply, when the key has been changed."""
    assert StatusUrls(keys, "/status").accepts(*tokens_of(StatusUrls(["old"], "/status").url("https://h", SID))) is (
        accepted
    )


def test_newest_key_signs() -> None:
    """If an old key still signed, it could never be removed."""
    assert StatusUrls(["new"], "/s").accepts(*tokens_of(StatusUrls(iter(["new", "old"]), "/s").url("https://h", SID)))


@pytest.mark.parametrize(
    ("sid", "token"),
    [
        pytest.param(SID, "", id="no token"),
        pytest.param("", "", id="empty"),
        pytest.param(SID, "A" * 43, id="forged"),
        pytest.param(SID, "\udcff\u20ac", id="not text"),
        pytest.param("\udcff", "A" * 43, id="sid that is not text"),
        pytest.param(SID, "%", id="not base64"),
    ],
)
def test_forged_token_is_refused_and_never_raises(sid: str, token: str) -> None:
    """Anybody can send any query: without a valid token, credentials are required."""
    assert not StatusUrls(["secret"], "/status").accepts(sid, token)


@settings(deadline=None)
@given(SIDS)
def test_sid_cannot_add_parameters_to_the_url(sid: str) -> None:
    """The sid comes from a request, and an ampersand in it must not become a parameter."""
    query = urlsplit(StatusUrls(["secret"], "/status").url("https://h", sid)).query

    assert list(parse_qs(query)) == [REPLY_PARAMETER, TOKEN_PARAMETER]
    assert query.startswith(f"{REPLY_PARAMETER}={quote(sid, safe='').replace('%20', '+')}&")
