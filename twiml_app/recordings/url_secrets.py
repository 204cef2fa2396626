"""The secrets in URLs: passwords, and parameters that are named like a key, a token or a signature."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

#: What replaces the value of a secret parameter.
SCRUBBED = "scrubbed"

#: Secret wherever they occur in the name of a parameter.
_PARTS = (
    r"secret|token|passw(?:or)?d|passphrase|passcode|pwd|api[_.-]?key|access[_.-]?key|private[_.-]?key|signature"
    r"|credential|authori[sz]ation|bearer|jwt|sess(?:ion)?[_.-]?id|csrf|nonce"
)
#: Secret only as a whole word of the name.
_WORDS = r"sig|key|auth|pass|pin|session|hmac|otp|code_verifier"
_NAME = rf"(?:[\w.\-\[\]]*(?:{_PARTS})[\w.\-\[\]]*|(?:[\w.\-]*[_.\-])?(?:{_WORDS})(?:[_.\-][\w.\-]*)?)"
_NAMES = re.compile(_NAME, re.IGNORECASE)
_CREDENTIALS = (
    # up to the last @ before the path
    r"(?<=://)[^\s/?#<>\"]*@"
    # a password may contain a slash or other characters that belong into an escape; a port is not a password
    r"|(?<=://)[^\s/@:?#<>\"\[]*:(?![0-9]{1,5}(?:[/?#]|$))[^\s@]*@(?:[^\s/@<>\"]*@)*"
    r"|(?<=://)[^\s/@:?#<>\"\[.]+(?<!localhost):[^\s@]*@(?:[^\s/@<>\"]*@)*"
    # the same in a URL that is the value of a parameter
    r"|(?<=%3a%2f%2f)(?:(?!%2f|%3f|%23|%26)[^\s/?#&=<>\"@])*%40"
)
_SECRETS = re.compile(
    rf"(?P<user>{_CREDENTIALS})|(?<![\w.\-\[\]]){_NAME}=(?P<value>[^\s&;#\"'<>]+)"
    rf"|(?:(?<=3f)|(?<=26)|(?<=[?&])){_NAME}%(?P<depth>(?:25)*)3d(?P<escaped>(?:(?!%(?P=depth)(?:26|23))[^\s&;#\"'<>])+)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"(?P<name>(?<=[?&;])[^\s=&;#?\"'<>]+)=(?P<value>[^\s&;#\"'<>]*)")
_HINTS = ("://", "=", "%3")


def is_secret(name: str) -> bool:
    """Return whether the value of a parameter is a secret, judged by its name."""
    return _NAMES.fullmatch(name) is not None


def secrets_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start and the end of every secret, and its replacement."""
    if not any(hint in text for hint in _HINTS):
        return
    for found in _SECRETS.finditer(text):
        kind = str(found.lastgroup)
        yield (*found.span(kind), "" if kind == "user" else SCRUBBED)


def without_secrets(text: str) -> str:
    """Return a string without the credentials of its URLs and the values of secret parameters."""
    return replace_spans(text, secrets_in(text))


def without_credentials(text: str) -> str:
    """Return a string without the user names and passwords of its URLs."""
    return re.sub(_CREDENTIALS, "", text, flags=re.IGNORECASE)


def with_parameters(url: str, change: Callable[[str, str], str]) -> str:
    """Return a text with other values of the URL parameters in it; ``change`` gets name and value."""
    return _PARAMETER.sub(lambda found: f"{found['name']}={change(found['name'], found['value'])}", url)


def replace_spans(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """Return a text with replaced parts; of two parts that overlap, the first counts."""
    made, done = [], 0
    for start, end, replacement in sorted(spans, key=lambda span: span[0]):
        if start >= done:
            made += [text[done:start], replacement]
            done = end
    return "".join([*made, text[done:]])
