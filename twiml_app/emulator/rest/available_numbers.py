"""The numbers that can be bought: search them, and buy one by its area code.

https://www.twilio.com/docs/phone-numbers/api/availablephonenumberlocal-resource
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from ...errors import ApiError
from ..context import Context
from ..number_stock import (
    COUNTRIES,
    LOCAL,
    MOBILE,
    TOLL_FREE,
    NumberRange,
    Search,
    StockNumber,
    has_mms,
    kinds_of,
    stock,
)
from ..numbers import MAGIC_PURCHASES, MAGIC_SENDER, formatted, read_sender
from ..quoting import shown
from .paging import Pager
from .parameters import INVALID_PARAMETER, Parameters
from .request import ApiAnswer, ApiRequest, Fields, OneResource, ResourceList, Rule, not_found

_BASE = "/2010-04-01/Accounts/<account_sid>/AvailablePhoneNumbers"
_FLAGS = (
    *("SmsEnabled", "MmsEnabled", "VoiceEnabled", "FaxEnabled", "Beta"),
    *("ExcludeAllAddressRequired", "ExcludeLocalAddressRequired", "ExcludeForeignAddressRequired"),
)
_UNKNOWN_FILTERS = ("NearNumber", "NearLatLong", "Distance", "InRateCenter", "InLata")
_INVALID_NUMBER, _INVALID_AREA_CODE, _NONE_FOUND = 21421, 21451, 21452
#: Area codes of Twilio's test credentials: one has a number, the other has none.
_MAGIC_AREA_CODE, _MAGIC_EMPTY_AREA_CODE = "500", "533"


class AvailableNumbers:
    """The numbers that can be bought."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": self.list_countries})
        yield Rule(path=f"{_BASE}/<country>", views={"GET": self.fetch_country})
        yield Rule(path=f"{_BASE}/<country>/<kind>", views={"GET": self.list})

    def list_countries(self, request: ApiRequest) -> ApiAnswer:
        """List the countries with numbers."""
        countries = [_country_fields(country, request) for country in COUNTRIES]
        uri = request.path + request.suffix
        return ResourceList(key="countries", element="Countries", item="Country", items=countries, page={"uri": uri})

    def fetch_country(self, request: ApiRequest, country: str) -> ApiAnswer:
        """Return a country."""
        if country not in COUNTRIES:
            raise not_found(request.path + request.suffix)
        return OneResource(element="Country", fields=_country_fields(country, request))

    def list(self, request: ApiRequest, country: str, kind: str) -> ApiAnswer:
        """List numbers of a kind that can be bought; there is only one page, as at Twilio."""
        if country not in COUNTRIES or kind not in (LOCAL, TOLL_FREE, MOBILE):
            raise not_found(request.path + request.suffix)
        page = self._pager.read(request.query)
        needs_fax = request.query.flag("FaxEnabled")
        found = stock(country, kind, _search(request.query))
        free = (number for number in found if not needs_fax and not self._context.find_number(number.phone_number))
        return ResourceList(
            key="available_phone_numbers",
            element="AvailablePhoneNumbers",
            item="AvailablePhoneNumber",
            items=[_fields(number, country) for number in islice(free, page.size)],
            page={"uri": request.path + request.suffix},
            blank=_fields(StockNumber("", NumberRange("", 0, 0, 0)), country),
        )


def number_to_buy(context: Context, form: Parameters) -> str:
    """Return the number that ``PhoneNumber`` names, or one in ``AreaCode``.

    Raises: ApiError.
    """
    text, area_code = form.text("PhoneNumber"), form.text("AreaCode")
    if not text and not area_code:
        raise ApiError(_INVALID_NUMBER, "PhoneNumber is required: the number to buy, or AreaCode for any in an area.")
    if not text:
        return _any_in(context, area_code)
    address = read_sender(text)
    if address is None or address.kind != "number":
        raise ApiError(_INVALID_NUMBER, f"The PhoneNumber {shown(text)} is invalid.")
    if address.text in MAGIC_PURCHASES:
        raise ApiError(*MAGIC_PURCHASES[address.text])
    return address.text


def _any_in(context: Context, area_code: str) -> str:
    """Return the first number of an area code of the United States or Canada that nobody has.

    Raises: ApiError.
    """
    if not re.fullmatch("[2-9][0-9]{2}", area_code):
        raise ApiError(_INVALID_AREA_CODE, f"The AreaCode {shown(area_code)} is invalid: it must be three digits.")
    if area_code == _MAGIC_AREA_CODE:
        return MAGIC_SENDER
    search = Search(area_code=area_code)
    for country in ("US", "CA") if area_code != _MAGIC_EMPTY_AREA_CODE else ():
        for number in stock(country, LOCAL, search):
            if not context.find_number(number.phone_number):
                return number.phone_number
    raise ApiError(_NONE_FOUND, f"No phone numbers found in area code {area_code}.")


def _search(query: Parameters) -> Search:
    """Return what the filters of a list ask for.

    Raises: ApiError.
    """
    for name in _UNKNOWN_FILTERS:
        if query.text(name):
            raise ApiError(
                INVALID_PARAMETER, f"{name} is not emulated: use AreaCode, Contains, InRegion or InLocality."
            )
    for name in _FLAGS:
        query.flag(name)
    contains = query.text("Contains").strip().removeprefix("+")
    if not re.fullmatch("[0-9A-Za-z*]*", contains):
        raise ApiError(INVALID_PARAMETER, f"Contains is {shown(contains)!r}: it can have digits, letters and stars.")
    return Search(
        area_code=query.text("AreaCode"),
        contains=contains,
        locality=query.text("InLocality"),
        region=query.text("InRegion"),
        postal_code=query.text("InPostalCode"),
        needs_mms=query.flag("MmsEnabled"),
    )


def _fields(number: StockNumber, country: str) -> Fields:
    place = number.range.place
    return {
        "friendly_name": formatted(number.phone_number),
        "phone_number": number.phone_number,
        "lata": None,
        "locality": place.locality or None,
        "rate_center": place.locality.upper() or None,
        "latitude": place.latitude or None,
        "longitude": place.longitude or None,
        "region": place.region or None,
        "postal_code": place.postal_code or None,
        "iso_country": country,
        "address_requirements": "none",
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": has_mms(number.phone_number), "fax": False},
    }


def _country_fields(country: str, request: ApiRequest) -> Fields:
    base = f"/2010-04-01/Accounts/{request.account.sid}/AvailablePhoneNumbers/{country}"
    names = {LOCAL: "local", TOLL_FREE: "toll_free", MOBILE: "mobile"}
    return {
        "country_code": country,
        "country": COUNTRIES[country],
        "uri": base + request.suffix,
        "beta": False,
        "subresource_uris": {names[kind]: f"{base}/{kind}{request.suffix}" for kind in kinds_of(country)},
    }
