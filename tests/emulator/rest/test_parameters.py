"""Parameters: values in a form or a query, either read or refused with the right error code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import NoneType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.rest.parameters import INVALID_PARAMETER, MAX_URL_CHARACTERS, Parameters, read_moment
from twiml_app.errors import ApiError

CODE = 21234
ANYTHING = st.text(st.characters(exclude_categories=())) | st.text("0123456789-+:/.TZ GMST,WedJun", max_size=40)


def one(text: str) -> Parameters:
    """Return the parameters of a request with one parameter, X."""
    return Parameters({"X": [text]})


def timestamp(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    """Return a UTC date and time as a timestamp."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def test_repeated_names_keep_every_value() -> None:
    """MediaUrl is repeated for each media file; an empty value is ignored."""
    given_ = Parameters({"MediaUrl": ["a", "", "b"], "To": ["+1"], "Body": [""]})

    assert given_.all("MediaUrl") == ["a", "b"]
    assert given_.text("MediaUrl") == "a"
    assert given_.names == ("MediaUrl", "To", "Body")
    assert ("Body" in given_, "From" in given_) == (True, False)
    assert (given_.text("From"), given_.text("From", "x"), given_.all("From")) == ("", "x", [])


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "1", "yes"])
def test_true_is_read(text: str) -> None:
    """Clients write booleans in the way of their language."""
    assert one(text).flag("X")


@pytest.mark.parametrize("text", ["false", "False", "0", "no", ""])
def test_false_is_read(text: str) -> None:
    """Some clients send an empty value for false."""
    assert not one(text).flag("X", default=True)


def test_flag_has_a_default() -> None:
    """A flag that is not given keeps the default of the resource."""
    assert Parameters({}).flag("X", default=True)
    assert not Parameters({}).flag("X")


def test_invalid_flag_is_refused() -> None:
    """A misspelled boolean must not count as true or false."""
    with pytest.raises(ApiError, match="X is 'maybe': it must be true or false") as caught:
        one("maybe").flag("X")

    assert (caught.value.code, caught.value.status) == (20001, 400)


def test_choice_is_one_of_the_allowed_values() -> None:
    """Twilio's values are case-sensitive."""
    assert one("fixed").choice("X", ("fixed",)) == "fixed"
    assert one("").choice("X", ("fixed",)) == ""
    with pytest.raises(ApiError, match="X is 'Fixed': it must be fixed or loose") as caught:
        one("Fixed").choice("X", ("fixed", "loose"), CODE)

    assert caught.value.code == CODE


def test_method_is_get_or_post() -> None:
    """Webhooks are called with one of the two."""
    assert (one("get").method("X"), one("").method("X"), Parameters({}).method("X")) == ("GET", "POST", "POST")
    with pytest.raises(ApiError, match="X is 'PUT': it must be GET or POST"):
        one("put").method("X")


@pytest.mark.parametrize("text", ["", "MG" + "0" * 32, "MG0123456789abcdefABCDEF0123456789"])
def test_sid_is_returned(text: str) -> None:
    """A SID has two letters and 32 hexadecimal digits."""
    assert one(text).sid("X", "MG", CODE) == text


@pytest.mark.parametrize("text", ["MG", "SM" + "0" * 32, "MG" + "0" * 31, "MG" + "0" * 33, "MG" + "g" * 32, " "])
def test_malformed_sid_is_refused(text: str) -> None:
    """Each parameter has its own error code for this."""
    with pytest.raises(ApiError) as caught:
        one(text).sid("X", "MG", CODE)

    assert caught.value.code == CODE


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("36000", 36000), ("007", 7), ("", None)])
def test_integer_within_bounds_is_returned(text: str, number: int | None) -> None:
    """Bounds are inclusive."""
    assert one(text).integer("X", 1, 36000, CODE) == number


@pytest.mark.parametrize("text", ["0", "36001", "-1", "+1", "1.0", "1e3", " 1", "ten", "9" * 5000, "١٢"])
def test_invalid_integer_is_refused(text: str) -> None:
    """Out of bounds or malformed: even 5000 digits must not cause an internal error."""
    with pytest.raises(ApiError) as caught:
        one(text).integer("X", 1, 36000, CODE)

    assert caught.value.code == CODE


@pytest.mark.parametrize(("text", "price"), [("0.0001", 0.0001), ("1", 1.0), (".5", 0.5), ("2.", 2.0), ("", None)])
def test_price_is_returned(text: str, price: float | None) -> None:
    """Prices are in dollars, with up to four decimals."""
    assert one(text).price("X", CODE) == price


@pytest.mark.parametrize("text", ["0", "0.0", "-1", "nan", "inf", "9" * 400, "1_000", "$1", "1,5", " 1", "."])
def test_invalid_price_is_refused(text: str) -> None:
    """A price must be a positive amount."""
    with pytest.raises(ApiError) as caught:
        one(text).price("X", CODE)

    assert caught.value.code == CODE


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com",
        "https://user:pa%20ss@example.com:8443/status?a=b#rc=2",
        "http://127.0.0.1:5000/",
        "http://[::1]:5000/",
        "http://localhost/",
        "http://e.com/" + "a" * (MAX_URL_CHARACTERS - 13),
    ],
)
def test_valid_url_is_returned(url: str) -> None:
    """The URL of a webhook may have credentials, a port and a fragment."""
    assert one(f" {url} ").url("X", CODE) == url


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("example.com", id="no scheme"),
        pytest.param("/status", id="no host"),
        pytest.param("http://", id="empty host"),
        pytest.param("ftp://example.com", id="unsupported scheme"),
        pytest.param("http://my_host.com", id="underscore in the host"),
        pytest.param("http://example.com/a b", id="space"),
        pytest.param("http://example.com:port", id="non-numeric port"),
        pytest.param("http://[::1", id="truncated IPv6 address"),
        pytest.param("http://e.com/" + "a" * (MAX_URL_CHARACTERS - 12), id="too long"),
    ],
)
def test_invalid_url_is_refused(url: str) -> None:
    """These are the reasons that Twilio documents for 21609."""
    with pytest.raises(ApiError) as caught:
        one(url).url("X", CODE)

    assert caught.value.code == CODE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2008-01-02", timestamp(2008, 1, 2), id="date"),
        pytest.param("2026-11-21T01:02:03Z", timestamp(2026, 11, 21, 1, 2, 3), id="format of the clients"),
        pytest.param("2026-11-21T01:02:03+02:00", timestamp(2026, 11, 20, 23, 2, 3), id="UTC offset"),
        pytest.param("2019-06-11 22:05:25.000", timestamp(2019, 6, 11, 22, 5, 25), id="space and fraction"),
        pytest.param("06/11/2019 22:05:25 MST", timestamp(2019, 6, 12, 5, 5, 25), id="month first, Mountain time"),
        pytest.param("06/11/2019 22:05:25", timestamp(2019, 6, 11, 22, 5, 25), id="month first"),
        pytest.param("06/11/2019", timestamp(2019, 6, 11), id="month first, date only"),
        pytest.param("Wed, 19 Jun 2019 22:04:00 -0000", timestamp(2019, 6, 19, 22, 4), id="RFC 2822"),
        pytest.param("Wed, 19 Jun 2019 22:04:00 +0200", timestamp(2019, 6, 19, 20, 4), id="RFC 2822 with an offset"),
        pytest.param(" 2008-01-02 ", timestamp(2008, 1, 2), id="surrounding spaces"),
    ],
)
def test_date_is_read_in_every_format_of_the_clients(text: str, expected: float) -> None:
    """Twilio's clients and examples use all of these formats."""
    assert one(text).moment("X", CODE) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2019-13-01", "13/01/2019", "06/11/2019 25:00:00 MST"),
        "Tue, 01 Jan 2019 00:00:00 +99999999999999999999",
    ],
)
def test_invalid_date_is_refused(text: str) -> None:
    """Otherwise an invalid filter would be ignored, or cause an internal error."""
    with pytest.raises(ApiError, match="write it as 2026-05-15T14:30:00Z") as caught:
        one(text).moment("X", CODE)

    assert caught.value.code == CODE


@pytest.mark.parametrize("text", ["2026-05-15T14:30:00Z", "2026-05-15T14:30Z", "2026-05-15T16:30:00+02:00"])
def test_iso_8601_date_is_read(text: str) -> None:
    """SendAt requires this format."""
    assert one(text).iso_moment("X", CODE) == timestamp(2026, 5, 15, 14, 30)


@pytest.mark.parametrize(
    "text", ["", "2026-05-15", "2026-05-15 14:30:00", "Fri, 15 May 2026 14:30:00 +0000", "2026-05-15Tnoon"]
)
def test_other_date_is_refused_where_iso_8601_is_required(text: str) -> None:
    """Twilio accepts no other format for SendAt: https://www.twilio.com/docs/api/errors/35114."""
    with pytest.raises(ApiError) as caught:
        one(text).iso_moment("X", CODE)

    assert caught.value.code == CODE


class Refused:
    """The outcome of a value that was refused with one of Twilio's error codes."""


def outcome(read: Callable[[], object]) -> object:
    """Return the value, or ``Refused``; any other error code is returned as a failure."""
    try:
        return read()
    except ApiError as refused:
        return Refused() if (refused.status, refused.code) in ((400, CODE), (400, INVALID_PARAMETER)) else refused


@given(ANYTHING)
def test_any_string_is_read_or_refused(text: str) -> None:
    """No string causes an internal error."""
    given_, url = one(text), one("http://" + text)
    kinds: list[tuple[Callable[[], object], tuple[type, ...]]] = [
        (lambda: given_.flag("X"), (bool,)),
        (lambda: given_.sid("X", "MG", CODE), (str,)),
        (lambda: given_.integer("X", 1, 9, CODE), (int, NoneType)),
        (lambda: given_.price("X", CODE), (float, NoneType)),
        (lambda: url.url("X", CODE), (str,)),
        (lambda: given_.moment("X", CODE), (float,)),
        (lambda: given_.iso_moment("X", CODE), (float,)),
    ]
    for read, kind in kinds:
        assert isinstance(outcome(read), (*kind, Refused))


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_iso_8601_date_makes_a_round_trip(when: datetime) -> None:
    """No precision is lost."""
    assert read_moment(when.isoformat()) == when.timestamp()
