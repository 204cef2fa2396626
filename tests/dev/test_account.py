"""The account that ``dev`` makes up, and the environment that the program gets instead of a real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.file_modes import mode_of
from twiml_app.config import Settings
from twiml_app.dev.account import FILE, DevAccount, announced, lock_project, open_account
from twiml_app.dev.environment import environment_of, ignored_accounts
from twiml_app.errors import ConfigurationError

ACCOUNT = DevAccount("dev:0123456789abcdef", "AC00000000" + "a" * 24, "b" * 32)
REAL = {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "real", "TWILIO_EDGE": "dublin"}


def test_account_is_made_up_once_in_a_private_file(tmp_path: Path) -> None:
    """Terminals and scripts of the developer keep working after a restart."""
    first, second = open_account(tmp_path), open_account(tmp_path)
    other = open_account(tmp_path / "instance")

    assert (first, mode_of(tmp_path / FILE)) == (second, 0o600)
    assert len({first.account_sid, other.account_sid}) == len({first.credentials, other.credentials}) == 2


def test_file_that_others_can_read_becomes_private(tmp_path: Path) -> None:
    """It may have been copied without its mode."""
    open_account(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    open_account(tmp_path)

    assert mode_of(tmp_path / FILE) == 0o600


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"TWILIO_ACCOUNT_SID=AC{'1' * 32}", id="real account"),
        pytest.param("TWILIO_AUTH_TOKEN=short", id="not a token"),
        pytest.param("TWIML_CREDENTIALS=sms:password", id="other credentials"),
    ],
)
def test_real_account_in_the_file_is_refused(tmp_path: Path, line: str) -> None:
    """Somebody who puts one there must not reach real people with a program that is being changed."""
    open_account(tmp_path)
    with (tmp_path / FILE).open("a") as file:
        file.write(f"{line}\n")

    with pytest.raises(
        ConfigurationError, match=r"instance/dev\.env: .* a real account is never used: delete the file"
    ):
        open_account(tmp_path)


def test_file_has_the_address_of_the_emulator_while_it_runs(tmp_path: Path) -> None:
    """A command in the same folder finds the emulator, whatever port was free."""
    account = open_account(tmp_path)
    before = (tmp_path / FILE).read_text()
    with announced(tmp_path, account, "http://127.0.0.1:8089"):
        announcement = (tmp_path / FILE).read_text()

        assert (announcement, open_account(tmp_path)) == (f"{before}TWIML_API_URL=http://127.0.0.1:8089\n", account)
    assert ((tmp_path / FILE).read_text(), mode_of(tmp_path / FILE)) == (before, 0o600)


def test_lock_of_a_session_is_free_when_it_ends(tmp_path: Path) -> None:
    """The next one writes its own address, which may be shorter."""
    open_account(tmp_path)
    for page_url in ("http://127.0.0.1:48088/", "http://127.0.0.1:8089/"):
        with (
            lock_project(tmp_path, page_url),
            pytest.raises(ConfigurationError, match=f"already: its phone page is {re.escape(page_url)}$"),
        ):
            lock_project(tmp_path, "http://127.0.0.1:8090/")


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A traceback would not say what to do."""
    (tmp_path / "instance").touch()

    with pytest.raises(ConfigurationError, match=r"instance/dev\.env: cannot be used: "):
        open_account(tmp_path)


def test_program_gets_only_the_account_of_dev() -> None:
    """Settings of a deployment, exported or in `.env`, would refuse the emulator's webhooks or reach a real account."""
    outer = REAL | {"TWIML_AUTH_TOKENS": '["real"]', "TWIML_ACCOUNTS": "AC1", "TWIML_QUEUE_URL": "redis://production"}
    outer |= {"TWIML_DATABASE_URL": "postgresql://production/db", "TWIML_APOLOGY": "Sorry", "NO_PROXY": "intranet"}
    found = environment_of(
        ACCOUNT, outer, url="http://127.0.0.1:8000", api_url="http://127.0.0.1:8088", number="+15017122661"
    )
    settings = Settings.read(found)

    assert not {"TWILIO_EDGE"} & found.keys()
    assert (settings.account_sid, settings.auth_tokens) == (ACCOUNT.account_sid, {ACCOUNT.account_sid: ("b" * 32,)})
    assert (settings.api_url, settings.public_url) == ("http://127.0.0.1:8088", "http://127.0.0.1:8000")
    assert (settings.database_url, settings.queue_url) == ("sqlite:///instance/dev.db", "")
    assert (settings.early_answer_s, settings.from_, settings.apology) == (0, "+15017122661", "Sorry")
    assert found["NO_PROXY"] == "intranet,127.0.0.1,localhost,::1"


def test_each_real_setting_that_is_not_used_is_said() -> None:
    """Who exported it might otherwise believe that real messages were sent."""
    assert [*ignored_accounts(REAL, {"TWILIO_AUTH_TOKEN": "real", "TWIML_AUTH_TOKENS": ""})] == [
        "TWILIO_ACCOUNT_SID of the environment is not used: dev has an account of its own",
        "TWILIO_AUTH_TOKEN of the environment and .env is not used: dev has an account of its own",
    ]
