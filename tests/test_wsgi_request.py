"""The headers of a WSGI environment."""

from __future__ import annotations

import pytest

from twiml_app.wsgi_request import EnvironHeaders

HEADERS = EnvironHeaders({"HTTP_USER_AGENT": "TwilioProxy/1.1", "HTTP_X_EMPTY": "", "REQUEST_METHOD": "POST"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("user-agent", "TwilioProxy/1.1", id="sent"),
        pytest.param("x-empty", "", id="empty"),
        pytest.param("x-home-region", None, id="not sent"),
        pytest.param("content-type", "", id="content type not sent"),
    ],
)
def test_header_is_found_by_its_name_in_lower_case(name: str, expected: str | None) -> None:
    """Most requests lack some of the headers that are looked up."""
    assert HEADERS.get(name) == expected
    assert (name in HEADERS) == (expected is not None)


def test_header_that_was_not_sent_has_the_default() -> None:
    """So that the caller needs no condition."""
    assert HEADERS.get("x-home-region", "us1") == "us1"
