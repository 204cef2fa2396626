"""A request to the REST API and its answer, before they are HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...errors import ApiError
from ..quoting import shown
from ..resources import Account, Resource
from ..store import ResourceStore
from .parameters import Parameters

#: How the emulator's own paths begin.
CONTROL = "/_emulator"
#: How much of a path is repeated: the longest that there is has less.
MAX_PATH_CHARACTERS = 200

ResourceT = TypeVar("ResourceT", bound=Resource)

#: Names of a representation and their values, in order: texts, numbers, None, or a mapping of texts.
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """What a client wants."""

    #: GET, POST or DELETE; a PUT is a POST.
    method: str
    #: The path without the extension.
    path: str
    #: json, xml or csv; empty for none, which is XML on the old API.
    extension: str
    #: 2010-04-01 or 2008-08-01.
    version: str
    query: Parameters
    form: Parameters
    #: Whose credentials came with it, and which account it is about.
    caller: Account
    account: Account

    @property
    def suffix(self) -> str:
        """What stands at the end of a URI in the answer."""
        return f".{self.extension}" if self.extension else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneResource:
    """One resource."""

    #: The name of its element in XML.
    element: str
    fields: Fields
    status: int = 200
    #: When it was last changed, in seconds since the epoch.
    modified: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceList:
    """A page of resources."""

    #: The name of the list in JSON, of its element in XML, and of an element in it.
    key: str
    element: str
    item: str
    items: Sequence[Fields]
    page: Fields
    #: A resource with nothing in it: its names are the columns of an empty list.
    blank: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBody:
    """Bytes as they are."""

    content: bytes
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NoContent:
    """Done, and nothing to say."""

    status: int = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainDocument:
    """A JSON document that is no resource of the old API."""

    document: Any
    status: int = 200


ApiAnswer = OneResource | ResourceList | RawBody | NoContent | PlainDocument
View = Callable[..., ApiAnswer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """A path of the API, and what answers there to each method."""

    #: In werkzeug's syntax, without extension.
    path: str
    views: Mapping[str, View] = field(default_factory=dict)
    #: PUT is not taken for POST.
    refuses_put: bool = False
    #: What is written there may be about an account that is not active.
    reaches_inactive: bool = False
    #: Anybody may ask.
    is_open: bool = False
    #: JSON whatever the extension.
    is_json: bool = False


def not_found(path: str) -> ApiError:
    """Return the refusal of what is not there."""
    return ApiError(20404, f"The requested resource {shown(path, MAX_PATH_CHARACTERS)} was not found", status=404)


def find_own(store: ResourceStore, kind: type[ResourceT], request: ApiRequest, sid: str) -> ResourceT:
    """Return a resource of the account.

    Raises: ApiError, for one that is not there, or another account's.
    """
    resource = store.get(kind, sid)
    if resource is None or resource.account_sid != request.account.sid:
        raise not_found(request.path + request.suffix)
    return resource
