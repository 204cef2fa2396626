"""Authentication: only configured credentials are accepted; a status URL replaces them for one message."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app.caller import CONTACT, NUMBER
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


NOW = 1_800_000_000.0
DAY_S = 86400.0


def status_urls(*keys: str, now: float = NOW) -> StatusUrls:
    """Return the status URLs of an application, at a time that does not move."""
    return StatusUrls(keys or ["secret"], "/status", clock=lambda: now)


def url_of(*keys: str, sid: str = SID, to: str = CONTACT, from_: str = NUMBER, now: float = NOW) -> str:
    """Return the status URL of a reply."""
    return status_urls(*keys, now=now).url("https://h", sid, to=to, from_=from_)


def tokens_of(url: str) -> tuple[str, str]:
    """Return the message sid and the token of a status URL."""
    query = parse_qs(urlsplit(url).query)
    return query[REPLY_PARAMETER][0], query[TOKEN_PARAMETER][0]


def accepts(url: str, *keys: str, sid: str = "", to: str = CONTACT, from_: str = NUMBER, now: float = NOW) -> bool:
    """Return whether a status callback to a URL is accepted; ``sid`` replaces the one in the URL."""
    found, token = tokens_of(url)
    return not status_urls(*keys, now=now).problem(sid or found, token, to=to, from_=from_)


def test_status_url_is_absolute_and_names_the_message() -> None:
    """Twilio may call it hours later, and the program must know which message was answered."""
    url = status_urls().url("https://sms.example.com/app", SID, to=CONTACT, from_=NUMBER)

    assert url.startswith(f"https://sms.example.com/app/status?{REPLY_PARAMETER}={SID}&{TOKEN_PARAMETER}=")
    assert accepts(url)


def test_status_url_is_the_same_all_day() -> None:
    """Without a journal a repeated request gets the same reply, so the URL has no random part."""
    midnight = NOW - NOW % DAY_S

    assert url_of(now=midnight) == url_of(now=midnight + DAY_S - 1) != url_of(now=midnight + DAY_S)


def test_status_url_of_today_is_accepted_by_the_next_release() -> None:
    """Status callbacks that arrive after an upgrade must not be refused."""
    token = "20833tf.oRgxOF9BHGjvPmH-tEduzNkTaFBlQORpzr_-D1fvL38"

    assert tokens_of(url_of()) == (SID, token)


def test_status_url_carries_no_password_and_no_phone_number() -> None:
    """Documents are logged and recorded, and must not reveal the password; access logs must not name customers."""
    url = url_of(PAIR.password)

    assert PAIR.password not in url
    assert CONTACT[1:] not in url


SIDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(SIDS, SIDS)
def test_token_is_valid_only_for_its_message(sid: str, other: str) -> None:
    """With a token for any message, somebody who saw one could report all messages as failed."""
    url = url_of(sid=sid)

    assert tokens_of(url)[0] == sid
    assert accepts(url, sid=sid)
    assert accepts(url, sid=other) is (other == sid)


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param({"to": "+15005550009"}, id="another recipient"),
        pytest.param({"from_": "+15005550009"}, id="another sender"),
        pytest.param({"to": NUMBER, "from_": CONTACT}, id="swapped"),
        pytest.param({"to": ""}, id="no recipient"),
        pytest.param({"from_": ""}, id="no sender"),
        pytest.param({"to": f"{CONTACT}\n{NUMBER}", "from_": ""}, id="recipient with a line break"),
        pytest.param({"to": CONTACT + "0"}, id="one digit more"),
    ],
)
def test_token_is_valid_only_between_its_addresses(addresses: dict[str, Any]) -> None:
    """Somebody who saw the status URL of a customer must not report messages to another one as failed."""
    assert not accepts(url_of(), **addresses)


@pytest.mark.parametrize(
    ("reply", "reported"),
    [
        pytest.param({"to": f"whatsapp:{CONTACT}"}, {"to": f"whatsapp:{CONTACT}"}, id="another channel"),
        pytest.param({"to": f"rcs:{CONTACT}"}, {"to": CONTACT}, id="RCS that became SMS"),
        pytest.param({"to": "+1 (500) 555-0001"}, {"to": CONTACT}, id="punctuation"),
        pytest.param({"to": "500 555 0001"}, {"to": CONTACT}, id="recipient in national format"),
        pytest.param({"from_": "(500) 555-0006"}, {"from_": NUMBER}, id="sender in national format"),
        pytest.param({"from_": "MG" + "0a" * 16}, {"from_": "+15005550009"}, id="messaging service"),
        pytest.param({"from_": ""}, {"from_": "+15005550009"}, id="sender not known"),
        pytest.param({"from_": "12345"}, {"from_": "12345"}, id="short code"),
        pytest.param({"from_": "My Shop"}, {"from_": "My Shop"}, id="name"),
    ],
)
def test_token_fits_the_addresses_that_twilio_reports(reply: dict[str, Any], reported: dict[str, Any]) -> None:
    """A genuine status callback must not be refused because Twilio writes an address in another way."""
    assert accepts(url_of(**reply), **reported)


@pytest.mark.parametrize(
    ("reply", "reported"),
    [
        pytest.param({"from_": "MG" + "0a" * 16}, {"to": "+15005550009"}, id="messaging service"),
        pytest.param({"to": "500 555 0001"}, {"from_": "+15005550009"}, id="recipient in national format"),
        pytest.param({"from_": "12345"}, {"from_": "12346"}, id="short code"),
    ],
)
def test_address_that_is_known_is_covered(reply: dict[str, Any], reported: dict[str, Any]) -> None:
    """Only what Twilio chooses itself is left open."""
    assert not accepts(url_of(**reply), **reported)


def test_addresses_that_are_covered_cannot_be_changed() -> None:
    """Without the mark that the recipient is covered, any recipient would fit."""
    sid, token = tokens_of(url_of())

    for stamp in ("20833", "20833t", "20833f"):
        changed = token.replace("20833tf", stamp)
        assert status_urls().problem(sid, changed, to="+15005550009", from_="+15005550009")


@pytest.mark.parametrize(
    ("days", "accepted"),
    [
        pytest.param(0, True, id="same day"),
        pytest.param(14, True, id="two weeks"),
        pytest.param(15, False, id="expired"),
        pytest.param(-1, True, id="from a clock that is ahead at midnight"),
        pytest.param(-2, False, id="from the future"),
    ],
)
def test_token_expires(days: int, accepted: bool) -> None:
    """A URL in an old access log is worth nothing; carriers report within days."""
    assert accepts(url_of(), now=NOW + days * DAY_S) is accepted


def test_day_of_a_token_cannot_be_changed() -> None:
    """Otherwise an expired token would be renewed by hand."""
    sid, token = tokens_of(url_of(now=NOW - 100 * DAY_S))

    assert "older than 14 days" in status_urls().problem(sid, token, to=CONTACT, from_=NUMBER)
    renewed = token.replace("20733", "20833")
    assert "made for another" in status_urls().problem(sid, renewed, to=CONTACT, from_=NUMBER)


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
    assert accepts(url_of("old"), *keys) is accepted


def test_newest_key_signs() -> None:
    """If an old key still signed, it could never be removed."""
    assert accepts(url_of("new", "old"), "new")


@pytest.mark.parametrize(
    ("sid", "token"),
    [
        pytest.param(SID, "", id="no token"),
        pytest.param("", "", id="empty"),
        pytest.param(SID, "J8BCozXjKILJB10R9Jt3nrQWUqSHyduOq5DwBhmmepk", id="without a day"),
        pytest.param(SID, "20833tf." + "A" * 43, id="forged"),
        pytest.param(SID, "20833tf." + "-" * 43, id="other bits"),
        pytest.param(SID, "\udcff\u20ac", id="not text"),
        pytest.param("\udcff", "20833tf." + "A" * 43, id="sid that is not text"),
        pytest.param(SID, "%", id="not base64"),
        pytest.param(SID, "9" * 400 + "." + "A" * 43, id="a number that is too large"),
    ],
)
def test_forged_token_is_refused_and_never_raises(sid: str, token: str) -> None:
    """Anybody can send any query: without a valid token, credentials are required."""
    assert status_urls().problem(sid, token, to=CONTACT, from_="\udcff")


@settings(deadline=None)
@given(SIDS)
def test_sid_cannot_add_parameters_to_the_url(sid: str) -> None:
    """The sid comes from a request, and an ampersand in it must not become a parameter."""
    query = urlsplit(url_of(sid=sid)).query

    assert list(parse_qs(query)) == [REPLY_PARAMETER, TOKEN_PARAMETER]
    assert query.startswith(f"{REPLY_PARAMETER}={quote(sid, safe='').replace('%20', '+')}&")
