"""A request to create a message: the resource it is sent through, the account, and the parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...segments import MAX_UNITS
from ..numbers import Address
from ..resources import API_2010, Account
from .parameters import Parameters

MAX_LEGACY_UNITS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageApi:
    """The resource that a message is sent through, one of three, and the differences between them."""

    api_version: str = API_2010
    is_legacy: bool = False

    @property
    def max_units(self) -> int:
        """The maximum length of a body, in UTF-16 units."""
        return MAX_LEGACY_UNITS if self.is_legacy else MAX_UNITS

    def accept(self, address: Address | None) -> Address | None:
        """Return an address if the resource supports it: the legacy one has no channels."""
        return None if self.is_legacy and address and address.kind == "channel" else address


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRequest:
    """A request to create a message."""

    account: Account
    form: Parameters
    api: MessageApi = field(default_factory=MessageApi)
