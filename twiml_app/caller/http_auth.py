"""WWW-Authenticate challenges (Basic and Digest) and the Authorization headers that answer them.

Twilio supports Basic and Digest, https://www.twilio.com/docs/usage/security#http-authentication. Both are defined in
RFC 9110 (11.6.1), RFC 7617 and RFC 7616.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote
from urllib.request import parse_http_list

from ..credentials import Credentials, basic_header

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of the grammar, not a secret
_PARAMETER = re.compile(rf"({_TOKEN})\s*=(?!=)\s*(.*)", re.DOTALL)
_OPENING = re.compile(rf"({_TOKEN})(?:\s+(.*))?", re.DOTALL)
#: A folded header keeps its line breaks; returned to the server, they would end the header.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+ *")
_PRINTABLE = re.compile(r"[ -~]*")

_HASHES = {"md5": "md5", "sha-256": "sha256"}
_SESSION = "-sess"
_BASIC_STRENGTH = 1
_DIGEST_STRENGTHS = {"md5": 2, "sha-256": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A challenge: scheme and parameter names in lower case, values without quotes."""

    scheme: str
    parameters: Mapping[str, str]

    @property
    def is_stale(self) -> bool:
        """Whether only the nonce was refused, not the password."""
        return self.scheme == "digest" and self.parameters.get("stale", "").lower() == "true"

    @property
    def strength(self) -> int:
        """How well an answer protects the password; 0 if it cannot be answered, for example without a realm."""
        if "realm" not in self.parameters:
            return 0
        if self.scheme == "basic":
            return _BASIC_STRENGTH
        is_digest = self.scheme == "digest" and "nonce" in self.parameters and self._qop in ("", "auth")
        return _DIGEST_STRENGTHS.get(self._algorithm.removesuffix(_SESSION), 0) if is_digest else 0

    @property
    def _algorithm(self) -> str:
        return self.parameters.get("algorithm", "MD5").lower()

    @property
    def _qop(self) -> str:
        """The quality of protection to use: ``auth`` if the server offers it."""
        offered = [each.strip() for each in self.parameters.get("qop", "").lower().split(",")]
        return "auth" if "auth" in offered else offered[0]

    def authorization(
        self, credentials: Credentials, *, method: str, target: str, client_nonce: str, count: int
    ) -> str:
        """Return the Authorization header that answers this challenge; its strength must not be 0.

        ``target`` is the path and query as sent; ``count`` is the number of answers to this challenge, including this
        one. Use one client nonce per challenge: servers disagree about ``-sess`` if it changes.
        """
        if self.scheme == "basic":
            return basic_header(credentials)
        counted, hashed = f"{count:08x}", self._hash
        proof = [self.parameters["nonce"], *([counted, client_nonce, "auth"] if self._qop else [])]
        response = hashed(":".join([self._secret(credentials, client_nonce), *proof, hashed(f"{method}:{target}")]))
        return "Digest " + ", ".join(
            [
                _username(credentials.user),
                *(f"{name}={_quoted_string(self.parameters[name])}" for name in ("realm", "nonce")),
                f"uri={_quoted_string(target)}",
                *self._repeated(),
                *self._client_fields(counted, client_nonce),
                f'response="{response}"',
            ]
        )

    def _secret(self, credentials: Credentials, client_nonce: str) -> str:
        user, password = (_as_header(text) for text in (credentials.user, credentials.password))
        secret = self._hash(f"{user}:{self.parameters['realm']}:{password}")
        if not self._algorithm.endswith(_SESSION):
            return secret
        return self._hash(f"{secret}:{self.parameters['nonce']}:{client_nonce}")

    def _hash(self, text: str) -> str:
        name = _HASHES[self._algorithm.removesuffix(_SESSION)]
        return hashlib.new(name, text.encode("latin-1", "replace"), usedforsecurity=False).hexdigest()

    def _repeated(self) -> Iterator[str]:
        """Yield the parameters that are returned to the server unchanged."""
        if "algorithm" in self.parameters:
            yield f"algorithm={self.parameters['algorithm']}"
        if "opaque" in self.parameters:
            yield f"opaque={_quoted_string(self.parameters['opaque'])}"

    def _client_fields(self, counted: str, client_nonce: str) -> Iterator[str]:
        if self._qop:
            yield f"qop=auth, nc={counted}"
        if self._qop or self._algorithm.endswith(_SESSION):
            yield f"cnonce={_quoted_string(client_nonce)}"


def read_challenges(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges in WWW-Authenticate values, without those that cannot be read."""
    return [challenge for value in values for challenge in _read_header(value)]


def strongest(challenges: Iterable[Challenge]) -> Challenge | None:
    """Return the challenge to answer: Digest with SHA-256, else with MD5, else Basic; the first of equals."""
    answerable = (challenge for challenge in challenges if challenge.strength)
    return max(answerable, key=lambda challenge: challenge.strength, default=None)


def _read_header(value: str) -> Iterator[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    for item in parse_http_list(_CONTROLS.sub(" ", value)):
        parameter = _PARAMETER.fullmatch(item)
        if parameter is None and (opening := _OPENING.fullmatch(item)):
            found.append((opening[1].lower(), {}))
            parameter = _PARAMETER.fullmatch(opening[2] or "")
        if parameter and found:
            found[-1][1].setdefault(parameter[1].lower(), _unquoted_string(parameter[2]))
    return (Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found)


def _unquoted_string(value: str) -> str:
    """Remove the quotes; ``parse_http_list`` has already removed the backslashes between them."""
    return value[1:].removesuffix('"') if value.startswith('"') else value


def _quoted_string(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _username(user: str) -> str:
    """Return the username parameter of RFC 7616, encoded if the name cannot be quoted."""
    if _PRINTABLE.fullmatch(user):
        return f"username={_quoted_string(user)}"
    return f"username*=UTF-8''{quote(user, safe='', errors='replace')}"


def _as_header(text: str) -> str:
    """Return UTF-8 bytes as one character per byte, the way that realm and nonce were read."""
    return text.encode("utf-8", "replace").decode("latin-1")
