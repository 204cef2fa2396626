"""Accounts: list, create a subaccount, fetch, rename, suspend, reactivate, close permanently.

https://www.twilio.com/docs/iam/api/account
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

from ...errors import ApiError
from ..context import Context
from ..resources import Account
from ..store import Condition
from .paging import Names, Pager
from .parameters import INVALID_PARAMETER, Parameters
from .representations import account_fields, date
from .request import ApiAnswer, ApiRequest, OneResource, Rule

_NAMES = Names(key="accounts", element="Accounts", item="Account")
_STATUSES = ("active", "suspended", "closed")
#: The statuses as numbers. Those of 2008 are documented, and public examples of 2010 have 1.
_NUMBERS = {"1": "active", "2": "active", "4": "suspended", "16": "suspended", "32": "suspended"}
MAX_NAME_CHARACTERS = 64
MAX_SUBACCOUNTS = 1000


class Accounts:
    """The account and its subaccounts."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path="/2010-04-01/Accounts", views={"GET": self.list, "POST": self.create}, refuses_put=True)
        one = {"GET": self.fetch, "POST": self.update}
        yield Rule(path="/2010-04-01/Accounts/<account_sid>", views=one, reaches_inactive=True)

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List the caller's account and its subaccounts; a subaccount sees only itself."""
        caller = request.account
        wanted = {
            "status": _status(request.query),
            "friendly_name": request.query.text("FriendlyName"),
            "sid": "" if caller.sid == caller.account_sid else caller.sid,
        }
        return self._pager.list_page(
            request,
            Account,
            _NAMES,
            lambda account: account_fields(account, self._context.profile, request.suffix),
            *(Condition(field, "=", value) for field, value in wanted.items() if value),
            account_sid=caller.account_sid,
        )

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Create a subaccount."""
        parent = request.caller
        if parent.account_sid != parent.sid:
            raise ApiError(20006, "Access Denied: a subaccount cannot create subaccounts", status=403)
        if self._context.store.count(Account, account_sid=parent.sid) > MAX_SUBACCOUNTS:
            raise ApiError(21480, "The maximum number of subaccounts has been reached.")
        now = self._context.clock.now()
        account = Account(
            sid=self._context.new_sid("AC"),
            account_sid=parent.sid,
            date_created=now,
            date_updated=now,
            auth_token=secrets.token_hex(16),
            friendly_name=_name(request) or default_name(now),
            type=parent.type,
            verified=parent.verified,
        )
        return self._answer(self._context.store.save(account), request, 201)

    def fetch(self, request: ApiRequest) -> ApiAnswer:
        """Return an account."""
        return self._answer(request.account, request)

    def update(self, request: ApiRequest) -> ApiAnswer:
        """Rename an account, or change its status."""
        with self._context.lock:
            account = self._context.account(request.account.sid)
            name, status = _name(request), _status(request.form, 21475)
            if status:
                _refuse_change(account, status)
            changed = replace(
                account,
                friendly_name=name or account.friendly_name,
                status=status or account.status,
                date_updated=self._context.clock.now(),
            )
            return self._answer(self._context.store.save(changed), request)

    def _answer(self, account: Account, request: ApiRequest, status: int = 200) -> ApiAnswer:
        fields = account_fields(account, self._context.profile, request.suffix)
        return OneResource(element="Account", fields=fields, status=status, modified=account.date_updated)


def default_name(created: float) -> str:
    """Return the name of a subaccount that was given none."""
    return f"SubAccount Created at {date(created)}"


def _name(request: ApiRequest) -> str:
    name = request.form.text("FriendlyName")
    if len(name) > MAX_NAME_CHARACTERS:
        raise ApiError(20002, f"FriendlyName has {len(name)} characters: at most {MAX_NAME_CHARACTERS} are allowed.")
    return name


def _status(parameters: Parameters, code: int = INVALID_PARAMETER) -> str:
    """Return a status, also if it is given as a number; an empty string if none is given.

    Raises: ApiError.
    """
    return _NUMBERS.get(parameters.text("Status")) or parameters.choice("Status", _STATUSES, code)


def _refuse_change(account: Account, status: str) -> None:
    if account.status == "closed":
        raise ApiError(21479, f"Account {account.sid} is permanently closed.")
    if account.account_sid == account.sid and status != "active":
        raise ApiError(21477, "The status of a parent account cannot be changed.")
