"""How each setting is read: its name in the environment, and the function that checks and converts its value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .addresses import sender_address
from .credentials import Credentials
from .errors import ConfigurationError


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


def _origin(name: str, value: Any) -> str:
    url = _string(name, value).rstrip("/")
    found = re.fullmatch(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", url)
    if not found:
        raise ConfigurationError(name, "give scheme and host without credentials, such as https://api.twilio.com")
    if found[1] == "http" and found[2].lower().endswith("twilio.com"):
        raise ConfigurationError(name, "is http: the credentials would be sent unencrypted; give an https URL")
    return url


def _path(name: str, value: Any) -> str:
    path = _string(name, value)
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]+", path):
        raise ConfigurationError(name, f"is {value!r}: give a path such as /message")
    return path


def _whole_number(least: int, most: int = 10**15) -> Callable[[str, Any], int]:
    wanted = f"{least} or more" if most == 10**15 else f"{least} to {most}"

    def read(name: str, value: Any) -> int:
        digits = str(value).strip()
        if not re.fullmatch("[0-9]{1,15}", digits) or not least <= int(digits) <= most:
            raise ConfigurationError(name, f"is {value!r}: give a whole number of {wanted}")
        return int(digits)

    return read


def _address(name: str, value: Any) -> tuple[str, int]:
    """Read a host and a port; an IPv6 address is written in brackets."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", _string(name, value))
    if not found or not 1 <= int(found[3]) <= 65535:
        raise ConfigurationError(name, f"is {value!r}: give host:port, such as 127.0.0.1:8001")
    return found[1] or found[2], int(found[3])


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


def _queue_url(name: str, value: Any) -> str:
    url = _string(name, value)
    if ":memory:" in url or not re.match(r"sqlite:///.|postgres(ql)?://.|rediss?://.|unix://.", url):
        raise ConfigurationError(
            name, "give sqlite:/// and a path, postgresql://user:password@host/name, or redis://host"
        )
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


def _sender(name: str, value: Any) -> str:
    sender = sender_address(_string(name, value))
    if not sender:
        problem = "give a number such as +15005550001, a short code, whatsapp: and a number, or the sid of a service"
        raise ConfigurationError(name, problem)
    return sender


def _by_sender(name: str, value: Any, wanted: str) -> dict[str, Any]:
    """Read a JSON object whose keys are senders."""
    parsed = _parsed_json(name, value)
    if not isinstance(parsed, dict) or not parsed:
        raise ConfigurationError(name, f"give a JSON object of sender to {wanted}")
    return {_sender(name, sender): each for sender, each in parsed.items()}


def _paces(name: str, value: Any) -> dict[str, float]:
    paces = _by_sender(name, value, "segments per second")
    for sender, pace in paces.items():
        if not isinstance(pace, int | float) or isinstance(pace, bool) or not 0.01 <= pace <= 10_000:
            raise ConfigurationError(name, f"is {pace!r} for {sender}: give segments per second, 0.01 to 10000")
    return {sender: float(pace) for sender, pace in paces.items()}


def _sender_accounts(name: str, value: Any) -> dict[str, str]:
    accounts = _by_sender(name, value, "account sid")
    for sender, sid in accounts.items():
        if not isinstance(sid, str) or not re.fullmatch("AC[0-9a-fA-F]{32}", sid):
            raise ConfigurationError(name, f"is {sid!r} for {sender}: give the sid of an account, which begins with AC")
    return accounts


#: The reader of each setting; a name without a reader is not a setting.
READERS: dict[str, Callable[[str, Any], Any]] = {
    "TWIML_CREDENTIALS": _credentials,
    "TWIML_AUTH_TOKENS": _auth_tokens,
    "TWILIO_AUTH_TOKEN": _string,
    "TWILIO_ACCOUNT_SID": _string,
    "TWIML_SHARED_KEYS": _shared_keys,
    "TWIML_ACCOUNTS": _frozen,
    "TWIML_PUBLIC_URL": _public_url,
    "TWIML_API_URL": _origin,
    "TWIML_PROXY_HOPS": _whole_number(0),
    "TWIML_MESSAGE_PATH": _path,
    "TWIML_STATUS_PATH": _path,
    "TWIML_FALLBACK_PATH": _path,
    "TWIML_ALERT_PATH": _path,
    "TWIML_MEDIA_PATH": _path,
    "TWIML_HANDLERS": _string,
    "TWIML_OPT_OUT_NUMBERS": _frozen,
    "TWIML_ADVANCED_OPT_OUT": _frozen,
    "TWIML_OPT_OUT_SCOPE": _choice("sender", "all"),
    "TWIML_SEGMENTS_PER_DAY": _whole_number(1),
    "TWIML_SEGMENTS_WARNING": _whole_number(1),
    "TWIML_DATABASE_URL": _database_url,
    "TWIML_DURABILITY": _choice("power", "process"),
    "TWIML_STORE_FAILURE": _choice("refuse", "answer"),
    "TWIML_WAIT_S": _whole_number(1, 14),
    "TWIML_RECORD": _choice("all", "messages", "failed"),
    "TWIML_RETENTION_DAYS": _whole_number(1),
    "TWIML_CONVERSATION_HOURS": _whole_number(1),
    "TWIML_EARLY_ANSWER_S": _whole_number(0, 60),
    "TWIML_LOOP_LIMIT": _whole_number(1),
    "TWIML_BLOCKED": _frozen,
    "TWIML_MAX_BODY_BYTES": _whole_number(1),
    "TWIML_MAX_FIELDS": _whole_number(1),
    "TWIML_APOLOGY": _string,
    "TWIML_LOG_FORMAT": _choice("text", "json"),
    "TWIML_QUEUE_URL": _queue_url,
    "TWIML_WORK_THREADS": _whole_number(0, 64),
    "TWIML_HEALTH_BIND": _address,
    "TWIML_METRICS": _choice("off", "on"),
    "TWIML_FROM": _sender,
    "TWIML_SENDER_ACCOUNTS": _sender_accounts,
    "TWIML_PACE": _paces,
    "SECRET_KEY": _secret,
    "SECRET_KEY_FALLBACKS": _secrets,
}
