"""``check``: settings, findings, and the URLs to paste."""

from __future__ import annotations

import json

from tests.cli.command_line import SETTINGS, run
from tests.postgres_server import new_schema
from tests.servers import refusing_port


def test_check_shows_the_urls_to_paste_and_exits_0_on_success(postgres_url: str) -> None:
    """The labels are those of Twilio's console; the output has no password, as it is pasted into tickets."""
    result = run("check", environment=SETTINGS | {"TWIML_DATABASE_URL": new_schema(postgres_url)})

    assert result.exit_code == 0
    assert (
        "A message comes in     Webhook  https://sms:***@sms.example.com/message#rc=2&rp=all  HTTP POST"
        in result.output
    )
    assert "Primary handler fails  Webhook  https://sms:***@sms.example.com/fallback  HTTP POST" in result.output


def test_check_exits_1_without_settings() -> None:
    """A project without credentials does not start, so check must name the setting."""
    result = run("check", "--json")

    found = json.loads(result.output)
    assert (result.exit_code, found["urls"]) == (1, None)
    assert "Set TWIML_CREDENTIALS=user:password" in found["findings"][0]["says"]


def test_check_probes_a_url(dead_url: str) -> None:
    """A dead address is a finding like any other, in one line."""
    with refusing_port() as port:
        result = run("check", "--url", f"http://127.0.0.1:{port}/message", environment=SETTINGS)

    assert (result.exit_code, "connection" in result.output) == (1, True)


def test_check_takes_an_application_by_name() -> None:
    """An application that registers the extension under a prefix has other URLs to paste."""
    result = run("check", "--app", "tests.host_app:app", "--json", environment=SETTINGS)

    assert json.loads(result.output)["urls"]["message"] == "https://sms:***@sms.example.com/sms/message#rc=2&rp=all"


def test_check_prints_no_urls_for_unusable_settings() -> None:
    """Somebody would paste a URL without credentials, and every request to it would be refused."""
    result = run("check")

    assert (result.exit_code, "ERROR" in result.output) == (1, True)
    assert "Set TWIML_CREDENTIALS=user:password" in result.output
    assert "A message comes in" not in result.output


def test_check_shows_the_password_only_on_request() -> None:
    """The console needs the whole URL, but a ticket must not contain it."""
    masked, whole = run("check", environment=SETTINGS), run("check", "--show-secrets", environment=SETTINGS)

    assert "quite-long-enough" not in masked.output
    assert "--show-secrets prints it" in masked.output
    assert "https://sms:quite-long-enough@sms.example.com/message#" in whole.output
    assert "--show-secrets prints it" not in whole.output


def test_check_of_something_other_than_a_url_is_wrong_usage() -> None:
    """Somebody who types a host name means the Message URL, so the error shows its form."""
    result = run("check", "--url", "foo")

    assert (result.exit_code, "give a Message URL" in result.stderr) == (2, True)
