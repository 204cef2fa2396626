"""Usage: how many messages an account sent and received, and what they cost, by category and time.

https://www.twilio.com/docs/usage/api/usage-record
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from ...errors import ApiError
from ..context import Context
from ..quoting import shown
from ..resources import API_2010, MessageRecord
from .paging import Names, Pager
from .parameters import INVALID_PARAMETER, Parameters
from .request import ApiAnswer, ApiRequest, Fields, Rule

_NAMES = Names(key="usage_records", element="UsageRecords", item="UsageRecord")
_BASE = f"/{API_2010}/Accounts/<account_sid>/Usage/Records"
_DIRECTIONS = {"inbound": "Inbound", "outbound": "Outbound"}
_SENDERS = {"longcode": "Long Code", "shortcode": "Short Code"}
#: The categories, and their descriptions.
CATEGORIES: Mapping[str, str] = {
    "totalprice": "Total Price",
    **{
        name: description
        for kind in ("sms", "mms")
        for name, description in (
            (kind, kind.upper()),
            *((f"{kind}-{way}", f"{shown_way} {kind.upper()}") for way, shown_way in _DIRECTIONS.items()),
            *(
                (f"{kind}-{way}-{sender}", f"{shown_sender} {shown_way} {kind.upper()}")
                for way, shown_way in _DIRECTIONS.items()
                for sender, shown_sender in _SENDERS.items()
            ),
        )
    },
    "channels": "Channels",
}
_SUBRESOURCES = ("AllTime", "Daily", "LastMonth", "Monthly", "ThisMonth", "Today", "Yearly", "Yesterday")
_RELATIVE = re.compile(r"([+-]?[0-9]{1,5})days?")


@dataclass(frozen=True, slots=True)
class _Span:
    """Days of usage, from the first to the last."""

    first: date
    last: date


@dataclass(slots=True)
class _Amounts:
    """What a span has of each category."""

    messages: Counter[str]
    segments: Counter[str]
    prices: Counter[str]


class UsageRecords:
    """The usage of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": partial(self.list, "")})
        for path in _SUBRESOURCES:
            yield Rule(path=f"{_BASE}/{path}", views={"GET": partial(self.list, path)})

    def list(self, path: str, request: ApiRequest) -> ApiAnswer:
        """List the usage of each category, and of each day, month or year, newest first."""
        wanted = request.query.text("Category")
        categories = [name for name in CATEGORIES if wanted in ("", name)]
        request.query.flag("IncludeSubaccounts")
        spans = _spans(path, self._limits(request, path))
        messages = self._context.store.find(MessageRecord, account_sid=request.account.sid)
        rows = [
            _fields(request, category, span, amounts)
            for span, amounts in zip(spans, _amounts(messages, spans), strict=True)
            for category in categories
        ]
        return self._pager.page_of(request, _NAMES, rows)

    def _limits(self, request: ApiRequest, path: str) -> _Span:
        """Return the days that a request asks for, by default since the account exists.

        Raises: ApiError.
        """
        today = _day(self._context.clock.now())
        opened = _day(request.account.date_created)
        month = today.replace(day=1)
        ends: dict[str, _Span] = {
            "Today": _Span(today, today),
            "Yesterday": _Span(today - timedelta(1), today - timedelta(1)),
            "ThisMonth": _Span(month, today),
            "LastMonth": _Span((month - timedelta(1)).replace(day=1), month - timedelta(1)),
        }
        if path in ends:
            return ends[path]
        first = _read_day(request.query, "StartDate", today) or opened
        return _Span(max(first, opened), min(_read_day(request.query, "EndDate", today) or today, today))


def _day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).date()


def _read_day(query: Parameters, name: str, today: date) -> date | None:
    """Return a day, written as 2026-11-22 or relative to today as -30days; None if it is not given.

    Raises: ApiError.
    """
    text = query.text(name).strip()
    if not text:
        return None
    relative = _RELATIVE.fullmatch(text)
    try:
        return today + timedelta(int(relative[1])) if relative else date.fromisoformat(text[:10])
    except (ValueError, OverflowError):
        problem = f"{name} is {shown(text)!r}: write it as 2026-05-15 or -30days."
        raise ApiError(INVALID_PARAMETER, problem) from None


_STARTS: Mapping[str, Callable[[date], date]] = {
    "Daily": lambda day: day,
    "Monthly": lambda day: day.replace(day=1),
    "Yearly": lambda day: day.replace(month=1, day=1),
}


def _spans(path: str, limits: _Span) -> Sequence[_Span]:
    """Return the days, months or years of a list, newest first; otherwise all days together."""
    start_of = _STARTS.get(path)
    if start_of is None:
        return [limits]
    spans, last = [], limits.last
    while last >= limits.first:
        first = max(start_of(last), limits.first)
        spans.append(_Span(first, last))
        last = first - timedelta(1)
    return spans


def _amounts(messages: Sequence[MessageRecord], spans: Sequence[_Span]) -> list[_Amounts]:
    """Return the amounts of each span; a message that was not sent has none."""
    found = [_Amounts(Counter(), Counter(), Counter()) for _ in spans]
    place = {day: n for n, span in enumerate(spans) for day in _days(span)}
    for message in messages:
        n = place.get(_day(message.date_sent)) if message.date_sent is not None else None
        if n is None:
            continue
        for category in _categories_of(message):
            found[n].messages[category] += 1
            found[n].segments[category] += message.num_segments
            found[n].prices[category] += round(-(message.price or 0.0) * 100_000)
    return found


def _days(span: _Span) -> Iterator[date]:
    for n in range((span.last - span.first).days + 1):
        yield span.first + timedelta(n)


def _categories_of(message: MessageRecord) -> list[str]:
    if ":" in message.to:
        return ["totalprice", "channels"]
    kind = "mms" if message.num_media else "sms"
    way = "inbound" if message.is_inbound else "outbound"
    sender = "shortcode" if message.number.isdigit() else "longcode"
    return ["totalprice", kind, f"{kind}-{way}", f"{kind}-{way}-{sender}"]


def _fields(request: ApiRequest, category: str, span: _Span, amounts: _Amounts) -> Fields:
    base = f"/{API_2010}/Accounts/{request.account.sid}/Usage/Records"
    days = f"StartDate={span.first}&EndDate={span.last}"
    price = f"{amounts.prices[category] / 100_000:.5f}"
    is_total = category == "totalprice"
    is_sms = category.startswith("sms")
    return {
        "category": category,
        "description": CATEGORIES[category],
        "account_sid": request.account.sid,
        "start_date": str(span.first),
        "end_date": str(span.last),
        "as_of": f"{span.last}T00:00:00+00:00",
        "count": "" if is_total else str(amounts.messages[category]),
        "count_unit": "" if is_total else "messages",
        "usage": price if is_total else str((amounts.segments if is_sms else amounts.messages)[category]),
        "usage_unit": "usd" if is_total else "segments" if is_sms else "messages",
        "price": price,
        "price_unit": "usd",
        "api_version": API_2010,
        "uri": f"{request.path}{request.suffix}?Category={category}&{days}",
        "subresource_uris": {
            _key(path): f"{base}/{path}{request.suffix}?Category={category}" for path in _SUBRESOURCES
        },
    }


def _key(path: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", path).lower()
