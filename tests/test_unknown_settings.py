"""Unknown settings: a misspelled name is found, and variables of other programs are not reported."""

from __future__ import annotations

import pytest

from twiml_app.setting_readers import READERS
from twiml_app.unknown_settings import describe_unknown_settings, unknown_settings


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        pytest.param("TWIML_CREDENTIAL", "TWIML_CREDENTIALS", id="singular"),
        pytest.param("TWIML_ACOUNTS", "TWIML_ACCOUNTS", id="missing letter"),
        pytest.param("TWIML_PROXYHOPS", "TWIML_PROXY_HOPS", id="missing underscore"),
        pytest.param("TWIML_AUTH_TOKEN", "TWIML_AUTH_TOKENS", id="our token, singular"),
        pytest.param("TWIML_LOG_LEVEL", "", id="setting of ours that does not exist"),
        pytest.param("TWIML_ACCOUNTS_OLD", "TWIML_ACCOUNTS", id="name with a suffix"),
        pytest.param("TWIMLCREDENTIALS", "TWIML_CREDENTIALS", id="no underscore after the prefix"),
        pytest.param("TWILIO_TOKEN", "TWILIO_AUTH_TOKEN", id="short token"),
        pytest.param("TWILIO_AUTHTOKEN", "TWILIO_AUTH_TOKEN", id="token without an underscore"),
        pytest.param("TWILIO_AUTH_TOEKN", "TWILIO_AUTH_TOKEN", id="token with swapped letters"),
        pytest.param("twilio_auth_token", "TWILIO_AUTH_TOKEN", id="token in lower case"),
        pytest.param("TWILIO_SID", "TWILIO_ACCOUNT_SID", id="short account"),
        pytest.param("TWILIO_ACCT_SID", "TWILIO_ACCOUNT_SID", id="abbreviated account"),
        pytest.param("SECRETKEY", "SECRET_KEY", id="Flask's key without an underscore"),
        pytest.param("SECRET_KEY_FALLBACK", "SECRET_KEY_FALLBACKS", id="Flask's older keys, singular"),
    ],
)
def test_misspelled_setting_is_found_with_the_one_that_is_meant(name: str, setting: str) -> None:
    """A setting that has no effect is worse than one that fails."""
    assert unknown_settings({name: "x"}) == {name: setting}


@pytest.mark.parametrize(
    "name",
    [
        *("TWILIO_API_KEY", "TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET", "TWILIO_API_SECRET", "TWILIO_EDGE"),
        *("TWILIO_REGION", "TWILIO_PHONE_NUMBER", "TWILIO_NUMBER", "TWILIO_FROM", "TWILIO_FROM_NUMBER"),
        *("TWILIO_MESSAGING_SERVICE_SID", "TWILIO_SERVICE_SID", "TWILIO_LOG_LEVEL", "TWILIO_PROFILE"),
        *("TWILIO_VERIFY_SERVICE_SID", "TWILIO_TWIML_APP_SID", "TWILIO_FLOW_SID", "TWILIO_WHATSAPP_NUMBER"),
        *("TWILIO_CHAT_SERVICE_SID", "TWILIO_CONVERSATIONS_SERVICE_SID", "TWILIO_SYNC_SERVICE_SID"),
        *("TWILIO_WORKSPACE_SID", "TWILIO_SUBACCOUNT_SID", "TWILIO_TEST_ACCOUNT_SID", "TWILIO_TEST_AUTH_TOKEN"),
        *("TWILIO_AUTH_TOKEN_TEST", "TWILIO_ACCOUNT_SID_2", "TWILIO_WEBHOOK_URL", "TWILIO_STATUS_CALLBACK_URL"),
        *("TWILIO_CONTENT_SID", "TWILIO_AUTHY_TOKEN", "TWILIO_SECONDARY_AUTH_TOKEN", "TWIML_EMULATOR_URL"),
        *("SECRET_KEY_BASE", "DJANGO_SECRET_KEY", "JWT_SECRET_KEY", "SECRET", "KEY", "PATH", "DATABASE_URL"),
    ],
)
def test_variables_of_other_programs_are_not_reported(name: str) -> None:
    """A warning at every start for a correct environment would be ignored, and the right ones with it."""
    assert unknown_settings({name: "x"}) == {}


@pytest.mark.parametrize(
    "name",
    [
        *("TWIML_EMULATOR_URL", "TWIML_EMULATOR_NUMBERS", "TWIML_API_URL"),
        *("TWIML_SIMULATE_URL", "TWIML_REPLAY_TO"),
    ],
)
def test_settings_of_the_command_line_are_not_reported(name: str) -> None:
    """They are read, but not by the application."""
    assert unknown_settings({name: "http://127.0.0.1:8088"}) == {}


def test_known_settings_are_not_reported() -> None:
    """No setting may look like a misspelled other one."""
    assert unknown_settings(dict.fromkeys(READERS, "x")) == {}


def test_name_of_another_program_is_not_reported_if_the_setting_is_set() -> None:
    """Some programs set both TWILIO_SID and TWILIO_ACCOUNT_SID; but a name with our prefix is always a mistake."""
    values = {"TWILIO_SID": "AC1", "TWILIO_ACCOUNT_SID": "AC1", "TWIML_ACCOUNT": "AC1", "TWIML_ACCOUNTS": "AC1"}

    assert unknown_settings(values) == {"TWIML_ACCOUNT": "TWIML_ACCOUNTS"}


def test_blank_setting_counts_as_not_set() -> None:
    """Deployments export empty variables."""
    assert unknown_settings({"TWILIO_TOKEN": "t", "TWILIO_AUTH_TOKEN": ""}) == {"TWILIO_TOKEN": "TWILIO_AUTH_TOKEN"}


def test_unknown_settings_are_described_in_order() -> None:
    """The lines are logged at the start, and shown by ``twiml-app check``."""
    assert describe_unknown_settings({"TWIML_ODD": "x", "TWILIO_TOKEN": "t", "HOME": "/"}) == [
        "TWILIO_TOKEN is not a known setting: did you mean TWILIO_AUTH_TOKEN?",
        "TWIML_ODD is not a known setting: is it misspelled?",
    ]
