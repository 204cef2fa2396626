"""``check``: settings, findings, and the URLs to paste."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import SETTINGS, run
from tests.postgres_server import new_schema
from tests.servers import refusing_port
from twiml_app.app import create_app
from twiml_app.errors import TwimlAppError


def test_check_shows_the_urls_to_paste_and_exits_0_on_success(postgres_url: str) -> None:
    """The labels are those of Twilio's console; the output has no password, as it is pasted into tickets."""
    sending = {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "0123456789abcdef"}
    result = run("check", environment=SETTINGS | sending | {"TWIML_DATABASE_URL": new_schema(postgres_url)})

    assert result.exit_code == 0
    assert (
        "A message comes in     Webhook  https://sms:***@sms.example.com/message#rc=2&rp=all  HTTP POST"
        in result.output
    )
    assert "Primary handler fails  Webhook  https://sms:***@sms.example.com/fallback  HTTP POST" in result.output
    assert "Webhook                         https://sms:***@sms.example.com/alert" in result.output


def test_check_exits_1_without_settings() -> None:
    """A project without credentials does not start, so check must name the setting."""
    result = run("check", "--json")

    found = json.loads(result.output)
    assert (result.exit_code, found["urls"]) == (1, None)
    assert "Set TWIML_CREDENTIALS=user:password" in found["findings"][0]["says"]


@pytest.mark.parametrize("options", [[], ["--app", "twiml_app.app:create_app"]], ids=["project", "application"])
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"TWIML_CREDENTIALS": None}, id="no credentials"),
        pytest.param({"TWIML_PUBLIC_URL": "sms.example.com"}, id="setting"),
        pytest.param({"TWIML_APOLOGY": "x" * 2000}, id="apology"),
        pytest.param({"TWIML_HANDLERS": "no_such"}, id="no handlers"),
        pytest.param({"TWIML_HANDLERS": "tests.cli.conflicting_handlers"}, id="handlers"),
    ],
)
def test_check_reports_the_error_that_keeps_the_application_from_starting(
    monkeypatch: pytest.MonkeyPatch, options: list[str], settings: dict[str, str | None]
) -> None:
    """Whoever fixes what check says must not meet another error at the start."""
    for name, value in (SETTINGS | settings).items():
        monkeypatch.setenv(name, value or "")
    with pytest.raises(TwimlAppError) as refused:
        create_app()

    result = run("check", *options, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"] == [{"level": "error", "subject": "start", "says": str(refused.value)}]


def test_exception_of_the_project_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that reads the findings must find it there, with file and line."""
    (tmp_path / "raising.py").write_text("import os\nos.environ['API_KEY']\n")
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--app", "raising"]):
        result = run("check", *options, "--json", environment=SETTINGS | {"TWIML_HANDLERS": "raising"})

        says = f"{tmp_path}/raising.py:2: KeyError: 'API_KEY'"
        assert json.loads(result.stdout)["findings"] == [{"level": "error", "subject": "start", "says": says}]


def test_check_looks_for_the_journal_in_the_root_of_an_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command may run in any folder."""
    (tmp_path / "rooted.py").write_text(
        "from pathlib import Path\nfrom flask import Flask\nfrom twiml_app import Router\n"
        "from twiml_app.app import Twiml\napp = Flask('rooted')\n"
        "app.config['TWIML_DATABASE_URL'] = 'sqlite:///data/own.db'\n"
        "Twiml(app, router=Router(), root=Path(__file__).parent)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    run("check", "--app", "rooted", environment=SETTINGS)
    del sys.modules["rooted"]

    assert (tmp_path / "data" / "own.db").is_file()


def test_check_probes_a_url() -> None:
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
