"""What an account links to and the emulator does not emulate: lists that are empty, and nothing that can be created."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...errors import ApiError
from ..context import Context
from .paging import Names, Pager
from .request import ApiAnswer, ApiRequest, OneResource, Rule

_BASE = "/2010-04-01/Accounts/<account_sid>"
_LISTS = {
    "Calls": Names(key="calls", element="Calls", item="Call"),
    "Conferences": Names(key="conferences", element="Conferences", item="Conference"),
    "Queues": Names(key="queues", element="Queues", item="Queue"),
    "Recordings": Names(key="recordings", element="Recordings", item="Recording"),
    "Transcriptions": Names(key="transcriptions", element="Transcriptions", item="Transcription"),
    "OutgoingCallerIds": Names(key="outgoing_caller_ids", element="OutgoingCallerIds", item="OutgoingCallerId"),
    "ConnectApps": Names(key="connect_apps", element="ConnectApps", item="ConnectApp"),
    "AuthorizedConnectApps": Names(
        key="authorized_connect_apps", element="AuthorizedConnectApps", item="AuthorizedConnectApp"
    ),
    "Keys": Names(key="keys", element="Keys", item="Key"),
    "SigningKeys": Names(key="signing_keys", element="SigningKeys", item="SigningKey"),
    "SIP/Domains": Names(key="domains", element="Domains", item="Domain"),
    "SIP/CredentialLists": Names(key="credential_lists", element="CredentialLists", item="CredentialList"),
    "SIP/IpAccessControlLists": Names(
        key="ip_access_control_lists", element="IpAccessControlLists", item="IpAccessControlList"
    ),
    "Usage/Triggers": Names(key="usage_triggers", element="UsageTriggers", item="UsageTrigger"),
}
_INDEXES = {
    "SIP": ("domains", "credential_lists", "ip_access_control_lists"),
    "Usage": ("records", "triggers"),
}
#: The code that Twilio's test credentials get for what they cannot do.
_NOT_FOR_TESTS = 20008
#: What an account of the emulator has, always.
_BALANCE = "100.00"


class EmptyLists:
    """The resources for calls and for the administration of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        for path, names in _LISTS.items():
            views = {"GET": partial(self.list, names), "POST": partial(self.refuse, path)}
            yield Rule(path=f"{_BASE}/{path}", views=views)
        for path in _INDEXES:
            yield Rule(path=f"{_BASE}/{path}", views={"GET": partial(self.index, path)})
        yield Rule(path=f"{_BASE}/Balance", views={"GET": self.balance})

    def list(self, names: Names, request: ApiRequest) -> ApiAnswer:
        """Return an empty page."""
        return self._pager.page_of(request, names)

    def refuse(self, path: str, request: ApiRequest) -> ApiAnswer:
        """Refuse to create anything.

        Raises: ApiError.
        """
        raise ApiError(_NOT_FOR_TESTS, f"This emulator is for messaging: it creates no {path}.", status=403)

    def index(self, path: str, request: ApiRequest) -> ApiAnswer:
        """Return the lists below a path."""
        names = {name: "".join(part.capitalize() for part in name.split("_")) for name in _INDEXES[path]}
        uris = {name: f"{request.path}/{found}{request.suffix}" for name, found in names.items()}
        fields = {
            "account_sid": request.account.sid,
            "uri": request.path + request.suffix,
            "subresource_uris": uris,
        }
        return OneResource(element=path, fields=fields)

    def balance(self, request: ApiRequest) -> ApiAnswer:
        """Return the balance, which messages do not change."""
        fields = {"account_sid": request.account.sid, "balance": _BALANCE, "currency": "USD"}
        return OneResource(element="Balance", fields=fields)
