"""Served applications: the URLs at which they are called, and the account that they serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.webhook_requests import BASIC, OTHER_ACCOUNT, SIGNED, read_settings
from twiml_app.served_app import ServedApp


@pytest.mark.parametrize(
    ("parts", "fallback_path", "url", "fallback_url"),
    [
        pytest.param(
            ({"TWIML_CREDENTIALS": "a@b:c/d"},), "/f", "https://a%40b:c%2Fd@h/x", "https://a%40b:c%2Fd@h/f", id="basic"
        ),
        pytest.param((SIGNED,), "/f", "https://h/x", "https://h/f", id="signature only"),
        pytest.param((BASIC,), "", "https://sms:quite-long-enough@h/x", "", id="no fallback"),
    ],
)
def test_target_returns_the_url_for_the_console(
    parts: tuple[Mapping[str, Any], ...], fallback_path: str, url: str, fallback_url: str
) -> None:
    """A password with a slash must be quoted to stay part of the URL."""
    webhook = ServedApp("https://h", read_settings(*parts)).webhook("/x", fallback_path)

    assert (webhook.url, webhook.fallback_url) == (url, fallback_url)


@pytest.mark.parametrize(
    ("parts", "account_sid"),
    [
        pytest.param((BASIC,), "", id="any account"),
        pytest.param((BASIC, SIGNED), "", id="token of any account"),
        pytest.param((BASIC, {"TWIML_ACCOUNTS": OTHER_ACCOUNT}), OTHER_ACCOUNT, id="served account"),
        pytest.param(({"TWIML_AUTH_TOKENS": {OTHER_ACCOUNT: "t"}},), OTHER_ACCOUNT, id="account with a token"),
    ],
)
def test_recordings_are_sent_as_an_account_that_is_served(
    parts: tuple[Mapping[str, Any], ...], account_sid: str
) -> None:
    """The account of a scrubbed recording is fictitious, so an application would refuse it."""
    settings = read_settings(*parts)
    destination = ServedApp("https://h", settings).destination()

    assert (destination.account_sid, destination.paths) == (account_sid, settings.paths)
    assert destination.base_url == ("https://sms:quite-long-enough@h" if settings.credentials else "https://h")
