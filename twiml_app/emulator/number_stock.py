"""The numbers that can be bought: invented ones, all in ranges that are reserved for fiction and call nobody.

United States and Canada: 555-0100 to 555-0199 of every area code, https://nanpa.com/numbering/555-line-numbers; United
Kingdom: https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama; Australia:
https://www.acma.gov.au/phone-numbers-use-tv-shows-films-and-creative-works; France: those that ARCEP keeps for films.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, zip_longest

LOCAL, TOLL_FREE, MOBILE = "Local", "TollFree", "Mobile"

#: The countries with numbers, and their names.
COUNTRIES: Mapping[str, str] = {
    "AU": "Australia",
    "CA": "Canada",
    "FR": "France",
    "GB": "United Kingdom",
    "US": "United States",
}

_TOLL_FREE_CODES = ("800", "833", "844", "855", "866", "877", "888")
_PREFIXES: Mapping[str, tuple[str, ...]] = {
    TOLL_FREE: (*(f"+1{code}" for code in _TOLL_FREE_CODES), "+44800", "+44808", "+611800", "+33800"),
    MOBILE: ("+447", "+614", "+336", "+337"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number is; latitude and longitude are decimal degrees."""

    locality: str = ""
    region: str = ""
    postal_code: str = ""
    latitude: str = ""
    longitude: str = ""


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Consecutive numbers: those that begin with ``prefix`` and end with a number from ``first`` to ``last``."""

    prefix: str
    first: int
    last: int
    #: How many digits follow the prefix.
    digits: int
    area_code: str = ""
    place: Place = field(default_factory=Place)

    def numbers(self) -> Iterator[StockNumber]:
        """Yield the numbers, in order."""
        for line in range(self.first, self.last + 1):
            yield StockNumber(f"{self.prefix}{line:0{self.digits}}", self)


@dataclass(frozen=True, slots=True)
class StockNumber:
    """A number that can be bought."""

    phone_number: str
    range: NumberRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a number must have; an empty field does not matter."""

    area_code: str = ""
    #: Digits, letters as on a telephone keypad, and stars for any digit.
    contains: str = ""
    locality: str = ""
    region: str = ""
    postal_code: str = ""
    needs_mms: bool = False

    def finds(self, number: StockNumber) -> bool:
        """Return whether a number has all of it."""
        place = number.range.place
        wanted = ((self.locality, place.locality), (self.region, place.region), (self.postal_code, place.postal_code))
        if any(given and given.lower() != value.lower() for given, value in wanted):
            return False
        if self.needs_mms and not has_mms(number.phone_number):
            return False
        return not self.contains or bool(re.search(_pattern(self.contains), number.phone_number))


#: Area code, city, state, postal code, latitude and longitude.
_US = """
205 Birmingham AL 35203 33.520 -86.800|907 Anchorage AK 99501 61.220 -149.900|602 Phoenix AZ 85003 33.450 -112.070
501 Little_Rock AR 72201 34.750 -92.290|415 San_Francisco CA 94103 37.770 -122.420|510 Oakland CA 94612 37.800 -122.270
213 Los_Angeles CA 90012 34.050 -118.240|303 Denver CO 80202 39.740 -104.990|203 New_Haven CT 06510 41.310 -72.930
202 Washington DC 20001 38.910 -77.020|302 Wilmington DE 19801 39.750 -75.550|305 Miami FL 33131 25.770 -80.190
404 Atlanta GA 30303 33.750 -84.390|808 Honolulu HI 96813 21.310 -157.860|208 Boise ID 83702 43.620 -116.200
312 Chicago IL 60602 41.880 -87.630|317 Indianapolis IN 46204 39.770 -86.160|515 Des_Moines IA 50309 41.590 -93.620
316 Wichita KS 67202 37.690 -97.340|502 Louisville KY 40202 38.250 -85.760|504 New_Orleans LA 70112 29.950 -90.070
207 Portland ME 04101 43.660 -70.260|410 Baltimore MD 21202 39.290 -76.610|617 Boston MA 02108 42.360 -71.060
313 Detroit MI 48226 42.330 -83.050|612 Minneapolis MN 55401 44.980 -93.270|601 Jackson MS 39201 32.300 -90.180
314 St._Louis MO 63101 38.630 -90.200|406 Billings MT 59101 45.780 -108.500|402 Omaha NE 68102 41.260 -95.930
702 Las_Vegas NV 89101 36.170 -115.140|603 Manchester NH 03101 42.990 -71.460|201 Jersey_City NJ 07302 40.720 -74.040
505 Albuquerque NM 87102 35.080 -106.650|212 New_York NY 10001 40.750 -73.990|704 Charlotte NC 28202 35.230 -80.840
701 Fargo ND 58102 46.880 -96.790|614 Columbus OH 43215 39.960 -83.000|405 Oklahoma_City OK 73102 35.470 -97.520
503 Portland OR 97204 45.520 -122.680|215 Philadelphia PA 19102 39.950 -75.170|401 Providence RI 02903 41.820 -71.410
803 Columbia SC 29201 34.000 -81.030|605 Sioux_Falls SD 57104 43.540 -96.730|615 Nashville TN 37201 36.170 -86.780
512 Austin TX 78701 30.270 -97.740|713 Houston TX 77002 29.760 -95.370|801 Salt_Lake_City UT 84101 40.760 -111.890
802 Burlington VT 05401 44.480 -73.210|804 Richmond VA 23219 37.540 -77.440|206 Seattle WA 98101 47.610 -122.330
304 Charleston WV 25301 38.350 -81.630|414 Milwaukee WI 53202 43.040 -87.910|307 Cheyenne WY 82001 41.140 -104.820
"""
_CA = """
403 Calgary AB T2P 51.050 -114.070|604 Vancouver BC V6B 49.280 -123.120|204 Winnipeg MB R3C 49.900 -97.140
506 Moncton NB E1C 46.090 -64.770|902 Halifax NS B3J 44.650 -63.570|416 Toronto ON M5H 43.650 -79.380
613 Ottawa ON K1P 45.420 -75.700|514 Montreal QC H2Y 45.500 -73.570|306 Regina SK S4P 50.450 -104.620
"""


def _american(area_code: str, place: Place | None = None) -> NumberRange:
    return NumberRange(f"+1{area_code}5550", 100, 199, 3, area_code, place or Place())


def _american_ranges(table: str) -> tuple[NumberRange, ...]:
    rows = (row.split() for row in table.strip().replace("\n", "|").split("|"))
    return tuple(_american(code, Place(city.replace("_", " "), *more)) for code, city, *more in rows)


_TOLL_FREE_RANGES = tuple(NumberRange(f"+1{code}5550", 199, 199, 3, code) for code in _TOLL_FREE_CODES)

_RANGES: Mapping[tuple[str, str], tuple[NumberRange, ...]] = {
    ("US", LOCAL): _american_ranges(_US),
    ("US", TOLL_FREE): _TOLL_FREE_RANGES,
    ("CA", LOCAL): _american_ranges(_CA),
    ("CA", TOLL_FREE): _TOLL_FREE_RANGES,
    ("GB", LOCAL): (
        NumberRange("+44207946", 0, 999, 4, "20", Place("London")),
        NumberRange("+44161496", 0, 999, 4, "161", Place("Manchester")),
        NumberRange("+44131496", 0, 999, 4, "131", Place("Edinburgh")),
    ),
    ("GB", MOBILE): (NumberRange("+447700900", 0, 999, 3),),
    ("GB", TOLL_FREE): (NumberRange("+44808157", 0, 999, 4, "808"),),
    ("AU", LOCAL): (
        NumberRange("+6125550", 0, 999, 4, "2", Place("Sydney", "NSW")),
        NumberRange("+6135550", 0, 999, 4, "3", Place("Melbourne", "VIC")),
    ),
    ("AU", MOBILE): (NumberRange("+6149157", 156, 159, 4),),
    ("FR", LOCAL): (NumberRange("+3319900", 0, 999, 4, "1", Place("Paris")),),
    ("FR", MOBILE): (NumberRange("+3363998", 0, 999, 4),),
}


def kind_of(phone_number: str) -> str:
    """Return the kind of a number; Local where a country has the same numbers for mobile phones."""
    return next((kind for kind, prefixes in _PREFIXES.items() if phone_number.startswith(prefixes)), LOCAL)


def has_mms(phone_number: str) -> bool:
    """Return whether a number can send media, as only those of the United States and Canada can."""
    return phone_number.startswith("+1")


def kinds_of(country: str) -> list[str]:
    """Return the kinds of numbers of a country: Local, Mobile, TollFree."""
    return [kind for kind in (LOCAL, MOBILE, TOLL_FREE) if (country, kind) in _RANGES]


def stock(country: str, kind: str, search: Search) -> Iterator[StockNumber]:
    """Yield the numbers of a kind that a search finds, always in the same order: a number of each place in turn."""
    ranges: tuple[NumberRange, ...] = _RANGES.get((country, kind), ())
    if search.area_code:
        known = tuple(each for each in ranges if each.area_code == search.area_code)
        ranges = known or _other_range(country, kind, search.area_code)
    in_turn = chain.from_iterable(zip_longest(*(each.numbers() for each in ranges)))
    return (number for number in in_turn if number and search.finds(number))


def _other_range(country: str, kind: str, area_code: str) -> tuple[NumberRange, ...]:
    """Return the numbers of an area code of the United States or Canada whose place is not known here."""
    if kind != LOCAL or country not in ("US", "CA") or not re.fullmatch("[2-9][0-9]{2}", area_code):
        return ()
    import phonenumbers

    number = phonenumbers.parse(f"+1{area_code}5550100")
    is_geographic = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
    is_there = is_geographic and phonenumbers.region_code_for_number(number) == country
    return (_american(area_code),) if is_there else ()


_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")


def _pattern(contains: str) -> str:
    """Return the regular expression for ``Contains``."""
    return re.escape(contains.lower().translate(_KEYS)).replace(r"\*", "[0-9]")
