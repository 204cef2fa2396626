"""``check``: the settings, the findings, and the URLs to paste."""

from __future__ import annotations

import json

from tests.cli.command_line import SETTINGS, run
from tests.postgres_server import new_schema


def test_check_shows_the_urls_to_paste_and_exits_0_when_all_is_well(postgres_url: str) -> None:
    """The labels are those of Twilio's console, and the output is pasted into tickets: no password in it."""
    result = run("check", environment=SETTINGS | {"TWIML_DATABASE_URL": new_schema(postgres_url)})

    assert result.exit_code == 0
    assert (
        "A message comes in     Webhook  https://sms:***@sms.example.com/message#rc=2&rp=all  HTTP POST"
        in result.output
    )
    assert "Primary handler fails  Webhook  https://sms:***@sms.example.com/fallback  HTTP POST" in result.output


def test_check_exits_1_where_nothing_is_set() -> None:
    """A project without credentials does not start, so check must say what to set."""
    result = run("check", "--json")

    found = json.loads(result.output)
    assert (result.exit_code, found["urls"]) == (1, None)
    assert "Set TWIML_CREDENTIALS=user:password" in found["findings"][0]["says"]


def test_check_probes_a_url() -> None:
    """A dead address is a finding like any other, in one line."""
    result = run("check", "--url", "http://127.0.0.1:9/message", environment=SETTINGS)

    assert (result.exit_code, "connection" in result.output) == (1, True)


def test_check_looks_at_an_application_by_name() -> None:
    """An application that registers the extension under a prefix has other URLs to paste."""
    result = run("check", "--app", "tests.host_app:app", "--json", environment=SETTINGS)

    assert json.loads(result.output)["urls"]["message"] == "https://sms:***@sms.example.com/sms/message#rc=2&rp=all"


def test_check_prints_no_urls_where_the_settings_cannot_be_used() -> None:
    """A URL without credentials would be pasted, and every request to it refused."""
    result = run("check")

    assert (result.exit_code, "ERROR" in result.output) == (1, True)
    assert "Set TWIML_CREDENTIALS=user:password" in result.output
    assert "A message comes in" not in result.output


def test_check_shows_the_password_only_if_asked() -> None:
    """The URL has to be pasted whole, but not into a ticket."""
    masked, whole = run("check", environment=SETTINGS), run("check", "--show-secrets", environment=SETTINGS)

    assert "quite-long-enough" not in masked.output
    assert "--show-secrets prints it" in masked.output
    assert "https://sms:quite-long-enough@sms.example.com/message#" in whole.output
    assert "--show-secrets prints it" not in whole.output


def test_check_of_something_other_than_a_url_is_wrong_usage() -> None:
    """Whoever types a host name means the Message URL, and must learn its form."""
    result = run("check", "--url", "foo")

    assert (result.exit_code, "give a Message URL" in result.stderr) == (2, True)
