"""The settings, read once at start-up from a mapping: the environment, overridden by a Flask configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .credentials import Credentials
from .errors import ConfigurationError
from .setting_readers import READERS
from .unknown_settings import describe_unknown_settings
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
    #: Twilio's REST API, or an emulator's: scheme and host.
    api_url: str = "https://api.twilio.com"
    proxy_hops: int = 0
    message_path: str = "/message"
    status_path: str = "/status"
    fallback_path: str = "/fallback"
    alert_path: str = "/alert"
    #: The folder of the URLs at which local files are served.
    media_path: str = "/media"
    handlers: str = "handlers"
    opt_out_numbers: frozenset[str] = frozenset()
    #: Messaging services that have their own opt-out words: for them, only OptOutType counts.
    advanced_opt_out: frozenset[str] = frozenset()
    #: Whether an opt-out holds for the ``sender`` that was texted, or for ``all``.
    opt_out_scope: str = "sender"
    #: How many segments one contact may be sent per day, without replies.
    segments_per_day: int = 300
    #: A message of more segments is logged as a warning.
    segments_warning: int = 10
    database_url: str = "sqlite:///instance/twiml.db"
    durability: str = "power"
    store_failure: str = "refuse"
    #: How long the journal may make one request wait, in seconds; Twilio waits 15.
    wait_s: int = 10
    record: str = "all"
    retention_days: int = 30
    #: How long the state of a conversation lives without a message, in hours.
    conversation_hours: int = 4
    #: How long after the question of a dialog a text does not answer it, in seconds.
    early_answer_s: int = 3
    loop_limit: int = 10
    blocked: frozenset[str] = frozenset()
    max_body_bytes: int = 262144
    max_fields: int = 500
    apology: str = ""
    log_format: str = "text"
    #: How many threads run work in each process of the web server; with 0, only ``twiml-app worker`` runs it.
    work_threads: int = 2
    #: The queue that tells ``twiml-app worker`` at once that work is due; without it, the worker looks every second.
    queue_url: str = ""
    #: The host and the port on which each worker of gunicorn answers health checks from a thread of its own.
    health_bind: tuple[str, int] | None = None
    #: Whether /metrics is served to those with the credentials.
    metrics: str = "off"
    #: The account that sends, unless the sender belongs to another; from TWILIO_ACCOUNT_SID.
    account_sid: str = ""
    #: What messages are sent from outside of handlers.
    from_: str = ""
    #: The accounts of senders that do not belong to ``account_sid``.
    sender_accounts: Mapping[str, str] = field(default_factory=dict)
    #: Segments per second of senders whose pace is not the default of their kind.
    pace: Mapping[str, float] = field(default_factory=dict)
    #: Newest first; the first one signs.
    secret_keys: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Settings:
        """Read the settings by their names in the environment.

        Raises: ConfigurationError, for a value that cannot be used, or if no authentication is configured.
        """
        given = {name: read(name, values[name]) for name, read in READERS.items() if _is_given(name, values.get(name))}
        settings = cls(**_setting_fields(given))
        _require_authentication(settings, values)
        _require_distinct_paths(settings)
        if settings.metrics == "on" and not settings.credentials:
            raise ConfigurationError("TWIML_METRICS", "on needs TWIML_CREDENTIALS: /metrics is only for who has them")
        return settings

    @property
    def paths(self) -> dict[Endpoint, str]:
        """The application's own paths, by endpoint."""
        return {
            "message": self.message_path,
            "status": self.status_path,
            "fallback": self.fallback_path,
            "alert": self.alert_path,
        }

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
    fields["account_sid"] = given.get("TWILIO_ACCOUNT_SID", "")
    fields["from_"] = fields.pop("from", "")
    fallbacks = given.get("SECRET_KEY_FALLBACKS", ())
    fields["secret_keys"] = (given["SECRET_KEY"], *fallbacks) if "SECRET_KEY" in given else _derived_keys(fields)
    return fields


def _derived_keys(fields: dict[str, Any]) -> tuple[str, ...]:
    """Derive a signing key from each configured secret, so that the old key stays valid during a rotation."""
    secrets = [f"{pair.user}:{pair.password}" for pair in fields.get("credentials", ())]
    secrets += [token for tokens in fields["auth_tokens"].values() for token in tokens]
    secrets += fields["shared_keys"].values()
    return tuple(hashlib.sha256(f"twiml_app status url {secret}".encode()).hexdigest() for secret in secrets)


def _require_authentication(settings: Settings, values: Mapping[str, Any]) -> None:
    if not settings.credentials and not settings.requires_signature:
        advice = (
            "no authentication is configured. Set TWIML_CREDENTIALS=user:password and put the same pair into the"
            " Message URL, or set TWILIO_AUTH_TOKEN to verify signatures, or both"
        )
        raise ConfigurationError("TWIML_CREDENTIALS", ". ".join([advice, *describe_unknown_settings(values)]))


def _require_distinct_paths(settings: Settings) -> None:
    paths = {f"TWIML_{endpoint.upper()}_PATH": path for endpoint, path in settings.paths.items()}
    paths["TWIML_MEDIA_PATH"] = settings.media_path
    for name, path in paths.items():
        if list(paths.values()).count(path) > 1:
            raise ConfigurationError(name, f"{path} is used for two URLs: they must differ")
