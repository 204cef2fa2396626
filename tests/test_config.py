"""The settings: they are read as documented, or the application does not start."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.config import Settings
from twiml_app.credentials import Credentials
from twiml_app.errors import ConfigurationError
from twiml_app.setting_readers import READERS

BASIC = {"TWIML_CREDENTIALS": "sms:quite-long-enough"}
PAIR = Credentials("sms", "quite-long-enough")
ACCOUNT = "AC" + "0" * 32


def read(**values: Any) -> Settings:
    """Return the settings of an application with credentials."""
    return Settings.read(BASIC | values)


def test_defaults_match_the_reference() -> None:
    """A default that differs from the documentation is a surprise in production."""
    settings = Settings.read(BASIC)
    found = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "secret_keys"}

    assert found == {
        "credentials": (PAIR,),
        "auth_tokens": {},
        "shared_keys": {},
        "accounts": frozenset(),
        "public_url": "",
        "api_url": "https://api.twilio.com",
        "proxy_hops": 0,
        "message_path": "/message",
        "status_path": "/status",
        "fallback_path": "/fallback",
        "alert_path": "/alert",
        "media_path": "/media",
        "handlers": "handlers",
        "opt_out_numbers": frozenset(),
        "database_url": "sqlite:///instance/twiml.db",
        "durability": "power",
        "store_failure": "refuse",
        "record": "all",
        "retention_days": 30,
        "conversation_hours": 4,
        "early_answer_s": 3,
        "loop_limit": 10,
        "wait_s": 10,
        "blocked": frozenset(),
        "advanced_opt_out": frozenset(),
        "opt_out_scope": "sender",
        "segments_per_day": 300,
        "segments_warning": 10,
        "max_body_bytes": 262144,
        "max_fields": 500,
        "apology": "",
        "log_format": "text",
        "work_threads": 2,
        "queue_url": "",
        "health_bind": None,
        "metrics": "off",
        "account_sid": "",
        "from_": "",
        "sender_accounts": {},
        "pace": {},
    }


def test_every_setting_has_a_reader_and_every_reader_a_setting() -> None:
    """A setting without a reader would be silently ignored."""
    own = {name.removeprefix("TWIML_").lower() for name in READERS if name.startswith("TWIML_")}

    assert own == {field.name.rstrip("_") for field in fields(Settings)} - {"secret_keys", "account_sid"}


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        pytest.param(
            "TWIML_CREDENTIALS", " a:b\n c:d:e, ", "credentials", (Credentials("a", "b"), Credentials("c", "d:e,")),
            id="rotation; a password is kept exactly",
        ),
        pytest.param("TWIML_CREDENTIALS", ["a:b c"], "credentials", (Credentials("a", "b c"),), id="list of pairs"),
        pytest.param("TWIML_AUTH_TOKENS", " t ", "auth_tokens", {"": ("t",)}, id="token"),
        pytest.param("TWIML_AUTH_TOKENS", '["new", " old "]', "auth_tokens", {"": ("new", "old")}, id="list of tokens"),
        pytest.param("TWIML_AUTH_TOKENS", ("new", "old"), "auth_tokens", {"": ("new", "old")}, id="tuple of tokens"),
        pytest.param(
            "TWIML_AUTH_TOKENS", ' {"AC1": "a", "AC2": ["b", "c"]}', "auth_tokens", {"AC1": ("a",), "AC2": ("b", "c")},
            id="tokens by account",
        ),
        pytest.param("TWIML_AUTH_TOKENS", {"AC1": "a"}, "auth_tokens", {"AC1": ("a",)}, id="tokens as a dict"),
        pytest.param("TWILIO_AUTH_TOKEN", " t\n", "auth_tokens", {"": ("t",)}, id="Twilio's own variable"),
        pytest.param("TWIML_SHARED_KEYS", '{"k": "s"}', "shared_keys", {"k": "s"}, id="shared keys"),
        pytest.param("TWIML_ACCOUNTS", "AC1, AC2,AC3\nAC4 ,", "accounts", {"AC1", "AC2", "AC3", "AC4"}, id="accounts"),
        pytest.param("TWIML_ACCOUNTS", {"AC1"}, "accounts", {"AC1"}, id="accounts as a set"),
        pytest.param("TWIML_OPT_OUT_NUMBERS", "12345 +1500", "opt_out_numbers", {"12345", "+1500"}, id="numbers"),
        pytest.param("TWIML_ADVANCED_OPT_OUT", "MG1, MG2", "advanced_opt_out", {"MG1", "MG2"}, id="services"),
        pytest.param("TWIML_OPT_OUT_SCOPE", "all", "opt_out_scope", "all", id="scope of opt-outs"),
        pytest.param("TWIML_SEGMENTS_PER_DAY", "50", "segments_per_day", 50, id="segments per day"),
        pytest.param("TWIML_SEGMENTS_WARNING", 3, "segments_warning", 3, id="segments of one message"),
        pytest.param("TWIML_BLOCKED", ["+1", " +2 ", ""], "blocked", {"+1", "+2"}, id="blocked"),
        pytest.param("TWIML_PUBLIC_URL", " https://a.example/ ", "public_url", "https://a.example", id="public URL"),
        pytest.param("TWIML_API_URL", "https://api.au1.twilio.com/", "api_url", "https://api.au1.twilio.com", id="api"),
        pytest.param("TWIML_API_URL", "http://[::1]:8088", "api_url", "http://[::1]:8088", id="emulator"),
        pytest.param("TWIML_PUBLIC_URL", "http://[::1]:80/b@c", "public_url", "http://[::1]:80/b@c", id="and prefix"),
        pytest.param("TWIML_PROXY_HOPS", "2", "proxy_hops", 2, id="hops"),
        pytest.param("TWIML_PROXY_HOPS", 0, "proxy_hops", 0, id="zero hops"),
        pytest.param("TWIML_MESSAGE_PATH", " /a/b-c_d.e~f ", "message_path", "/a/b-c_d.e~f", id="path"),
        pytest.param("TWIML_ALERT_PATH", "/problems", "alert_path", "/problems", id="path of alerts"),
        pytest.param("TWIML_HANDLERS", "shop.handlers", "handlers", "shop.handlers", id="handlers"),
        pytest.param("TWIML_DATABASE_URL", "off", "database_url", "off", id="no journal"),
        pytest.param("TWIML_DATABASE_URL", "sqlite:////a.db", "database_url", "sqlite:////a.db", id="absolute path"),
        pytest.param("TWIML_DATABASE_URL", "postgresql://h/n", "database_url", "postgresql://h/n", id="PostgreSQL"),
        pytest.param("TWIML_DATABASE_URL", "postgres://h/n", "database_url", "postgres://h/n", id="older scheme"),
        pytest.param("TWIML_DURABILITY", "process", "durability", "process", id="durability"),
        pytest.param("TWIML_STORE_FAILURE", "answer", "store_failure", "answer", id="store failure"),
        pytest.param("TWIML_RECORD", " failed ", "record", "failed", id="record"),
        pytest.param("TWIML_RETENTION_DAYS", " 7 ", "retention_days", 7, id="retention"),
        pytest.param("TWIML_CONVERSATION_HOURS", "24", "conversation_hours", 24, id="conversation"),
        pytest.param("TWIML_EARLY_ANSWER_S", "0", "early_answer_s", 0, id="early answer"),
        pytest.param("TWIML_LOOP_LIMIT", 3, "loop_limit", 3, id="loop limit"),
        pytest.param("TWIML_WAIT_S", "14", "wait_s", 14, id="wait"),
        pytest.param("TWIML_MAX_BODY_BYTES", "1", "max_body_bytes", 1, id="body"),
        pytest.param("TWIML_MAX_FIELDS", "007", "max_fields", 7, id="fields"),
        pytest.param("TWIML_APOLOGY", " Sorry! ", "apology", "Sorry!", id="apology"),
        pytest.param("TWIML_LOG_FORMAT", "json", "log_format", "json", id="log format"),
        pytest.param("TWIML_QUEUE_URL", "redis://:x@a/0", "queue_url", "redis://:x@a/0", id="queue"),
        pytest.param("TWIML_WORK_THREADS", "0", "work_threads", 0, id="no threads for work"),
        pytest.param("TWIML_HEALTH_BIND", "0.0.0.0:81", "health_bind", ("0.0.0.0", 81), id="health address"),
        pytest.param("TWIML_HEALTH_BIND", "[::1]:8001", "health_bind", ("::1", 8001), id="health address of IPv6"),
        pytest.param("TWILIO_ACCOUNT_SID", ACCOUNT, "account_sid", ACCOUNT, id="account"),
        pytest.param("TWIML_FROM", " +1 (500) 555-0006 ", "from_", "+15005550006", id="sender"),
        pytest.param("TWIML_FROM", "40404", "from_", "40404", id="short code as sender"),
        pytest.param(
            "TWIML_PACE", '{"+15005550006": 3, "40404": 0.5}', "pace", {"+15005550006": 3.0, "40404": 0.5}, id="pace"
        ),
        pytest.param(
            "TWIML_SENDER_ACCOUNTS", {"40404": ACCOUNT}, "sender_accounts", {"40404": ACCOUNT}, id="accounts of senders"
        ),
        pytest.param("SECRET_KEY", "k", "secret_keys", ("k",), id="Flask's key"),
        pytest.param("SECRET_KEY", b"k\xff", "secret_keys", ("kÿ",), id="Flask's key as bytes"),
    ],
)  # fmt: skip
def test_values_are_read(name: str, value: object, attribute: str, expected: object) -> None:
    """The environment has only strings, a Flask configuration has any type: both must work."""
    assert getattr(read(**{name: value}), attribute) == expected


@pytest.mark.parametrize("blank", ["", "  ", "\n", None], ids=repr)
def test_blank_setting_is_not_set(blank: object) -> None:
    """Deployments export empty variables: with a blank token, anybody could sign."""
    everything = dict.fromkeys(READERS, blank)

    assert Settings.read(everything | BASIC) == Settings.read(BASIC)
    with pytest.raises(ConfigurationError, match="no authentication is configured"):
        Settings.read(everything)


GIVE_TOKENS = "give a token, a JSON list, or a JSON object of account sid to token or list"
GIVE_KEYS = "give a JSON object of key id to secret"
GIVE_STRINGS = "must be one or more strings separated by white space"
GIVE_PAIRS = "every entry must be user:password; separate several by white space"
GIVE_API_URL = "give scheme and host without credentials, such as https://api.twilio.com"
GIVE_URL = "give scheme, host and prefix without credentials, such as https://sms.example.com"
GIVE_DATABASE = "give sqlite:/// and a path, postgresql://user:password@host/name, or off"
EMPTY_SECRET = "has an empty secret: anybody could sign with it"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("TWIML_CREDENTIALS", "s3cret", GIVE_PAIRS, id="only a password"),
        pytest.param("TWIML_CREDENTIALS", ":s3cret", GIVE_PAIRS, id="no user"),
        pytest.param("TWIML_CREDENTIALS", "a:b s3cret:", GIVE_PAIRS, id="no password"),
        pytest.param("TWIML_CREDENTIALS", {"a": "s3cret"}, GIVE_STRINGS, id="credentials as a dict"),
        pytest.param("TWIML_CREDENTIALS", [("a", "s3cret")], GIVE_STRINGS, id="credentials as tuples"),
        pytest.param("TWIML_AUTH_TOKENS", '["s3cret"', "is not JSON: Expecting ',' delimiter", id="tokens cut off"),
        pytest.param("TWIML_AUTH_TOKENS", "[]", GIVE_TOKENS, id="no tokens"),
        pytest.param("TWIML_AUTH_TOKENS", "{}", GIVE_TOKENS, id="no accounts: signatures would not be checked"),
        pytest.param("TWIML_AUTH_TOKENS", {}, GIVE_TOKENS, id="no accounts, from Flask"),
        pytest.param("TWIML_AUTH_TOKENS", '["s3cret", ""]', GIVE_TOKENS, id="empty token"),
        pytest.param("TWIML_AUTH_TOKENS", '["s3cret", " "]', GIVE_TOKENS, id="blank token"),
        pytest.param("TWIML_AUTH_TOKENS", '{"AC1": " "}', GIVE_TOKENS, id="blank token of an account"),
        pytest.param("TWIML_AUTH_TOKENS", '{"AC1": []}', GIVE_TOKENS, id="account without tokens"),
        pytest.param("TWIML_AUTH_TOKENS", '{"AC1": {"a": "s3cret"}}', GIVE_TOKENS, id="tokens nested too deep"),
        pytest.param("TWIML_AUTH_TOKENS", "[1]", GIVE_TOKENS, id="token that is a number"),
        pytest.param("TWIML_AUTH_TOKENS", b"s3cret", GIVE_TOKENS, id="token as bytes"),
        pytest.param("TWILIO_AUTH_TOKEN", b"s3cret", "is bytes: give a string", id="Twilio's token as bytes"),
        pytest.param("TWIML_SHARED_KEYS", "s3cret", "is not JSON: Expecting value", id="only a secret"),
        pytest.param("TWIML_SHARED_KEYS", "{}", GIVE_KEYS, id="no keys"),
        pytest.param("TWIML_SHARED_KEYS", '["s3cret"]', GIVE_KEYS, id="secrets without ids"),
        pytest.param("TWIML_SHARED_KEYS", '{"k": " "}', GIVE_KEYS, id="blank secret"),
        pytest.param("TWIML_SHARED_KEYS", '{"k": 1}', GIVE_KEYS, id="secret that is a number"),
        pytest.param("TWIML_ACCOUNTS", 1, GIVE_STRINGS, id="account that is a number"),
        pytest.param("TWIML_BLOCKED", [15005550001], GIVE_STRINGS, id="phone number that is a number"),
        pytest.param("TWIML_API_URL", "https://AC1:s3cret@api.twilio.com", GIVE_API_URL, id="API with a password"),
        pytest.param("TWIML_API_URL", "https://api.twilio.com/2010-04-01", GIVE_API_URL, id="API with a path"),
        pytest.param("TWIML_API_URL", "http://api.twilio.com:80", "is http: the credentials would", id="http API"),
        pytest.param("TWIML_PUBLIC_URL", "sms.example.com", GIVE_URL, id="no scheme"),
        pytest.param("TWIML_PUBLIC_URL", "ftp://sms.example.com", GIVE_URL, id="other scheme"),
        pytest.param("TWIML_PUBLIC_URL", "https://", GIVE_URL, id="no host"),
        pytest.param("TWIML_PUBLIC_URL", "https://sms:s3cret@a.example", GIVE_URL, id="Message URL with its password"),
        pytest.param("TWIML_PUBLIC_URL", "https://a.example/b?c", GIVE_URL, id="query"),
        pytest.param("TWIML_PUBLIC_URL", "https://a.example#rc=5", GIVE_URL, id="fragment"),
        pytest.param("TWIML_PUBLIC_URL", "https://a .example", GIVE_URL, id="space in a host"),
        pytest.param("TWIML_PROXY_HOPS", "-1", "is '-1': give a whole number of 0 or more", id="negative hops"),
        pytest.param("TWIML_PROXY_HOPS", True, "is True: give a whole number of 0 or more", id="hops as a flag"),
        pytest.param("TWIML_OPT_OUT_SCOPE", "none", "is 'none': give sender or all", id="no scope"),
        pytest.param("TWIML_SEGMENTS_PER_DAY", "0", "is '0': give a whole number of 1 or more", id="no segments"),
        pytest.param("TWIML_MAX_FIELDS", "0", "is '0': give a whole number of 1 or more", id="no fields"),
        pytest.param("TWIML_WAIT_S", "15", "is '15': give a whole number of 1 to 14", id="longer than Twilio waits"),
        pytest.param("TWIML_MAX_FIELDS", 1.5, "is 1.5: give a whole number of 1 or more", id="half a field"),
        pytest.param("TWIML_MAX_BODY_BYTES", "1e6", "is '1e6': give a whole number of 1 or more", id="scientific"),
        pytest.param("TWIML_MAX_BODY_BYTES", "٣", "is '٣': give a whole number of 1 or more", id="other digits"),
        pytest.param("TWIML_RETENTION_DAYS", "9" * 5000, f"is '{'9' * 5000}': give a whole", id="long number"),
        pytest.param("TWIML_MESSAGE_PATH", "message", "is 'message': give a path such as /message", id="no slash"),
        pytest.param("TWIML_MESSAGE_PATH", "/", "is '/': give a path such as /message", id="root"),
        pytest.param("TWIML_STATUS_PATH", "/a?b", "is '/a?b': give a path such as /message", id="query in a path"),
        pytest.param("TWIML_STATUS_PATH", "/<a>", "is '/<a>': give a path such as /message", id="rule in a path"),
        pytest.param("TWIML_STATUS_PATH", 1, "is int: give a string", id="path that is a number"),
        pytest.param("TWIML_HANDLERS", ["a"], "is list: give a string", id="handlers as a list"),
        pytest.param("TWIML_DATABASE_URL", "mysql://u:s3cret@h/n", GIVE_DATABASE, id="other database"),
        pytest.param("TWIML_DATABASE_URL", "sqlite:///", GIVE_DATABASE, id="database without a path"),
        pytest.param("TWIML_RECORD", "none", "is 'none': give all or messages or failed", id="no such choice"),
        pytest.param("TWIML_LOG_FORMAT", ["json"], "is list: give a string", id="choice as a list"),
        pytest.param("TWIML_QUEUE_URL", "amqp://a", "give sqlite:/// and a path", id="other queue"),
        pytest.param("TWIML_HEALTH_BIND", "8001", "is '8001': give host:port", id="port without a host"),
        pytest.param("TWIML_HEALTH_BIND", "::1:8001", "is '::1:8001': give host:port", id="IPv6 without brackets"),
        pytest.param("TWIML_HEALTH_BIND", "a:0", "is 'a:0': give host:port", id="port 0"),
        pytest.param("TWIML_HEALTH_BIND", "a:65536", "is 'a:65536': give host:port", id="port too large"),
        pytest.param("TWIML_FROM", "me", "give a number such as", id="sender that is a name"),
        pytest.param("TWIML_PACE", "3", "give a JSON object of sender to segments per second", id="pace of nobody"),
        pytest.param("TWIML_PACE", "{}", "give a JSON object of sender to segments per second", id="empty pace"),
        pytest.param("TWIML_PACE", {"40404": 0}, "is 0 for 40404: give segments per second", id="pace of zero"),
        pytest.param("TWIML_PACE", {"40404": True}, "is True for 40404: give segments", id="pace that is a flag"),
        pytest.param("TWIML_PACE", {"40404": "1"}, "is '1' for 40404: give segments", id="pace that is a string"),
        pytest.param("TWIML_SENDER_ACCOUNTS", {"40404": "me"}, "is 'me' for 40404: give the sid", id="account's name"),
        pytest.param("TWIML_SENDER_ACCOUNTS", {"40404": 1}, "is 1 for 40404: give the sid", id="account as a number"),
        pytest.param("TWIML_SENDER_ACCOUNTS", '{"x": "AC"}', "give a number such as", id="sender of an account"),
        pytest.param("SECRET_KEY", b" ", EMPTY_SECRET, id="blank key as bytes"),
        pytest.param("SECRET_KEY", b"", EMPTY_SECRET, id="empty key as bytes"),
        pytest.param("TWIML_APOLOGY", "Entschuldigung f\udcfcr alles", "has bytes that are not UTF-8", id="not UTF-8"),
        pytest.param("TWIML_CREDENTIALS", "a:s3cret\udcff", "has bytes that are not UTF-8", id="password not UTF-8"),
        pytest.param("SECRET_KEY", 1, "is int: give a string", id="key that is a number"),
        pytest.param("SECRET_KEY_FALLBACKS", ["s3cret", ""], EMPTY_SECRET, id="empty key after rotation"),
        pytest.param("SECRET_KEY_FALLBACKS", 1, "must be strings separated by white space, or a list", id="a number"),
    ],
)  # fmt: skip
def test_invalid_value_is_refused_with_the_name_of_the_setting(name: str, value: object, problem: str) -> None:
    """It fails at start-up, when somebody is looking, and the error must not show a secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(**{name: value})

    assert caught.value.setting == name
    assert caught.value.problem.startswith(problem)
    assert "s3cret" not in str(caught.value)


@given(
    st.sampled_from(sorted(READERS)),
    st.text(max_size=12) | st.binary() | st.integers() | st.lists(st.text(), max_size=2),
)
def test_any_value_is_read_or_refused_with_the_name_of_the_setting(name: str, value: object) -> None:
    """A failed start must name the setting instead of raising elsewhere, and no secret may be blank."""
    settings, refused = None, ""
    try:
        settings = read(**{name: value})
    except ConfigurationError as error:
        refused = error.setting

    if settings is None:
        assert refused == name
        return
    secrets = [*settings.secret_keys, *(pair.password for pair in settings.credentials), *settings.shared_keys.values()]
    assert all(secret.strip() for secret in [*secrets, *settings.tokens_for("")])


def test_settings_without_authentication_are_refused() -> None:
    """With an open URL, anybody could send messages as any customer."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({"TWIML_PUBLIC_URL": "https://a.example", "SECRET_KEY": "k", "TWIML_CREDENTIALS": []})

    assert str(caught.value) == (
        "TWIML_CREDENTIALS: no authentication is configured. Set TWIML_CREDENTIALS=user:password and put the"
        " same pair into the Message URL, or set TWILIO_AUTH_TOKEN to verify signatures, or both"
    )


def test_missing_authentication_is_explained_by_a_misspelled_setting() -> None:
    """Somebody who has set the token under another name must not search for long."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({"TWILIO_TOKEN": "t", "SECRET_KEY": "k", "PATH": "/bin"})

    assert str(caught.value).endswith("TWILIO_TOKEN is not a known setting: did you mean TWILIO_AUTH_TOKEN?")


@pytest.mark.parametrize(
    ("values", "required"),
    [
        pytest.param({"TWIML_CREDENTIALS": "a:b"}, False, id="only credentials"),
        pytest.param({"TWILIO_AUTH_TOKEN": "t"}, True, id="only a token"),
        pytest.param({"TWIML_SHARED_KEYS": '{"k": "s"}'}, True, id="only a shared key"),
        pytest.param({"TWIML_CREDENTIALS": "a:b", "TWILIO_AUTH_TOKEN": "t"}, True, id="both"),
    ],
)
def test_signature_is_required_if_a_token_or_key_is_configured(values: dict[str, str], required: bool) -> None:
    """A token that happens to be exported makes signatures required: this is safe, and logged."""
    assert Settings.read(values).requires_signature is required


def test_own_tokens_take_precedence_over_the_one_of_twilio() -> None:
    """A shell that is set up for another account must not decide who may call."""
    assert read(TWIML_AUTH_TOKENS="ours", TWILIO_AUTH_TOKEN="theirs").auth_tokens == {"": ("ours",)}


@pytest.mark.parametrize(
    ("account_sid", "tokens"),
    [
        pytest.param("AC1", ("a", "b", "any"), id="own tokens, then those for any account"),
        pytest.param("AC2", ("c", "any"), id="not the tokens of another account"),
        pytest.param("AC3", ("any",), id="account without tokens"),
        pytest.param("", ("a", "b", "c", "any"), id="webhook without an account"),
    ],
)
def test_tokens_are_valid_only_for_their_account(account_sid: str, tokens: tuple[str, ...]) -> None:
    """The owner of a subaccount must not be able to sign for another account."""
    settings = read(TWIML_AUTH_TOKENS={"AC1": ["a", "b"], "AC2": "c", "": "any"})

    assert settings.tokens_for(account_sid) == tokens


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        pytest.param({"TWIML_STATUS_PATH": "/message"}, "TWIML_MESSAGE_PATH", id="a default"),
        pytest.param(
            {"TWIML_STATUS_PATH": "/a", "TWIML_FALLBACK_PATH": "/a"}, "TWIML_STATUS_PATH", id="two that are set"
        ),
    ],
)
def test_one_path_for_two_urls_is_refused(values: dict[str, str], setting: str) -> None:
    """Status callbacks would be answered as messages."""
    with pytest.raises(ConfigurationError, match="is used for two URLs: they must differ") as caught:
        read(**values)

    assert caught.value.setting == setting


def test_paths_are_listed_by_endpoint() -> None:
    """The application creates its four URLs from them."""
    paths = read(TWIML_MESSAGE_PATH="/m", TWIML_STATUS_PATH="/s").paths

    assert paths == {"message": "/m", "status": "/s", "fallback": "/fallback", "alert": "/alert"}


def test_newest_flask_key_comes_first() -> None:
    """It signs; after a rotation the older keys still verify the URLs that were sent."""
    assert read(SECRET_KEY="new", SECRET_KEY_FALLBACKS="old older").secret_keys == ("new", "old", "older")
    assert read(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", b"older"]).secret_keys == ("new", "old", "older")


def test_signing_keys_are_derived_from_every_secret() -> None:
    """No key needs to be configured, and no restart or rotation makes a URL invalid that was sent."""
    tokens = {"AC1": ["one", "two"]}
    before = Settings.read({"TWIML_CREDENTIALS": "a:old", "TWIML_AUTH_TOKENS": tokens})
    after = Settings.read({"TWIML_CREDENTIALS": "a:new a:old", "TWIML_AUTH_TOKENS": tokens})
    keys = Settings.read({"TWIML_SHARED_KEYS": {"k": "s"}}).secret_keys

    assert after.secret_keys[1:] == before.secret_keys
    assert len({*after.secret_keys, *keys}) == 5
    assert all(len(key) == 64 for key in (*after.secret_keys, *keys))


def test_settings_do_not_print_their_secrets() -> None:
    """Sooner or later they are printed in a traceback or a log."""
    settings = read(TWIML_AUTH_TOKENS="s3cret", TWIML_SHARED_KEYS={"k": "s3cret"}, SECRET_KEY="s3cret")

    assert "s3cret" not in repr(settings)
    assert "quite-long-enough" not in repr(settings)
    assert repr(settings.credentials) == "(Credentials('sms', '***'),)"


def test_token_of_the_official_library_belongs_to_its_account() -> None:
    """A subaccount signs with its own token, and the refusal can then say so."""
    settings = Settings.read({"TWILIO_AUTH_TOKEN": "token", "TWILIO_ACCOUNT_SID": "AC1"})

    assert (settings.tokens_for("AC1"), settings.tokens_for("AC2")) == (("token",), ())


def test_journal_in_memory_is_refused() -> None:
    """Each worker would have its own, and would answer a repeated message again."""
    with pytest.raises(ConfigurationError, match="or off"):
        Settings.read({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "sqlite:///:memory:"})
