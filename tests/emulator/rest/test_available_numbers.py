"""The numbers that can be bought, and buying them: the first steps of a program that sets itself up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.rest.asking import NUMBER, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

AVAILABLE = f"/2010-04-01/Accounts/{ACCOUNT_SID}/AvailablePhoneNumbers"


@pytest.fixture
def bystander() -> Iterator[Client]:
    """A client of another emulator."""
    with Emulator(EmulatorOptions()) as running:
        yield Client(running)


def found(client: Client, path: str, query: dict[str, str]) -> list[str]:
    """Return the numbers that a search finds."""
    listed = client.get(f"{AVAILABLE}/{path}.json", query).json["available_phone_numbers"]
    return [each["phone_number"] for each in listed]


def test_available_number_has_the_documented_fields(client: Client) -> None:
    """The list has one page, as at Twilio."""
    reply = client.get(f"{AVAILABLE}/US/Local.json", {"AreaCode": "415", "PageSize": "1"})

    assert reply.json == {
        "available_phone_numbers": [
            {
                "friendly_name": "(415) 555-0100",
                "phone_number": "+14155550100",
                "lata": None,
                "locality": "San Francisco",
                "rate_center": "SAN FRANCISCO",
                "latitude": "37.770",
                "longitude": "-122.420",
                "region": "CA",
                "postal_code": "94103",
                "iso_country": "US",
                "address_requirements": "none",
                "beta": False,
                "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
            }
        ],
        "uri": f"{AVAILABLE}/US/Local.json",
    }


@pytest.mark.parametrize(
    ("path", "query", "first"),
    [
        pytest.param("US/Local", {"PageSize": "2"}, ["+12055550100", "+19075550100"], id="anything"),
        pytest.param("US/Local", {"AreaCode": "925", "PageSize": "1"}, ["+19255550100"], id="area of no known place"),
        pytest.param("US/Local", {"AreaCode": "416"}, [], id="area code of another country"),
        pytest.param("US/Local", {"AreaCode": "999"}, [], id="unknown area code"),
        pytest.param("US/Local", {"AreaCode": "4155"}, [], id="four digits"),
        pytest.param("CA/Local", {"AreaCode": "416", "PageSize": "1"}, ["+14165550100"], id="Canada"),
        pytest.param("US/Local", {"InRegion": "wy", "PageSize": "1"}, ["+13075550100"], id="state"),
        pytest.param("US/Local", {"InLocality": "Austin", "PageSize": "1"}, ["+15125550100"], id="place"),
        pytest.param("US/Local", {"InPostalCode": "98101", "PageSize": "1"}, ["+12065550100"], id="postal code"),
        pytest.param("US/Local", {"Contains": "+1415*55019J"}, ["+14155550195"], id="pattern"),
        pytest.param("US/Local", {"FaxEnabled": "true"}, [], id="fax"),
        pytest.param("US/Local", {"SmsEnabled": "true", "PageSize": "1"}, ["+12055550100"], id="SMS"),
        pytest.param("US/TollFree", {"PageSize": "2"}, ["+18005550199", "+18335550199"], id="toll-free"),
        pytest.param("GB/Mobile", {"PageSize": "1"}, ["+447700900000"], id="mobile"),
        pytest.param("GB/Mobile", {"MmsEnabled": "true"}, [], id="no media abroad"),
        pytest.param("US/Mobile", {}, [], id="mobile numbers of a country without any"),
    ],
)
def test_search_finds_numbers(path: str, query: dict[str, str], first: list[str], client: Client) -> None:
    """All are in ranges that are reserved for fiction."""
    assert found(client, path, query) == first


@pytest.mark.parametrize(
    "query",
    [{"NearNumber": NUMBER}, {"InLata": "722"}, {"Contains": "55?"}, {"SmsEnabled": "perhaps"}, {"PageSize": "-1"}],
    ids=str,
)
def test_search_that_is_not_emulated_is_refused(query: dict[str, str], client: Client) -> None:
    """To ignore a filter would find numbers that were not asked for."""
    assert client.get(f"{AVAILABLE}/US/Local.json", query).error == (400, 20001)


def test_every_emulator_has_the_same_numbers(client: Client, bystander: Client) -> None:
    """A test can name a number that it expects."""
    assert found(client, "US/Local", {}) == found(bystander, "US/Local", {})


@pytest.mark.parametrize("path", ["DE", "us", "DE/Local", "US/Voip"])
def test_country_or_kind_without_numbers_is_not_found(path: str, client: Client) -> None:
    """Countries are named by two capital letters."""
    assert client.get(f"{AVAILABLE}/{path}.json").error == (404, 20404)


def test_countries_are_listed_with_their_kinds(client: Client) -> None:
    """Each kind that is listed can be asked for."""
    listed = client.get(f"{AVAILABLE}.json").json
    french = {
        "country_code": "FR",
        "country": "France",
        "uri": f"{AVAILABLE}/FR.json",
        "beta": False,
        "subresource_uris": {"local": f"{AVAILABLE}/FR/Local.json", "mobile": f"{AVAILABLE}/FR/Mobile.json"},
    }

    assert [each["country_code"] for each in listed["countries"]] == ["AU", "CA", "FR", "GB", "US"]
    assert client.get(f"{AVAILABLE}/FR.json").json == french
    assert french in listed["countries"]
    for country in listed["countries"]:
        assert all(client.get(uri).json["available_phone_numbers"] for uri in country["subresource_uris"].values())


def test_search_in_csv_and_xml(client: Client) -> None:
    """An empty list has its columns too."""
    (header,) = client.get(f"{AVAILABLE}/US/Local.csv", {"AreaCode": "999"}).xml.splitlines()
    listed = client.get(f"{AVAILABLE}/US/Local", {"AreaCode": "415", "PageSize": "1"})

    assert header.startswith("FriendlyName,PhoneNumber,Lata,Locality,")
    assert listed.texts("AvailablePhoneNumbers/AvailablePhoneNumber/PhoneNumber") == ["+14155550100"]


def test_number_that_is_found_can_be_bought_and_released(emulator: Emulator) -> None:
    """A number that somebody has is not found, until it is released."""
    twilio = emulator.client()

    def first() -> str:
        return str(twilio.available_phone_numbers("US").local.list(area_code=415, limit=1)[0].phone_number)

    bought = twilio.incoming_phone_numbers.create(phone_number=first())
    assert (bought.phone_number, bought.friendly_name, first()) == ("+14155550100", "(415) 555-0100", "+14155550101")
    assert bought.delete()
    assert first() == "+14155550100"


@pytest.mark.parametrize(
    ("form", "bought"),
    [
        pytest.param({"AreaCode": "415"}, ["+14155550100", "+14155550101"], id="United States"),
        pytest.param({"AreaCode": "416"}, ["+14165550100", "+14165550101"], id="Canada"),
    ],
)
def test_number_is_bought_by_its_area_code(form: dict[str, str], bought: list[str], client: Client) -> None:
    """Nobody has to search first."""
    assert [client.post("IncomingPhoneNumbers.json", form).json["phone_number"] for _ in range(2)] == bought


@pytest.mark.parametrize(
    ("form", "code", "named"),
    [
        pytest.param({"PhoneNumber": "+15005550000"}, 21422, "PhoneNumber +15005550000", id="unavailable"),
        pytest.param({"PhoneNumber": "+15005550001"}, 21421, "PhoneNumber +15005550001", id="invalid"),
        pytest.param({"PhoneNumber": "(500) 555-0009"}, 21422, "PhoneNumber +15005550009", id="other test number"),
        pytest.param({"AreaCode": "533"}, 21452, "area code 533", id="area code of the tests without numbers"),
        pytest.param({"AreaCode": "999"}, 21452, "area code 999", id="unknown area code"),
        pytest.param({"AreaCode": "41"}, 21451, "AreaCode 41", id="invalid area code"),
        pytest.param({}, 21421, "PhoneNumber is required", id="nothing"),
    ],
)
def test_purchase_is_refused(form: dict[str, str], code: int, named: str, client: Client) -> None:
    """The test numbers fail as documented, and the error names the parameter."""
    reply = client.post("IncomingPhoneNumbers.json", form)

    assert (reply.error, named in reply.json["message"]) == ((400, code), True)


@pytest.mark.parametrize("form", [{"PhoneNumber": "+15005550006"}, {"AreaCode": "500"}], ids=str)
def test_valid_test_number_is_sold(form: dict[str, str], client: Client) -> None:
    """It is also the number that the area code of the tests has."""
    reply = client.post("IncomingPhoneNumbers.json", form)

    assert (reply.status, reply.json["phone_number"]) == (201, "+15005550006")
    assert reply.json["friendly_name"] == "(500) 555-0006"


def test_bought_numbers_are_listed_by_their_kind(client: Client) -> None:
    """A number can also be bought under its kind."""
    for kind, number in (("Local", "+14155550100"), ("TollFree", "+18005550199"), ("Mobile", "+447700900000")):
        assert client.post(f"IncomingPhoneNumbers/{kind}.json", {"PhoneNumber": number}).status == 201
        listed = client.get(f"IncomingPhoneNumbers/{kind}.json").json["incoming_phone_numbers"]
        assert [each["phone_number"] for each in listed] == [number]
    assert client.get("IncomingPhoneNumbers.json", {"PhoneNumber": "+44"}).json["incoming_phone_numbers"][0][
        "capabilities"
    ] == {"voice": True, "sms": True, "mms": False, "fax": False}
