"""Pages of a list: their size, their tokens, and the URIs of the other pages, which keep the filters.

https://www.twilio.com/docs/usage/twilios-response#pagination
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from ...errors import ApiError
from ..quoting import shown
from ..resources import Resource
from ..store import Condition, ResourceStore
from .parameters import Parameters
from .request import ApiRequest, Fields, PlainDocument, ResourceList

DEFAULT_SIZE = 50
MAX_SIZE = 1000
DAY_S = 24 * 3600
_OWN = ("PageSize", "Page", "PageToken", "AfterSid", "_method")

ResourceT = TypeVar("ResourceT", bound=Resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The part of a list that a client asks for."""

    size: int
    number: int
    #: The SID of the last resource on the previous page.
    beyond: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The name of a list in JSON, in XML, and of one element in XML."""

    key: str
    element: str
    item: str


class Pager:
    """Reads pages from the store."""

    def __init__(self, store: ResourceStore, *, clips: bool, totals: bool) -> None:
        self._store = store
        self._clips = clips
        self._totals = totals

    def read(self, query: Parameters) -> Page:
        """Return the page that a request asks for.

        Raises: ApiError.
        """
        size = _page_number(query, "PageSize", DEFAULT_SIZE)
        if size > MAX_SIZE and not self._clips:
            raise ApiError(20007, f"Page size must be 1000 or less, not {size}.")
        token = query.text("PageToken")
        if token and not token.startswith("PA"):
            raise ApiError(21481, f"The PageToken {shown(token)} is invalid.")
        number = _page_number(query, "Page", 0)
        return Page(size=min(max(size, 1), MAX_SIZE), number=number, beyond=token.removeprefix("PA"))

    def find(
        self, kind: type[ResourceT], page: Page, conditions: Sequence[Condition], account_sid: str
    ) -> tuple[list[ResourceT], bool]:
        """Return the resources of a page, and whether there are more.

        Raises: ApiError, for an unknown page token.
        """
        self._refuse_unknown(kind, page)
        skipped = 0 if page.beyond else page.size * page.number
        wanted = skipped + page.size + 1
        found = self._store.find(kind, *conditions, account_sid=account_sid, beyond=page.beyond, limit=wanted)
        items = found[skipped : skipped + page.size]
        return items, len(found) == wanted

    def cut(self, kind: type[ResourceT], page: Page, resources: Sequence[ResourceT]) -> tuple[list[ResourceT], bool]:
        """Return the given resources that are on a page, newest first, and whether there are more.

        Raises: ApiError, for an unknown page token.
        """
        self._refuse_unknown(kind, page)
        places = {resource.sid: self._store.place(kind, resource.sid) for resource in resources}
        ordered = sorted(resources, key=lambda resource: places[resource.sid], reverse=True)
        if page.beyond:
            last = self._store.place(kind, page.beyond)
            rest = [resource for resource in ordered if places[resource.sid] < last]
        else:
            rest = ordered[page.size * page.number :]
        return rest[: page.size], len(rest) > page.size

    def _refuse_unknown(self, kind: type[ResourceT], page: Page) -> None:
        if page.beyond and self._store.place(kind, page.beyond) < 0:
            raise ApiError(21481, f"The PageToken {shown('PA' + page.beyond)} is invalid.")

    def list_page(
        self,
        request: ApiRequest,
        kind: type[ResourceT],
        names: Names,
        represent: Callable[[ResourceT], Fields],
        *conditions: Condition,
        account_sid: str | None = None,
    ) -> ResourceList:
        """Return a page of resources.

        Raises: ApiError.
        """
        page = self.read(request.query)
        owner = request.account.sid if account_sid is None else account_sid
        items, has_more = self.find(kind, page, conditions, owner)
        following = f"{page.number + 1}&PageToken=PA{items[-1].sid}" if has_more else ""
        envelope = self._envelope(request, page, len(items), following)
        if self._totals:
            envelope |= self._count(request, page, self._store.count(kind, *conditions, account_sid=owner))
        rows = [represent(item) for item in items]
        blank = {} if items else represent(_blank(kind))
        return ResourceList(
            key=names.key, element=names.element, item=names.item, items=rows, page=envelope, blank=blank
        )

    def page_of(self, request: ApiRequest, names: Names, rows: Sequence[Fields] = ()) -> ResourceList:
        """Return a page of rows that are not stored, by default of none.

        Raises: ApiError.
        """
        page = self.read(request.query)
        start = page.size * page.number
        shown_rows = rows[start : start + page.size]
        following = str(page.number + 1) if len(rows) > start + page.size else ""
        envelope = self._envelope(request, page, len(shown_rows), following)
        envelope |= self._count(request, page, len(rows)) if self._totals else {}
        return ResourceList(key=names.key, element=names.element, item=names.item, items=shown_rows, page=envelope)

    def _envelope(self, request: ApiRequest, page: Page, length: int, following: str) -> dict[str, Any]:
        start = page.size * page.number
        return {
            "first_page_uri": page_uri(request, page.size, "0"),
            "end": start + max(length - 1, 0),
            "previous_page_uri": page_uri(request, page.size, str(page.number - 1)) if page.number else None,
            "uri": page_uri(request, page.size, str(page.number)),
            "page_size": page.size,
            "start": start,
            "next_page_uri": page_uri(request, page.size, following) if following else None,
            "page": page.number,
        }

    def _count(self, request: ApiRequest, page: Page, total: int) -> dict[str, Any]:
        pages = max(1, -(-total // page.size))
        return {"total": total, "num_pages": pages, "last_page_uri": page_uri(request, page.size, str(pages - 1))}


def _blank(kind: type[ResourceT]) -> ResourceT:
    """Return a resource with empty fields."""
    required = [field.name for field in fields(kind) if field.default is MISSING]
    values: dict[str, Any] = {name: 0.0 if name.startswith("date_") else "" for name in required}
    return kind(**values)


def page_uri(request: ApiRequest, size: int, number: str) -> str:
    """Return the URI of a page, relative to the host."""
    return f"{request.path}{request.suffix}?{_filters(request)}PageSize={size}&Page={number}"


def _filters(request: ApiRequest) -> str:
    """Return the filters of a list, for the URIs of its pages."""
    return "".join(
        f"{quote(name, safe='')}={quote_plus(value)}&"
        for name in request.query.names
        if name not in _OWN
        for value in request.query.all(name)
    )


def meta_page(request: ApiRequest, key: str, page: Page, items: Sequence[Fields], last_sid: str = "") -> PlainDocument:
    """Return a page in the format of the newer APIs, with absolute URLs; ``last_sid`` is empty on the last page."""
    base = f"{request.base_url}{request.path}?{_filters(request)}PageSize={page.size}"
    following = f"{base}&Page={page.number + 1}&PageToken=PA{last_sid}"
    meta = {
        "page": page.number,
        "page_size": page.size,
        "first_page_url": f"{base}&Page=0",
        "previous_page_url": f"{base}&Page={page.number - 1}" if page.number else None,
        "url": f"{base}&Page={page.number}",
        "next_page_url": following if last_sid else None,
        "key": key,
    }
    return PlainDocument(document={"meta": meta, key: list(items)})


def _page_number(query: Parameters, name: str, default: int) -> int:
    given = query.integer(name, 0, 999_999_999, 20001)
    return default if given is None else given


def date_conditions(query: Parameters, name: str, field: str) -> list[Condition]:
    """Return the conditions for ``DateSent``, ``DateSent<`` and ``DateSent>``: the operator is part of the name.

    A date without a time means the whole day, in UTC; clients write it as midnight. ``<`` and ``>`` are inclusive: "on
    and before", "on and after".
    https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources

    Raises: ApiError.
    """
    conditions = []
    for operator in ("", "<", ">"):
        if not query.text(name + operator):
            continue
        moment = query.moment(name + operator, 20001)
        length = DAY_S if moment % DAY_S == 0 else 1
        if operator != "<":
            conditions.append(Condition(field, ">=", moment))
        if operator != ">":
            conditions.append(Condition(field, "<", moment + length))
    return conditions
