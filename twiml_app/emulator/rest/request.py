"""Framework-independent request and response types of the REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...errors import ApiError
from ..quoting import shown
from ..resources import Account, Resource
from ..store import ResourceStore
from .parameters import Parameters

#: The prefix of the emulator's own paths.
CONTROL = "/_emulator"
#: How much of a path an error repeats: every valid path is shorter.
MAX_PATH_CHARACTERS = 200

ResourceT = TypeVar("ResourceT", bound=Resource)

#: The fields of a representation, in order; values are strings, numbers, None, or a mapping of strings.
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request to the REST API."""

    #: GET, POST or DELETE; PUT counts as POST.
    method: str
    #: The path without the extension.
    path: str
    #: json, xml or csv; empty for none, which means XML in the old API.
    extension: str
    #: 2010-04-01 or 2008-08-01.
    version: str
    query: Parameters
    form: Parameters
    #: The account whose credentials were sent, and the account that the path names.
    caller: Account
    account: Account
    #: The scheme and host that were asked, which absolute URLs in the response name.
    base_url: str

    @property
    def suffix(self) -> str:
        """The ending of the URIs in the response."""
        return f".{self.extension}" if self.extension else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneResource:
    """A response with one resource."""

    #: The name of its element in XML.
    element: str
    fields: Fields
    status: int = 200
    #: When it was last changed, in seconds since the epoch.
    modified: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceList:
    """A response with a page of resources."""

    #: The name of the list in JSON, of its element in XML, and of each item in XML.
    key: str
    element: str
    item: str
    items: Sequence[Fields]
    page: Fields
    #: An empty resource: its field names are the CSV columns of an empty list.
    blank: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBody:
    """A response whose body is sent unchanged."""

    content: bytes
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NoContent:
    """A response without a body."""

    status: int = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainDocument:
    """A response with a JSON document, outside the old API."""

    document: Any
    status: int = 200


ApiAnswer = OneResource | ResourceList | RawBody | NoContent | PlainDocument
View = Callable[..., ApiAnswer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """A path of the API, with a view per method."""

    #: In Werkzeug's syntax, without an extension.
    path: str
    views: Mapping[str, View] = field(default_factory=dict)
    #: PUT does not count as POST.
    refuses_put: bool = False
    #: Writes are allowed for an account that is not active.
    reaches_inactive: bool = False
    #: No credentials are needed.
    is_open: bool = False
    #: The response is JSON, whatever the extension.
    is_json: bool = False


def not_found(path: str) -> ApiError:
    """Return the error for a resource that does not exist."""
    return ApiError(20404, f"The requested resource {shown(path, MAX_PATH_CHARACTERS)} was not found", status=404)


def find_own(store: ResourceStore, kind: type[ResourceT], request: ApiRequest, sid: str) -> ResourceT:
    """Return a resource of the account.

    Raises: ApiError, if it does not exist or belongs to another account.
    """
    resource = store.get(kind, sid)
    if resource is None or resource.account_sid != request.account.sid:
        raise not_found(request.path + request.suffix)
    return resource
