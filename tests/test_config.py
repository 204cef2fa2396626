"""The settings: what is configured is what is meant, or the application does not start."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.config import READERS, Settings, unknown_settings
from twiml_app.credentials import Credentials
from twiml_app.errors import ConfigurationError

BASIC = {"TWIML_CREDENTIALS": "sms:quite-long-enough"}
PAIR = Credentials("sms", "quite-long-enough")


def read(**values: Any) -> Settings:
    """Return the settings of an application that has credentials."""
    return Settings.read(BASIC | values)


def test_defaults_are_those_of_the_reference() -> None:
    """A default that is not the documented one is a surprise in production."""
    settings = Settings.read(BASIC)
    found = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "secret_keys"}

    assert found == {
        "credentials": (PAIR,),
        "auth_tokens": {},
        "shared_keys": {},
        "accounts": frozenset(),
        "public_url": "",
        "proxy_hops": 0,
        "message_path": "/message",
        "status_path": "/status",
        "fallback_path": "/fallback",
        "handlers": "handlers",
        "opt_out_numbers": frozenset(),
        "database_url": "sqlite:///instance/twiml.db",
        "durability": "power",
        "store_failure": "refuse",
        "record": "all",
        "retention_days": 30,
        "loop_limit": 10,
        "blocked": frozenset(),
        "max_body_bytes": 262144,
        "max_fields": 500,
        "apology": "",
        "log_format": "text",
    }


def test_every_setting_is_read_and_every_reader_is_a_setting() -> None:
    """A setting without a reader would be ignored in silence."""
    own = {name.removeprefix("TWIML_").lower() for name in READERS if name.startswith("TWIML_")}

    assert own == {field.name for field in fields(Settings)} - {"secret_keys"}


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        pytest.param(
            "TWIML_CREDENTIALS", " a:b\n c:d:e, ", "credentials", (Credentials("a", "b"), Credentials("c", "d:e,")),
            id="rotation; a password is kept to the letter",
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
        pytest.param("TWILIO_AUTH_TOKEN", " t\n", "auth_tokens", {"": ("t",)}, id="the token of every Twilio user"),
        pytest.param("TWIML_SHARED_KEYS", '{"k": "s"}', "shared_keys", {"k": "s"}, id="shared keys"),
        pytest.param("TWIML_ACCOUNTS", "AC1, AC2,AC3\nAC4 ,", "accounts", {"AC1", "AC2", "AC3", "AC4"}, id="accounts"),
        pytest.param("TWIML_ACCOUNTS", {"AC1"}, "accounts", {"AC1"}, id="accounts as a set"),
        pytest.param("TWIML_OPT_OUT_NUMBERS", "12345 +1500", "opt_out_numbers", {"12345", "+1500"}, id="numbers"),
        pytest.param("TWIML_BLOCKED", ["+1", " +2 ", ""], "blocked", {"+1", "+2"}, id="blocked"),
        pytest.param("TWIML_PUBLIC_URL", " https://a.example/ ", "public_url", "https://a.example", id="public URL"),
        pytest.param("TWIML_PUBLIC_URL", "http://[::1]:80/b@c", "public_url", "http://[::1]:80/b@c", id="and prefix"),
        pytest.param("TWIML_PROXY_HOPS", "2", "proxy_hops", 2, id="hops"),
        pytest.param("TWIML_PROXY_HOPS", 0, "proxy_hops", 0, id="no hops"),
        pytest.param("TWIML_MESSAGE_PATH", " /a/b-c_d.e~f ", "message_path", "/a/b-c_d.e~f", id="path"),
        pytest.param("TWIML_HANDLERS", "shop.handlers", "handlers", "shop.handlers", id="handlers"),
        pytest.param("TWIML_DATABASE_URL", "off", "database_url", "off", id="no journal"),
        pytest.param("TWIML_DATABASE_URL", "sqlite:////a.db", "database_url", "sqlite:////a.db", id="absolute path"),
        pytest.param("TWIML_DATABASE_URL", "postgresql://h/n", "database_url", "postgresql://h/n", id="PostgreSQL"),
        pytest.param("TWIML_DATABASE_URL", "postgres://h/n", "database_url", "postgres://h/n", id="as some hosts say"),
        pytest.param("TWIML_DURABILITY", "process", "durability", "process", id="durability"),
        pytest.param("TWIML_STORE_FAILURE", "answer", "store_failure", "answer", id="store failure"),
        pytest.param("TWIML_RECORD", " failed ", "record", "failed", id="record"),
        pytest.param("TWIML_RETENTION_DAYS", " 7 ", "retention_days", 7, id="retention"),
        pytest.param("TWIML_LOOP_LIMIT", 3, "loop_limit", 3, id="loop limit"),
        pytest.param("TWIML_MAX_BODY_BYTES", "1", "max_body_bytes", 1, id="body"),
        pytest.param("TWIML_MAX_FIELDS", "007", "max_fields", 7, id="fields"),
        pytest.param("TWIML_APOLOGY", " Sorry! ", "apology", "Sorry!", id="apology"),
        pytest.param("TWIML_LOG_FORMAT", "json", "log_format", "json", id="log format"),
        pytest.param("SECRET_KEY", "k", "secret_keys", ("k",), id="Flask's key"),
        pytest.param("SECRET_KEY", b"k\xff", "secret_keys", ("kÿ",), id="Flask's key of bytes"),
    ],
)  # fmt: skip
def test_values_are_read(name: str, value: object, attribute: str, expected: object) -> None:
    """The environment has texts only, a Flask configuration anything: both mean the same."""
    assert getattr(read(**{name: value}), attribute) == expected


@pytest.mark.parametrize("blank", ["", "  ", "\n", None], ids=repr)
def test_blank_setting_is_not_set(blank: object) -> None:
    """Deployments export empty variables: a blank token, taken as one, would let anybody sign."""
    everything = dict.fromkeys(READERS, blank)

    assert Settings.read(everything | BASIC) == Settings.read(BASIC)
    with pytest.raises(ConfigurationError, match="nothing is set to authenticate Twilio by"):
        Settings.read(everything)


GIVE_TOKENS = "give a token, a JSON list, or a JSON object of account sid to token or list"
GIVE_KEYS = "give a JSON object of key id to secret"
GIVE_TEXTS = "give texts, separated by white space"
GIVE_PAIRS = "every entry is user:password, several are separated by white space"
GIVE_URL = "give scheme, host and prefix, no credentials, such as https://sms.example.com"
GIVE_DATABASE = "give sqlite:/// and a path, postgresql://user:password@host/name, or off"
EMPTY_SECRET = "has an empty secret, with which anybody could sign"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("TWIML_CREDENTIALS", "s3cret", GIVE_PAIRS, id="password alone"),
        pytest.param("TWIML_CREDENTIALS", ":s3cret", GIVE_PAIRS, id="no user"),
        pytest.param("TWIML_CREDENTIALS", "a:b s3cret:", GIVE_PAIRS, id="no password"),
        pytest.param("TWIML_CREDENTIALS", {"a": "s3cret"}, GIVE_TEXTS, id="credentials as a dict"),
        pytest.param("TWIML_CREDENTIALS", [("a", "s3cret")], GIVE_TEXTS, id="credentials as tuples"),
        pytest.param("TWIML_AUTH_TOKENS", '["s3cret"', "is not JSON: Expecting ',' delimiter", id="tokens cut off"),
        pytest.param("TWIML_AUTH_TOKENS", "[]", GIVE_TOKENS, id="no tokens"),
        pytest.param("TWIML_AUTH_TOKENS", "{}", GIVE_TOKENS, id="no accounts: signatures would not be asked for"),
        pytest.param("TWIML_AUTH_TOKENS", {}, GIVE_TOKENS, id="no accounts, from Flask"),
        pytest.param("TWIML_AUTH_TOKENS", '["s3cret", ""]', GIVE_TOKENS, id="empty token"),
        pytest.param("TWIML_AUTH_TOKENS", '["s3cret", " "]', GIVE_TOKENS, id="blank token"),
        pytest.param("TWIML_AUTH_TOKENS", '{"AC1": " "}', GIVE_TOKENS, id="blank token of an account"),
        pytest.param("TWIML_AUTH_TOKENS", '{"AC1": []}', GIVE_TOKENS, id="account without tokens"),
        pytest.param("TWIML_AUTH_TOKENS", '{"AC1": {"a": "s3cret"}}', GIVE_TOKENS, id="tokens nested too deep"),
        pytest.param("TWIML_AUTH_TOKENS", "[1]", GIVE_TOKENS, id="token that is a number"),
        pytest.param("TWIML_AUTH_TOKENS", b"s3cret", GIVE_TOKENS, id="token of bytes"),
        pytest.param("TWILIO_AUTH_TOKEN", b"s3cret", "is bytes: give a text", id="Twilio's token of bytes"),
        pytest.param("TWIML_SHARED_KEYS", "s3cret", "is not JSON: Expecting value", id="secret alone"),
        pytest.param("TWIML_SHARED_KEYS", "{}", GIVE_KEYS, id="no keys"),
        pytest.param("TWIML_SHARED_KEYS", '["s3cret"]', GIVE_KEYS, id="secrets without ids"),
        pytest.param("TWIML_SHARED_KEYS", '{"k": " "}', GIVE_KEYS, id="blank secret"),
        pytest.param("TWIML_SHARED_KEYS", '{"k": 1}', GIVE_KEYS, id="secret that is a number"),
        pytest.param("TWIML_ACCOUNTS", 1, GIVE_TEXTS, id="account that is a number"),
        pytest.param("TWIML_BLOCKED", [15005550001], GIVE_TEXTS, id="phone number that is a number"),
        pytest.param("TWIML_PUBLIC_URL", "sms.example.com", GIVE_URL, id="no scheme"),
        pytest.param("TWIML_PUBLIC_URL", "ftp://sms.example.com", GIVE_URL, id="other scheme"),
        pytest.param("TWIML_PUBLIC_URL", "https://", GIVE_URL, id="no host"),
        pytest.param("TWIML_PUBLIC_URL", "https://sms:s3cret@a.example", GIVE_URL, id="Message URL with its password"),
        pytest.param("TWIML_PUBLIC_URL", "https://a.example/b?c", GIVE_URL, id="query"),
        pytest.param("TWIML_PUBLIC_URL", "https://a.example#rc=5", GIVE_URL, id="fragment"),
        pytest.param("TWIML_PUBLIC_URL", "https://a .example", GIVE_URL, id="space in a host"),
        pytest.param("TWIML_PROXY_HOPS", "-1", "is '-1': give a whole number from 0", id="fewer hops than none"),
        pytest.param("TWIML_PROXY_HOPS", True, "is True: give a whole number from 0", id="hops as a flag"),
        pytest.param("TWIML_MAX_FIELDS", "0", "is '0': give a whole number from 1", id="no fields"),
        pytest.param("TWIML_MAX_FIELDS", 1.5, "is 1.5: give a whole number from 1", id="half a field"),
        pytest.param("TWIML_MAX_BODY_BYTES", "1e6", "is '1e6': give a whole number from 1", id="scientific"),
        pytest.param("TWIML_MAX_BODY_BYTES", "٣", "is '٣': give a whole number from 1", id="other digits"),
        pytest.param("TWIML_RETENTION_DAYS", "9" * 5000, f"is '{'9' * 5000}': give a whole", id="days without end"),
        pytest.param("TWIML_MESSAGE_PATH", "message", "is 'message': give a path such as /message", id="no slash"),
        pytest.param("TWIML_MESSAGE_PATH", "/", "is '/': give a path such as /message", id="root"),
        pytest.param("TWIML_STATUS_PATH", "/a?b", "is '/a?b': give a path such as /message", id="query in a path"),
        pytest.param("TWIML_STATUS_PATH", "/<a>", "is '/<a>': give a path such as /message", id="rule in a path"),
        pytest.param("TWIML_STATUS_PATH", 1, "is int: give a text", id="path that is a number"),
        pytest.param("TWIML_HANDLERS", ["a"], "is list: give a text", id="handlers as a list"),
        pytest.param("TWIML_DATABASE_URL", "mysql://u:s3cret@h/n", GIVE_DATABASE, id="other database"),
        pytest.param("TWIML_DATABASE_URL", "sqlite:///", GIVE_DATABASE, id="database without a path"),
        pytest.param("TWIML_RECORD", "none", "is 'none': give all or messages or failed", id="no such choice"),
        pytest.param("TWIML_LOG_FORMAT", ["json"], "is list: give a text", id="choice as a list"),
        pytest.param("SECRET_KEY", b" ", EMPTY_SECRET, id="key of a blank"),
        pytest.param("SECRET_KEY", b"", EMPTY_SECRET, id="key of no bytes"),
        pytest.param("TWIML_APOLOGY", "Entschuldigung f\udcfcr alles", "has bytes that are not UTF-8", id="not UTF-8"),
        pytest.param("TWIML_CREDENTIALS", "a:s3cret\udcff", "has bytes that are not UTF-8", id="password not UTF-8"),
        pytest.param("SECRET_KEY", 1, "is int: give a text", id="key that is a number"),
        pytest.param("SECRET_KEY_FALLBACKS", ["s3cret", ""], EMPTY_SECRET, id="empty key after rotation"),
        pytest.param("SECRET_KEY_FALLBACKS", 1, f"{GIVE_TEXTS}, or a list", id="fallbacks that are a number"),
    ],
)  # fmt: skip
def test_value_that_cannot_be_used_is_refused_by_name(name: str, value: object, problem: str) -> None:
    """It fails at start-up, where somebody is looking; what is printed there holds no secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(**{name: value})

    assert caught.value.setting == name
    assert caught.value.problem.startswith(problem)
    assert "s3cret" not in str(caught.value)


@given(
    st.sampled_from(sorted(READERS)),
    st.text(max_size=12) | st.binary() | st.integers() | st.lists(st.text(), max_size=2),
)
def test_any_value_is_read_or_refused_by_name(name: str, value: object) -> None:
    """A start that fails names the setting, never a line of our source; no secret that is read is blank."""
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


def test_nothing_to_authenticate_by_is_refused() -> None:
    """An open URL would let anybody speak in a customer's name."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({"TWIML_PUBLIC_URL": "https://a.example", "SECRET_KEY": "k", "TWIML_CREDENTIALS": []})

    assert str(caught.value) == (
        "TWIML_CREDENTIALS: nothing is set to authenticate Twilio by. Set TWIML_CREDENTIALS=user:password and put the"
        " same pair into the Message URL, or set TWILIO_AUTH_TOKEN to verify signatures, or both"
    )


@pytest.mark.parametrize(
    ("values", "required"),
    [
        pytest.param({"TWIML_CREDENTIALS": "a:b"}, False, id="credentials alone"),
        pytest.param({"TWILIO_AUTH_TOKEN": "t"}, True, id="token alone"),
        pytest.param({"TWIML_SHARED_KEYS": '{"k": "s"}'}, True, id="shared key alone"),
        pytest.param({"TWIML_CREDENTIALS": "a:b", "TWILIO_AUTH_TOKEN": "t"}, True, id="both"),
    ],
)
def test_what_is_configured_is_required(values: dict[str, str], required: bool) -> None:
    """A token that happens to be exported asks for signatures: safe, and said in the log."""
    assert Settings.read(values).requires_signature is required


def test_our_tokens_come_before_the_one_that_is_exported() -> None:
    """A shell that is set up for another account must not decide who may call."""
    assert read(TWIML_AUTH_TOKENS="ours", TWILIO_AUTH_TOKEN="theirs").auth_tokens == {"": ("ours",)}


@pytest.mark.parametrize(
    ("account_sid", "tokens"),
    [
        pytest.param("AC1", ("a", "b", "any"), id="its own, then those of any"),
        pytest.param("AC2", ("c", "any"), id="not those of another"),
        pytest.param("AC3", ("any",), id="an account that is not named"),
        pytest.param("", ("a", "b", "c", "any"), id="a webhook that names no account"),
    ],
)
def test_tokens_serve_the_account_they_are_of(account_sid: str, tokens: tuple[str, ...]) -> None:
    """The owner of a subaccount must not sign for another one."""
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
    """Status callbacks would be answered as messages, for ever."""
    with pytest.raises(ConfigurationError, match="is given to two of the three URLs: they must differ") as caught:
        read(**values)

    assert caught.value.setting == setting


def test_paths_are_told_by_what_they_are_for() -> None:
    """Each webhook goes to the right one of the three."""
    paths = read(TWIML_MESSAGE_PATH="/m", TWIML_STATUS_PATH="/s").paths

    assert paths == {"message": "/m", "status": "/s", "fallback": "/fallback"}


def test_flask_keys_sign_newest_first() -> None:
    """After a rotation the URLs that are out are still accepted."""
    assert read(SECRET_KEY="new", SECRET_KEY_FALLBACKS="old older").secret_keys == ("new", "old", "older")
    assert read(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", b"older"]).secret_keys == ("new", "old", "older")


def test_signing_keys_are_derived_from_every_secret() -> None:
    """A key less to configure; and no worker, restart or rotation makes a URL that is out invalid."""
    tokens = {"AC1": ["one", "two"]}
    before = Settings.read({"TWIML_CREDENTIALS": "a:old", "TWIML_AUTH_TOKENS": tokens})
    after = Settings.read({"TWIML_CREDENTIALS": "a:new a:old", "TWIML_AUTH_TOKENS": tokens})
    keys = Settings.read({"TWIML_SHARED_KEYS": {"k": "s"}}).secret_keys

    assert after.secret_keys[1:] == before.secret_keys
    assert len({*after.secret_keys, *keys}) == 5
    assert all(len(key) == 64 for key in (*after.secret_keys, *keys))


def test_settings_do_not_print_their_secrets() -> None:
    """They end up in a traceback or a log sooner or later."""
    settings = read(TWIML_AUTH_TOKENS="s3cret", TWIML_SHARED_KEYS={"k": "s3cret"}, SECRET_KEY="s3cret")

    assert "s3cret" not in repr(settings)
    assert "quite-long-enough" not in repr(settings)
    assert repr(settings.credentials) == "(Credentials('sms', '***'),)"


def test_misspelled_setting_is_found() -> None:
    """A setting that does nothing is worse than one that fails."""
    values = {**dict.fromkeys(READERS, ""), "TWIML_CREDENTIAL": "", "TWIML_ACOUNTS": "", "PATH": "", "TWILIO_X": ""}

    assert unknown_settings(values) == ["TWIML_ACOUNTS", "TWIML_CREDENTIAL"]


def test_token_of_the_official_library_belongs_to_its_account() -> None:
    """One account, one token: a subaccount signs with its own, and the refusal can say so."""
    settings = Settings.read({"TWILIO_AUTH_TOKEN": "token", "TWILIO_ACCOUNT_SID": "AC1"})

    assert (settings.tokens_for("AC1"), settings.tokens_for("AC2")) == (("token",), ())


def test_journal_in_memory_is_refused() -> None:
    """Each worker would have one of its own, and answer a repeated message again."""
    with pytest.raises(ConfigurationError, match="or off"):
        Settings.read({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "sqlite:///:memory:"})
