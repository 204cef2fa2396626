"""Access control: credentials, account status, concurrency, and the Host and Origin headers.

https://www.twilio.com/docs/usage/requests-to-twilio
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.datastructures import Authorization

from ...errors import ApiError
from ..quoting import shown
from ..resources import Account
from ..store import ResourceStore
from .request import CONTROL, not_found

CHALLENGE = 'Basic realm="Twilio API"'
#: The maximum number of concurrent requests to the emulator's own paths: it stops an app that texts itself forever.
CONTROL_CONCURRENCY = 100

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@/\s]+)(?::[0-9]*)?")
#: Names that only this machine uses for itself, and Twilio's: a proxy may redirect clients to the emulator.
_OWN_HOSTS = frozenset({"localhost", "host.docker.internal", "twilio.com"})
_OWN_DOMAINS = (".localhost", ".twilio.com")


class Access:
    """Decides whether the emulator answers a request."""

    def __init__(self, store: ResourceStore, concurrency: int) -> None:
        self._store = store
        self._concurrency = concurrency
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    def authenticate(self, given: Authorization | None) -> Account:
        """Return the account whose SID and token were sent with a request.

        Raises: ApiError.
        """
        if given is None or given.type != "basic":
            raise ApiError(20003, "Authenticate", status=401)
        account = self._store.get(Account, given.username or "")
        expected = account.auth_token if account else ""
        if account is None or not hmac.compare_digest(expected.encode(), (given.password or "").encode()):
            raise ApiError(20003, "Authentication Error - invalid username or password", status=401)
        if account.status != "active":
            raise _not_active(account)
        return account

    def find_account(self, caller: Account, sid: str, path: str, *, is_writing: bool) -> Account:
        """Return the account that a path names: the caller's own, or a subaccount of it.

        Raises: ApiError.
        """
        account = self._store.get(Account, sid)
        if account is None or caller.sid not in (account.sid, account.account_sid):
            raise not_found(path)
        if is_writing and account.status != "active":
            raise _not_active(account)
        return account

    @contextmanager
    def slot(self, holder: str) -> Iterator[int]:
        """Count a request of an account, or of ``CONTROL``, while it runs; yield how many are running.

        Raises: ApiError, with 20429 if too many are running.
        """
        most = CONTROL_CONCURRENCY if holder == CONTROL else self._concurrency
        with self._lock:
            running = self._running[holder] + 1
            if running > most:
                raise ApiError(20429, "Too Many Requests", status=429)
            self._running[holder] = running
        try:
            yield running
        finally:
            with self._lock:
                self._running[holder] -= 1


def refuse_strange_host(host: str, own: str) -> None:
    """Refuse a Host header that does not name this machine: DNS rebinding would let a web page read everything here.

    ``own`` is the host name that the server was started with. A request without a Host header is accepted: browsers
    always send one.

    Raises: ApiError.
    """
    if host and not _is_own(host, own.lower()):
        problem = f"{shown(host)} is not an allowed host name for this emulator: use localhost"
        raise ApiError(20006, f"Access Denied: {problem}", status=403)


def _is_own(host: str, own: str) -> bool:
    found = _HOST.fullmatch(host)
    name = found[1].lower().removesuffix(".") if found else ""
    return name == own or name in _OWN_HOSTS or name.endswith(_OWN_DOMAINS) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def refuse_web_pages(origin: str, host: str) -> None:
    """Refuse a write that a page of another site makes the browser send: it may have stored the credentials.

    Raises: ApiError.
    """
    if origin and origin.partition("://")[2] != host:
        raise ApiError(20006, f"Access Denied: pages of {shown(origin)} may not write to this emulator", status=403)


def _not_active(account: Account) -> ApiError:
    return ApiError(20005, f"Account {account.sid} is {account.status}", status=403)
