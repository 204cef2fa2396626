"""Credentials: sent as HTTP requires, never shown by accident, and checked for weak passwords."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.credentials import Credentials, basic_header, weaknesses

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("user", "password", "header"),
    [
        pytest.param("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", id="RFC 7617, section 2"),
        pytest.param("test", "123\u00a3", "Basic dGVzdDoxMjPCow==", id="RFC 7617, section 2.1: UTF-8"),
        pytest.param("", "", "Basic Og==", id="empty"),
    ],
)
def test_header_matches_the_rfc(user: str, password: str, header: str) -> None:
    """Every server and proxy parses it, https://www.rfc-editor.org/rfc/rfc7617."""
    assert basic_header(Credentials(user, password)) == header


@given(TEXTS.filter(lambda user: ":" not in user), TEXTS)
def test_header_can_hold_any_pair(user: str, password: str) -> None:
    """A password may contain colons and letters of any language."""
    scheme, encoded = basic_header(Credentials(user, password)).split(" ")

    assert scheme == "Basic"
    assert base64.b64decode(encoded, validate=True).decode().split(":", 1) == [user, password]


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda pair: str([pair]), id="in a list"),
    ],
)
def test_password_is_never_shown(show: Callable[[Credentials], str]) -> None:
    """Settings end up in logs, tracebacks and bug reports."""
    shown = show(Credentials("sms", "quite-long-enough"))

    assert "quite-long-enough" not in shown
    assert "Credentials('sms', '***')" in shown


def test_credentials_are_an_immutable_value() -> None:
    """Credentials are compared and hashed, so they must not change."""
    pair = Credentials("sms", "quite-long-enough")

    assert pair == Credentials("sms", "quite-long-enough")
    assert len({pair, Credentials("sms", "quite-long-enough"), Credentials("sms", "another")}) == 2
    with pytest.raises(FrozenInstanceError):
        pair.password = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("user", "password", "found"),
    [
        pytest.param("sms", "quite-long-enough", [], id="strong"),
        pytest.param("ab", "xkabqpz7.fjw_m~d", [], id="short user that is in the password by chance"),
        pytest.param("sms", "short", ["the password of sms is shorter than 12 characters"], id="short"),
        pytest.param(
            "sms", "x" * 11, ["the password of sms is shorter than 12 characters"], id="one character too short"
        ),
        pytest.param("sms", "x" * 12, [], id="just long enough"),
        pytest.param("anna", "hello-Anna-2024", ["the password of anna is easy to guess"], id="user in the password"),
        pytest.param(
            "sms",
            "the-sms-of-4711",
            ["the password of sms is easy to guess"],
            id="shortest checked user in the password",
        ),
        pytest.param(
            "sms",
            "p@ss/word:x?#[]&+ ",
            ["the password of sms has characters that Twilio may not send from a URL"],
            id="password that needs encoding in a URL",
        ),
        pytest.param(
            "sms",
            "größer-als-zwölf",
            ["the password of sms has characters that Twilio may not send from a URL"],
            id="password that is not ASCII",
        ),
        pytest.param(
            "ann@home",
            "quite-long-enough",
            ["the user ann@home has characters that Twilio may not send from a URL"],
            id="user that needs encoding in a URL",
        ),
        pytest.param(
            "twilio",
            "twilio!",
            [
                "the password of twilio is shorter than 12 characters",
                "the password of twilio is easy to guess",
                "the password of twilio has characters that Twilio may not send from a URL",
            ],
            id="everything at once",
        ),
    ],
)
def test_weak_credentials_are_reported_without_the_password(user: str, password: str, found: list[str]) -> None:
    """The URL is public: with a guessed password, anybody could send messages as any customer."""
    assert weaknesses(Credentials(user, password)) == found


@pytest.mark.parametrize(
    "word", ["password", "passwort", "secret", "twilio", "123456", "qwerty", "letmein", "changeme", "admin"]
)
def test_password_with_a_common_word_is_easy_to_guess(word: str) -> None:
    """Attackers try these first."""
    assert weaknesses(Credentials("sms", f"xkq-{word.upper()}-zvw")) == ["the password of sms is easy to guess"]


@given(st.text(st.sampled_from("XQZ!%"), min_size=3, max_size=20))
def test_no_weakness_quotes_the_password(password: str) -> None:
    """The warning is logged at every start."""
    found = weaknesses(Credentials("sms", password))

    assert not [each for each in found if password in each]
