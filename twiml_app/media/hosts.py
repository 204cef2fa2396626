"""Which hosts get credentials, and which addresses a media file may be downloaded from."""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import SplitResult

#: Edges and regions are in the name, https://www.twilio.com/docs/global-infrastructure/understanding-edge-locations
_TWILIO = re.compile(r"api(\.[a-z0-9-]{1,40}){0,2}\.twilio\.com")
#: The addresses that IPv6 networks are given; the others are local, embedded or reserved.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: The address of an IPv4 host in a network without IPv4, https://www.rfc-editor.org/rfc/rfc6052
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS = {"https": 443, "http": 80}


def is_twilio(parts: SplitResult) -> bool:
    """Return whether a URL is one of Twilio's REST API, whose certificate then proves that it is."""
    return parts.scheme == "https" and parts.port in (None, 443) and bool(_TWILIO.fullmatch(parts.hostname or ""))


def origin_of(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL; ``localhost`` and ``127.0.0.1`` are the same host."""
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    return parts.scheme, host, parts.port or _PORTS.get(parts.scheme, 0)


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet: neither private, nor local, nor reserved."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = _embedded(ip)
        if embedded is None:
            return ip in _GLOBAL_UNICAST and ip.is_global
        ip = embedded
    return ip.is_global and not ip.is_multicast


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address are finally sent to, if there is one."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def resolve_host(
    host: str, port: int, timeout_s: float, *, system: Callable[..., Sequence[Any]] = socket.getaddrinfo
) -> list[str]:
    """Return the addresses of a host, in a thread, as the system's resolver has no time limit.

    Raises: OSError; TimeoutError.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = system(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # a name that is too long is a UnicodeError
            answers.put(OSError(f"the host {host} is not found: {error}"))
        else:
            answers.put([str(address[0]) for *_, address in found])

    threading.Thread(target=ask, name="twiml media lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=max(timeout_s, 0))
    except queue.Empty:
        raise TimeoutError(f"the host {host} is not found in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
