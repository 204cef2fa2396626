"""The settings, read once at start-up from a mapping: the environment, overridden by a Flask configuration."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .credentials import Credentials
from .errors import ConfigurationError
from .webhook import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """Validated application settings, created by ``Settings.read``."""

    credentials: tuple[Credentials, ...] = ()
    #: Tokens by account sid; tokens under the empty sid are for any account.
    auth_tokens: Mapping[str, tuple[str, ...]]
    #: Secrets of the HMAC-SHA256 scheme by key id.
    shared_keys: Mapping[str, str]
    #: The account sids that are served; empty for any.
    accounts: frozenset[str] = frozenset()
    public_url: str = ""
    proxy_hops: int = 0
    message_path: str = "/message"
    status_path: str = "/status"
    fallback_path: str = "/fallback"
    handlers: str = "handlers"
    opt_out_numbers: frozenset[str] = frozenset()
    database_url: str = "sqlite:///instance/twiml.db"
    durability: str = "power"
    store_failure: str = "refuse"
    record: str = "all"
    retention_days: int = 30
    loop_limit: int = 10
    blocked: frozenset[str] = frozenset()
    max_body_bytes: int = 262144
    max_fields: int = 500
    apology: str = ""
    log_format: str = "text"
    #: Newest first; the first one signs.
    secret_keys: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Settings:
        """Read the settings by their names in the environment.

        Raises: ConfigurationError, for a value that cannot be used, or if no authentication is configured.
        """
        given = {name: read(name, values[name]) for name, read in READERS.items() if _is_given(name, values.get(name))}
        settings = cls(**_setting_fields(given))
        _require_authentication(settings)
        _require_distinct_paths(settings)
        return settings

    @property
    def paths(self) -> dict[Endpoint, str]:
        """The application's own paths, by endpoint."""
        return {"message": self.message_path, "status": self.status_path, "fallback": self.fallback_path}

    def tokens_for(self, account_sid: str) -> tuple[str, ...]:
        """Return the tokens that may sign for an account; all tokens, if no account is given."""
        if not account_sid:
            return tuple(token for tokens in self.auth_tokens.values() for token in tokens)
        return self.auth_tokens.get(account_sid, ()) + self.auth_tokens.get("", ())

    @property
    def requires_signature(self) -> bool:
        """Whether a token or a shared key is configured, so that X-Twilio-Signature is verified."""
        return bool(self.auth_tokens or self.shared_keys)


def _is_given(name: str, value: Any) -> bool:
    """Return whether a setting has a value; a blank one does not, as anybody could sign with a blank token.

    Raises: ConfigurationError, for a value with bytes that are not UTF-8.
    """
    if not isinstance(value, str):
        return value is not None
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(name, "has bytes that are not UTF-8")
    return bool(value.strip())


def _setting_fields(given: dict[str, Any]) -> dict[str, Any]:
    fields = {name.removeprefix("TWIML_").lower(): value for name, value in given.items() if name.startswith("TWIML_")}
    own = {given.get("TWILIO_ACCOUNT_SID", ""): (given["TWILIO_AUTH_TOKEN"],)} if "TWILIO_AUTH_TOKEN" in given else {}
    fields.setdefault("auth_tokens", own)
    fields.setdefault("shared_keys", {})
    fallbacks = given.get("SECRET_KEY_FALLBACKS", ())
    fields["secret_keys"] = (given["SECRET_KEY"], *fallbacks) if "SECRET_KEY" in given else _derived_keys(fields)
    return fields


def _derived_keys(fields: dict[str, Any]) -> tuple[str, ...]:
    """Derive a signing key from each configured secret, so that the old key stays valid during a rotation."""
    secrets = [f"{pair.user}:{pair.password}" for pair in fields.get("credentials", ())]
    secrets += [token for tokens in fields["auth_tokens"].values() for token in tokens]
    secrets += fields["shared_keys"].values()
    return tuple(hashlib.sha256(f"twiml_app status url {secret}".encode()).hexdigest() for secret in secrets)


def _require_authentication(settings: Settings) -> None:
    if not settings.credentials and not settings.requires_signature:
        raise ConfigurationError(
            "TWIML_CREDENTIALS",
            "no authentication is configured. Set TWIML_CREDENTIALS=user:password and put the same pair into"
            " the Message URL, or set TWILIO_AUTH_TOKEN to verify signatures, or both",
        )


def _require_distinct_paths(settings: Settings) -> None:
    paths = {"TWIML_MESSAGE_PATH": settings.message_path, "TWIML_STATUS_PATH": settings.status_path}
    paths["TWIML_FALLBACK_PATH"] = settings.fallback_path
    for name, path in paths.items():
        if list(paths.values()).count(path) > 1:
            raise ConfigurationError(name, f"{path} is used for two of the three URLs: they must differ")


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(name, f"is {type(value).__name__}: give a string")
    return value.strip()


def _string_list(name: str, value: Any) -> list[str]:
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple | set | frozenset) or not all(isinstance(word, str) for word in words):
        raise ConfigurationError(name, "must be one or more strings separated by white space")
    return list(words)


def _credentials(name: str, value: Any) -> tuple[Credentials, ...]:
    pairs = []
    for word in _string_list(name, value):
        user, colon, password = word.partition(":")
        if not (user and colon and password):
            raise ConfigurationError(name, "every entry must be user:password; separate several by white space")
        pairs.append(Credentials(user, password))
    return tuple(pairs)


def _parsed_json(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigurationError(name, f"is not JSON: {error}") from error


def _auth_tokens(name: str, value: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(value, str) and not value.strip().startswith(("[", "{")):
        return {"": (value.strip(),)}
    parsed = _parsed_json(name, value)
    by_account = parsed if isinstance(parsed, dict) and parsed else {"": parsed}
    return {sid: _token_list(name, tokens) for sid, tokens in by_account.items()}


def _token_list(name: str, value: Any) -> tuple[str, ...]:
    tokens = (value,) if isinstance(value, str) else value
    if not isinstance(tokens, list | tuple) or not tokens or not all(map(_is_secret, tokens)):
        raise ConfigurationError(name, "give a token, a JSON list, or a JSON object of account sid to token or list")
    return tuple(token.strip() for token in tokens)


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _shared_keys(name: str, value: Any) -> dict[str, str]:
    keys = _parsed_json(name, value)
    if not isinstance(keys, dict) or not keys or not all(map(_is_secret, keys.values())):
        raise ConfigurationError(name, "give a JSON object of key id to secret")
    return keys


def _public_url(name: str, value: Any) -> str:
    url = _string(name, value).rstrip("/")
    if not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?(/[^\s?#]*)?", url):
        # The value is not shown: it may be a Message URL with its password.
        raise ConfigurationError(
            name, "give scheme, host and prefix without credentials, such as https://sms.example.com"
        )
    return url


def _path(name: str, value: Any) -> str:
    path = _string(name, value)
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]+", path):
        raise ConfigurationError(name, f"is {value!r}: give a path such as /message")
    return path


def _whole_number(least: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        digits = str(value).strip()
        if not re.fullmatch("[0-9]{1,15}", digits) or int(digits) < least:
            raise ConfigurationError(name, f"is {value!r}: give a whole number of {least} or more")
        return int(digits)

    return read


def _choice(*choices: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        choice = _string(name, value)
        if choice not in choices:
            raise ConfigurationError(name, f"is {value!r}: give {' or '.join(choices)}")
        return choice

    return read


def _database_url(name: str, value: Any) -> str:
    url = _string(name, value)
    if ":memory:" in url or (url != "off" and not re.match(r"sqlite:///.|postgres(ql)?://.", url)):
        raise ConfigurationError(name, "give sqlite:/// and a path, postgresql://user:password@host/name, or off")
    return url


def _frozen(name: str, value: Any) -> frozenset[str]:
    """Read numbers or sids, separated by white space or commas."""
    return frozenset(part for word in _string_list(name, value) for part in word.replace(",", " ").split())


def _secrets(name: str, value: Any) -> tuple[str, ...]:
    secrets = value.split() if isinstance(value, str) else value
    if not isinstance(secrets, list | tuple):
        raise ConfigurationError(name, "must be strings separated by white space, or a list")
    return tuple(_secret(name, secret) for secret in secrets)


def _secret(name: str, value: Any) -> str:
    secret = value.decode("latin-1") if isinstance(value, bytes) else _string(name, value)
    if not secret.strip():
        raise ConfigurationError(name, "has an empty secret: anybody could sign with it")
    return secret


#: Settings that only the command line reads.
_OF_COMMANDS = ("TWIML_EMULATOR_URL",)

#: The reader of each setting; a name without a reader is not a setting.
READERS: dict[str, Callable[[str, Any], Any]] = {
    "TWIML_CREDENTIALS": _credentials,
    "TWIML_AUTH_TOKENS": _auth_tokens,
    "TWILIO_AUTH_TOKEN": _string,
    "TWILIO_ACCOUNT_SID": _string,
    "TWIML_SHARED_KEYS": _shared_keys,
    "TWIML_ACCOUNTS": _frozen,
    "TWIML_PUBLIC_URL": _public_url,
    "TWIML_PROXY_HOPS": _whole_number(0),
    "TWIML_MESSAGE_PATH": _path,
    "TWIML_STATUS_PATH": _path,
    "TWIML_FALLBACK_PATH": _path,
    "TWIML_HANDLERS": _string,
    "TWIML_OPT_OUT_NUMBERS": _frozen,
    "TWIML_DATABASE_URL": _database_url,
    "TWIML_DURABILITY": _choice("power", "process"),
    "TWIML_STORE_FAILURE": _choice("refuse", "answer"),
    "TWIML_RECORD": _choice("all", "messages", "failed"),
    "TWIML_RETENTION_DAYS": _whole_number(1),
    "TWIML_LOOP_LIMIT": _whole_number(1),
    "TWIML_BLOCKED": _frozen,
    "TWIML_MAX_BODY_BYTES": _whole_number(1),
    "TWIML_MAX_FIELDS": _whole_number(1),
    "TWIML_APOLOGY": _string,
    "TWIML_LOG_FORMAT": _choice("text", "json"),
    "SECRET_KEY": _secret,
    "SECRET_KEY_FALLBACKS": _secrets,
}


def unknown_settings(values: Mapping[str, Any]) -> list[str]:
    """Return the names that look like a setting but are not one: misspelled, or from another release."""
    return sorted(name for name in values if name.startswith("TWIML_") and name not in {*READERS, *_OF_COMMANDS})
