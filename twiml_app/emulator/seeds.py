"""A seed: the accounts, numbers, services, applications and phones that an emulator starts with.

It is a TOML or JSON file. The keys are the field names in ``resources``; fields that are not given have defaults::

    [[numbers]]
    phone_number = "+15017122661"
    sms_url = "http://sms:password@127.0.0.1:8000/message"

    [[accounts]]                     # subaccounts, with a sid and a token of their own
    sid = "AC..."
    auth_token = "..."

    [account]                        # the account itself
    type = "Trial"
    verified = ["+15558675310"]

    [[services]]
    friendly_name = "News"
    numbers = ["+15017122661"]       # numbers or their sids

    [[applications]]
    [[phones]]
    contact = "+15558675310"
    status = "undelivered"
    error_code = 30005
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..statuses import FAILURES
from .context import Context
from .numbers import formatted
from .resources import Account, Application, IncomingNumber, MessagingService, PhoneSettings, Resource
from .rest.accounts import default_name
from .seed_reader import PREFIXES, Row, Seed, read_entry, read_row, rows_of, seed_error, shown, single_table

_KINDS: Mapping[str, type[Resource]] = {
    "accounts": Account,
    "applications": Application,
    "numbers": IncomingNumber,
    "services": MessagingService,
    "phones": PhoneSettings,
}
#: Fields of the emulator's own account that a seed cannot change.
_FIXED = ("sid", "account_sid", "auth_token")


class Sower:
    """Saves the resources of a seed in the store: all of them, or none."""

    def __init__(self, context: Context, account_sid: str) -> None:
        self._context = context
        self._account_sid = account_sid
        self._made: dict[tuple[type[Resource], str], Resource] = {}

    def sow(self, seed: Seed) -> None:
        """Create the resources of a seed.

        Raises: ConfigurationError, which names the key.
        """
        for name in seed:
            if name not in ("account", *_KINDS):
                raise seed_error(f"{shown(name)} is not one of: {', '.join(('account', *_KINDS))}")
        self._made = {}
        self._change_account(single_table(seed, "account"))
        for table, kind in _KINDS.items():
            for row in rows_of(seed, table):
                self._make(table, kind, row)
        for resource in self._made.values():
            self._context.store.save(resource)

    def _change_account(self, row: Row) -> None:
        account = self._context.account(self._account_sid)
        values = read_row("account", Account, row)
        for name in _FIXED:
            if values.get(name, getattr(account, name)) != getattr(account, name):
                raise seed_error(
                    f"account: {name!r} is not that of the emulator: leave it out, or set TWILIO_ACCOUNT_SID and"
                    " TWILIO_AUTH_TOKEN"
                )
        self._made[Account, account.sid] = replace(account, **values)

    def _make(self, table: str, kind: type[Resource], row: Row) -> None:
        resource = kind(**{**self._defaults(kind), **read_entry(table, kind, row)})
        if kind is MessagingService:
            resource = replace(resource, numbers=self._find_numbers(resource))  # type: ignore[call-arg]
        resource = _with_name(resource)
        self._check_references(table, resource)
        if (kind, resource.sid) in self._made:
            raise seed_error(f"{table}: {resource.sid} appears twice")
        self._made[kind, resource.sid] = resource

    def _defaults(self, kind: type[Resource]) -> dict[str, Any]:
        now = self._context.clock.now()
        sid = self._context.new_sid(PREFIXES[kind]) if kind in PREFIXES else ""
        return {"sid": sid, "account_sid": self._account_sid, "date_created": now, "date_updated": now}

    def _check_references(self, table: str, resource: Resource) -> None:
        """Check that the account and the application of a resource exist, and that a number appears once.

        Raises: ConfigurationError.
        """
        owner = self._made.get((Account, resource.account_sid))
        is_own = isinstance(resource, Account) and resource.sid == resource.account_sid
        if owner is None and not is_own:
            raise seed_error(f"{table}: there is no account {resource.account_sid}")
        if isinstance(resource, Account) and owner and owner.account_sid != owner.sid:
            raise seed_error(f"{table}: {owner.sid} is a subaccount, which cannot have subaccounts")
        if isinstance(resource, IncomingNumber):
            self._check_number(resource)
        if isinstance(resource, PhoneSettings) and resource.error_code and resource.status not in FAILURES:
            raise seed_error(f"{table}: {resource.sid}: error_code needs the status undelivered or failed")

    def _check_number(self, number: IncomingNumber) -> None:
        if any(number.phone_number == other.phone_number for other in self._numbers()):
            raise seed_error(f"numbers: {number.phone_number} appears twice")
        application = self._made.get((Application, number.sms_application_sid))
        if number.sms_application_sid and not (application and application.account_sid == number.account_sid):
            raise seed_error(f"numbers: the account has no application {number.sms_application_sid}")

    def _find_numbers(self, service: Any) -> tuple[str, ...]:
        """Return the sids of the numbers of a service, which lists numbers or their sids.

        Raises: ConfigurationError.
        """
        known = {name: number for number in self._numbers() for name in (number.sid, number.phone_number)}
        taken = {sid for made in self._made.values() if isinstance(made, MessagingService) for sid in made.numbers}
        sids: list[str] = []
        for name in service.numbers:
            number = known.get(name)
            if number is None or number.account_sid != service.account_sid:
                raise seed_error(f"services: {name} is not a number of its account")
            if number.sid in (*taken, *sids):
                raise seed_error(f"services: {name} is already in a service")
            sids.append(number.sid)
        return tuple(sids)

    def _numbers(self) -> list[IncomingNumber]:
        return [made for made in self._made.values() if isinstance(made, IncomingNumber)]


def _with_name(resource: Resource) -> Resource:
    """Return a resource with the name that the REST API gives by default, unless it has one."""
    if isinstance(resource, IncomingNumber) and not resource.friendly_name:
        return replace(resource, friendly_name=formatted(resource.phone_number))
    if isinstance(resource, Account) and not resource.friendly_name:
        return replace(resource, friendly_name=default_name(resource.date_created))
    return resource
