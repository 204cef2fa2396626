"""Data types for calling a webhook: its URL and connection overrides, requests, attempts and results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from ..errors import CallError
from ..webhook import WebhookResponse

#: Twilio's error codes for calls that fail, https://www.twilio.com/docs/api/errors
INVALID_URL = 11100
RETRIEVAL_FAILURE = 11200
TOTAL_TIMEOUT = 11203
CONNECTION_FAILURE = 11205
PROTOCOL_VIOLATION = 11206
BAD_HOST_NAME = 11210
TOO_MANY_REDIRECTS = 11215
TLS_HANDSHAKE = 11220
CERTIFICATE_FOR_ANOTHER = 11235
CERTIFICATE_EXPIRED = 11236
CERTIFICATE_WITHOUT_PATH = 11237
INVALID_EDGE = 11240
INVALID_RETRY_POLICY = 11243

#: Each also with the suffix ``-ix``, for Interconnect.
EDGES = ("ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla")
POLICIES = ("4xx", "5xx", "ct", "rt", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRequest:
    """One request to send; its URL has neither credentials nor fragment."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    #: Seconds allowed to connect, and to read after that.
    connect_timeout_s: float
    read_timeout_s: float


class ConnectFailed(OSError):
    """No connection could be made; nothing was sent."""

    def __init__(self, *problem: object, code: int = CONNECTION_FAILURE) -> None:
        super().__init__(*problem)
        #: The error code in Twilio's debugger.
        self.code = code


class ProtocolViolation(OSError):
    """The answer is not HTTP, or is incomplete."""


class Transport(Protocol):
    """Sends one request and returns the answer.

    Raises: ConnectFailed; ProtocolViolation; OSError, if the connection breaks or the answer is late.
    """

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Timeouts and retries of a call, written in the fragment of its URL, there in milliseconds."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0
    total_s: float = 15.0
    retries: int = 1
    #: Which failures are retried: ``ct`` for no connection, ``rt`` for no answer in time, ``4xx``, ``5xx``, ``all``.
    policy: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, fragment: str) -> Overrides:
        """Read a fragment such as ``rc=2&rp=all``; values out of Twilio's bounds are set to the nearest bound."""
        given = {name: values[0] for name, values in parse_qs(fragment).items()}
        return cls(
            connect_timeout_s=_milliseconds(given.get("ct"), 5000, 10000),
            read_timeout_s=_milliseconds(given.get("rt"), 15000, 15000),
            total_s=_milliseconds(given.get("tt"), 15000, 15000),
            retries=_bounded(given.get("rc"), 1, least=0, most=5),
            policy=frozenset(given.get("rp", "ct").split(",")),
        )

    @staticmethod
    def mistakes(fragment: str) -> tuple[tuple[int, str], ...]:
        """Return the mistakes that Twilio would report, each as its error code and a sentence.

        Values out of bounds are not mistakes: they are set to the nearest bound.
        https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
        """
        given = {name: values[0].split(",") for name, values in parse_qs(fragment).items()}
        edges = [edge for edge in given.get("e", []) if edge.removesuffix("-ix") not in EDGES]
        policies = [policy for policy in given.get("rp", []) if policy not in POLICIES]
        return (
            *((INVALID_EDGE, f"e={edge}: no such edge; use one of {', '.join(EDGES)}") for edge in edges),
            *(
                (INVALID_RETRY_POLICY, f"rp={each}: no such policy; use some of {', '.join(POLICIES)}")
                for each in policies
            ),
        )

    def covers(self, failure: str) -> bool:
        """Return whether a kind of failure is retried."""
        return "all" in self.policy or failure in self.policy


def _milliseconds(given: str | None, default: int, most: int) -> float:
    return _bounded(given, default, least=100, most=most) / 1000


def _bounded(given: str | None, default: int, *, least: int, most: int) -> int:
    """Read an integer and limit it to the bounds; anything else gives the default."""
    number = int(given) if given and re.fullmatch("[0-9]{1,9}", given) else default
    return min(max(number, least), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A URL as configured at Twilio: credentials in it, and connection overrides after a ``#``."""

    url: str
    method: str = "POST"
    fallback_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request that was sent, and its answer or the problem."""

    request: OutgoingRequest
    response: WebhookResponse | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The result of calling a webhook: the final answer, and every request made to get it."""

    #: The URL that answered, without credentials; URLs in the answer are relative to it.
    url: str
    response: WebhookResponse
    attempts: tuple[Attempt, ...]
    #: Why the fallback URL was called, if it was.
    failure: CallError | None = None
