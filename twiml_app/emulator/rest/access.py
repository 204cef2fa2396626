"""Who may ask: credentials, accounts that are not active, too many requests at once, and an outage on demand.

https://www.twilio.com/docs/usage/requests-to-twilio
"""

from __future__ import annotations

import hmac
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.datastructures import Authorization

from ...errors import ApiError
from ..resources import Account
from ..store import Store
from .asking import not_found

CHALLENGE = 'Basic realm="Twilio API"'


class Access:
    """Lets requests in."""

    def __init__(self, store: Store, concurrency: int) -> None:
        self._store = store
        self._concurrency = concurrency
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._outage = 0

    def authenticate(self, given: Authorization | None) -> Account:
        """Return the account whose sid and token came with a request.

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
    def slot(self, account_sid: str) -> Iterator[int]:
        """Hold one of the requests that an account may have running at once; gives their number.

        Raises: ApiError, with 20429 if there are too many.
        """
        with self._lock:
            running = self._running[account_sid] + 1
            if running > self._concurrency:
                raise ApiError(20429, "Too Many Requests", status=429)
            self._running[account_sid] = running
        try:
            yield running
        finally:
            with self._lock:
                self._running[account_sid] -= 1

    def fail_next(self, requests: int) -> None:
        """Answer the next requests with 503."""
        with self._lock:
            self._outage = requests

    def refuse_in_outage(self) -> None:
        """Refuse a request while an outage lasts.

        Raises: ApiError.
        """
        with self._lock:
            if not self._outage:
                return
            self._outage -= 1
        raise ApiError(20503, "Service Unavailable: try again later", status=503)


def refuse_web_pages(origin: str, host: str) -> None:
    """Refuse what a page of another site makes a browser send: the browser may know the credentials.

    Raises: ApiError.
    """
    if origin and origin.partition("://")[2] != host:
        raise ApiError(20006, f"Access Denied: a page of {origin} may not write here", status=403)


def _not_active(account: Account) -> ApiError:
    return ApiError(20005, f"Account {account.sid} is {account.status}", status=403)
