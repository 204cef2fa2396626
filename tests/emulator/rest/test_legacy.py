"""The SMS resources of 2010 and 2008: whole documents in the format of their time, and their limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from tests.emulator.rest.counting import counted_sids
from twiml_app.emulator import Emulator, EmulatorOptions

#: A Sunday in daylight saving time in California.
START = datetime(2009, 10, 4, 10, 48, 8, tzinfo=UTC).timestamp()
ACCOUNT = "AC5ea872f6da5a21de157d80997a64bd33"
TEXTS_OF_2008 = f"/2008-08-01/Accounts/{ACCOUNT}/SMS/Messages"
FORM = {"To": PHONE, "From": NUMBER, "Body": "hello"}
SM1, SM2 = (f"SM{n:032}" for n in (1, 2))
SEED = {"numbers": [{"phone_number": NUMBER}]}

#: The response in the documentation of 2008.
SAMPLE_OF_2008 = """\
<TwilioResponse>
    <SMSMessage>
        <Sid>SM872fb94e3b358913777cdb313f25b46f</Sid>
        <DateCreated>Sun, 04 Oct 2009 03:48:08 -0700</DateCreated>
        <DateUpdated>Sun, 04 Oct 2009 03:48:10 -0700</DateUpdated>
        <DateSent>Sun, 04 Oct 2009 03:48:10 -0700</DateSent>
        <AccountSid>AC5ea872f6da5a21de157d80997a64bd33</AccountSid>
        <To>5558675309</To>
        <From>4155551212</From>
        <Body>Hi Jenny! Want to grab dinner?</Body>
        <Status>sent</Status>
        <Flags>2</Flags>
    </SMSMessage>
</TwilioResponse>
"""

CREATED_IN_2010 = f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <SMSMessage>
    <Sid>{SM1}</Sid>
    <DateCreated>Sun, 04 Oct 2009 10:48:08 +0000</DateCreated>
    <DateUpdated>Sun, 04 Oct 2009 10:48:08 +0000</DateUpdated>
    <DateSent/>
    <AccountSid>{ACCOUNT}</AccountSid>
    <To>+15558675310</To>
    <From>+15017122661</From>
    <Body>hello</Body>
    <Status>queued</Status>
    <Direction>outbound-api</Direction>
    <Price/>
    <PriceUnit>USD</PriceUnit>
    <ApiVersion>2010-04-01</ApiVersion>
    <Uri>/2010-04-01/Accounts/{ACCOUNT}/SMS/Messages/{SM1}</Uri>
  </SMSMessage>
</TwilioResponse>
"""

LISTED_IN_2010 = f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <SMSMessages firstpageuri="/2010-04-01/Accounts/{ACCOUNT}/SMS/Messages?PageSize=50&amp;Page=0" end="0"\
 previouspageuri="" uri="/2010-04-01/Accounts/{ACCOUNT}/SMS/Messages?PageSize=50&amp;Page=0" pagesize="50" start="0"\
 nextpageuri="" page="0">
    <SMSMessage>
      <Sid>{SM1}</Sid>
      <DateCreated>Sun, 04 Oct 2009 10:48:08 +0000</DateCreated>
      <DateUpdated>Sun, 04 Oct 2009 10:48:09 +0000</DateUpdated>
      <DateSent>Sun, 04 Oct 2009 10:48:08 +0000</DateSent>
      <AccountSid>{ACCOUNT}</AccountSid>
      <To>+15558675310</To>
      <From>+15017122661</From>
      <Body>hello</Body>
      <Status>sent</Status>
      <Direction>outbound-api</Direction>
      <Price>-0.00750</Price>
      <PriceUnit>USD</PriceUnit>
      <ApiVersion>2010-04-01</ApiVersion>
      <Uri>/2010-04-01/Accounts/{ACCOUNT}/SMS/Messages/{SM1}</Uri>
    </SMSMessage>
  </SMSMessages>
</TwilioResponse>
"""

LISTED_IN_2008 = f"""\
<TwilioResponse>
  <SMSMessages page="0" numpages="2" pagesize="1" total="2" start="0" end="0">
    <SMSMessage>
      <Sid>{SM2}</Sid>
      <DateCreated>Sun, 04 Oct 2009 03:48:08 -0700</DateCreated>
      <DateUpdated>Sun, 04 Oct 2009 03:48:08 -0700</DateUpdated>
      <DateSent>Sun, 04 Oct 2009 03:48:08 -0700</DateSent>
      <AccountSid>{ACCOUNT}</AccountSid>
      <To>5017122661</To>
      <From>5558675310</From>
      <Body>back</Body>
      <Status>received</Status>
      <Flags>1</Flags>
    </SMSMessage>
  </SMSMessages>
</TwilioResponse>
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with the current profile and a number, on a Sunday in 2009."""
    with Emulator(EmulatorOptions(account_sid=ACCOUNT, start=START, seed=SEED), new_sid=counted_sids()) as running:
        yield running


def elements(document: bytes | str) -> list[tuple[str, str | None]]:
    """Return the elements of a document in order, with their text but without the white space between them."""
    root = etree.fromstring(document)
    return [(element.tag, None if len(element) else element.text) for element in root.iter(etree.Element)]


def test_sample_of_2008_is_reproduced() -> None:
    """As in the sample, the third message of a number is sent two seconds after the first."""
    sids = iter([SM1, SM2, "SM872fb94e3b358913777cdb313f25b46f"])

    def new_sid(prefix: str) -> str:
        return next(sids) if prefix == "SM" else f"{prefix}{1:032}"

    with Emulator(EmulatorOptions(account_sid=ACCOUNT, start=START, profile="2008"), new_sid=new_sid) as emulator:
        client = Client(emulator)
        emulator.phone("+15558675309").will("sent")
        jenny = {"From": "415-555-1212", "To": "555-867-5309", "Body": "Hi Jenny! Want to grab dinner?"}
        for form in ({**jenny, "To": PHONE}, {**jenny, "To": PHONE}, jenny):
            assert client.post(TEXTS_OF_2008, form).status == 201
        emulator.settle()

        fetched = client.get(f"{TEXTS_OF_2008}/SM872fb94e3b358913777cdb313f25b46f")

        assert fetched.headers["Content-Type"] == "application/xml"
        assert elements(fetched.body) == elements(SAMPLE_OF_2008)


def test_text_of_2010_is_created(client: Client) -> None:
    """Without an extension the response is XML."""
    reply = client.post("SMS/Messages", FORM)

    assert (reply.status, reply.xml) == (201, CREATED_IN_2010)


def test_text_of_2010_is_json_with_the_extension(client: Client) -> None:
    """The clients of that time requested JSON."""
    reply = client.post("SMS/Messages.json", FORM)

    assert reply.status == 201
    assert reply.json == {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "hello",
        "date_created": "Sun, 04 Oct 2009 10:48:08 +0000",
        "date_sent": None,
        "date_updated": "Sun, 04 Oct 2009 10:48:08 +0000",
        "direction": "outbound-api",
        "from": NUMBER,
        "price": None,
        "price_unit": "USD",
        "sid": SM1,
        "status": "queued",
        "to": PHONE,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/SMS/Messages/{SM1}.json",
    }


def test_texts_of_2010_are_listed(emulator: Emulator, client: Client) -> None:
    """The paging fields are attributes, as in the documentation of 2010."""
    client.post("SMS/Messages", FORM)
    emulator.settle()

    assert client.get("SMS/Messages").xml == LISTED_IN_2010
    assert [each["sid"] for each in client.get("SMS/Messages.json").json["sms_messages"]] == [SM1]


def test_texts_of_2008_are_listed(emulator: Emulator, client: Client) -> None:
    """The list of 2008 has the number of pages, and no URIs of other pages."""
    client.post(TEXTS_OF_2008, FORM)
    emulator.settle()
    with Emulator(
        EmulatorOptions(account_sid=ACCOUNT, start=START, seed={"numbers": [{"phone_number": NUMBER}]}),
        new_sid=counted_sids(),
    ) as new:
        asking = Client(new)
        asking.post(TEXTS_OF_2008, FORM)
        new.phone(PHONE).text("back")

        assert asking.get(TEXTS_OF_2008, {"PageSize": "1"}).xml == LISTED_IN_2008


@pytest.mark.parametrize(
    ("profile", "flags"),
    [pytest.param("current", ["1", "4"], id="table"), pytest.param("2008", ["1", "2"], id="sample")],
)
def test_flags_depend_on_the_profile(profile: str, flags: list[str]) -> None:
    """For a message sent through the API, the table of 2008 says 4, but the sample of that time 2."""
    with Emulator(EmulatorOptions(account_sid=ACCOUNT, profile=profile, seed=SEED)) as emulator:
        client = Client(emulator)
        client.post(TEXTS_OF_2008, FORM)
        emulator.phone(PHONE).text("back")

        assert client.get(TEXTS_OF_2008).texts("SMSMessages/SMSMessage/Flags") == flags


#: The status of a message, and its equivalent in the old resources.
STATUSES = {
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivered": "sent",
    "read": "sent",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
    "accepted": "queued",
    "scheduled": "queued",
}


@pytest.mark.parametrize("status", STATUSES)
def test_status_is_one_of_the_five_old_ones(emulator: Emulator, client: Client, status: str) -> None:
    """Queued, sending, sent, failed, received: every later status is mapped to one of them."""
    sid = client.post("SMS/Messages.json", FORM).json["sid"]
    emulator._context.change_message(sid, frozenset({"queued"}), status=status)

    assert client.get(f"SMS/Messages/{sid}.json").json["status"] == STATUSES[status]
    assert client.get(f"{TEXTS_OF_2008}/{sid}").texts("SMSMessage/Status") == [STATUSES[status]]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"MediaUrl": "https://example.com/picture.png"}, id="media"),
        pytest.param({"From": f"whatsapp:{NUMBER}", "To": f"whatsapp:{PHONE}"}, id="channel"),
    ],
)
def test_messages_with_media_or_a_channel_are_left_out(
    emulator: Emulator, client: Client, changes: Mapping[str, str]
) -> None:
    """The old resource neither lists, shows nor deletes them: it is older than both."""
    emulator.add_number(f"whatsapp:{NUMBER}")
    other = client.text(**changes)["sid"]
    text = client.text()["sid"]
    emulator.settle()

    assert [each["sid"] for each in client.get("SMS/Messages.json").json["sms_messages"]] == [text]
    assert client.get(TEXTS_OF_2008).texts("SMSMessages/SMSMessage/Sid") == [text]
    for path in (f"SMS/Messages/{other}.json", f"{TEXTS_OF_2008}/{other}.json"):
        assert client.get(path).error == (404, 20404)
    assert client.request("DELETE", f"SMS/Messages/{other}.json").error == (404, 20404)
    assert client.get(f"Messages/{other}.json").status == 200


def test_media_url_is_ignored(client: Client) -> None:
    """The old resource has no such parameter: the message is sent without media."""
    sid = client.post("SMS/Messages.json", {**FORM, "MediaUrl": "https://example.com/picture.png"}).json["sid"]

    assert client.get(f"Messages/{sid}.json").json["num_media"] == "0"


def test_discarded_body_and_hidden_number_are_hidden_here_too(client: Client) -> None:
    """Otherwise the old resources would reveal them."""
    sid = client.text(ContentRetention="discard", AddressRetention="obfuscate")["sid"]

    shown = client.get(f"SMS/Messages/{sid}.json").json
    shown_in_2008 = client.get(f"{TEXTS_OF_2008}/{sid}")

    assert (shown["body"], shown["to"]) == ("", "+1555867XXXX")
    assert (shown_in_2008.texts("SMSMessage/Body"), shown_in_2008.texts("SMSMessage/To")) == ([None], ["555867XXXX"])


def test_sender_that_is_not_picked_yet_is_empty(emulator: Emulator, client: Client) -> None:
    """The service picks it later."""
    service = client.post("/v1/Services", {"FriendlyName": "News"}).json["sid"]
    number = client.get("IncomingPhoneNumbers.json").json["incoming_phone_numbers"][0]["sid"]
    client.post(f"/v1/Services/{service}/PhoneNumbers", {"PhoneNumberSid": number})
    sid = client.post("Messages.json", {"To": PHONE, "Body": "x", "MessagingServiceSid": service}).json["sid"]

    assert client.get(f"SMS/Messages/{sid}.json").json["from"] is None
    assert client.get(f"{TEXTS_OF_2008}/{sid}").texts("SMSMessage/From") == [None]


def test_text_of_2010_is_deleted(emulator: Emulator, client: Client) -> None:
    """It is the same message as in the current resource."""
    sid = client.post("SMS/Messages.json", FORM).json["sid"]
    assert client.request("DELETE", f"SMS/Messages/{sid}.json").error == (409, 20009)
    emulator.settle()

    assert client.request("DELETE", f"SMS/Messages/{sid}.json").status == 204
    assert client.get(f"Messages/{sid}.json").error == (404, 20404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_text_of_2008_cannot_be_changed(client: Client, method: str) -> None:
    """The API of 2008 had only create, list and fetch."""
    sid = client.post("SMS/Messages.json", FORM).json["sid"]

    assert client.request(method, f"{TEXTS_OF_2008}/{sid}.json", {"Body": ""}).error == (405, 20004)
    assert client.get(f"{TEXTS_OF_2008}/{sid}.json").json["body"] == "hello"


@pytest.mark.parametrize(
    ("query", "bodies"),
    [
        pytest.param({"To": "5558675310"}, ["b", "a"], id="To in national format"),
        pytest.param({"From": "501-712-2661", "To": "555-867-5311"}, ["c"], id="From and To"),
        pytest.param({"DateSent": "2009-10-04"}, ["c", "b", "a"], id="on a date"),
        pytest.param({"DateSent>": "2009-10-05"}, [], id="after a date"),
        pytest.param({"DateSent<": "2009-10-04T10:48:08Z"}, ["a"], id="before a time"),
    ],
)
@pytest.mark.parametrize("path", ["SMS/Messages.json", f"{TEXTS_OF_2008}.json"])
def test_texts_are_filtered(
    emulator: Emulator, client: Client, path: str, query: Mapping[str, str], bodies: list[str]
) -> None:
    """Both resources filter by To, From and DateSent."""
    for changes in ({"Body": "a"}, {"Body": "b"}, {"Body": "c", "To": "+15558675311"}):
        client.post("SMS/Messages.json", {**FORM, **changes})
    emulator.settle()

    listed: Any = client.get(path, query).json["sms_messages"]

    assert [each["body"] for each in listed] == bodies


REFUSAL_OF_2008 = """\
<TwilioResponse>
  <RestException>
    <Status>400</Status>
    <Message>The concatenated message body exceeds the 160 character limit.</Message>
    <Code>21605</Code>
    <MoreInfo>https://www.twilio.com/docs/errors/21605</MoreInfo>
  </RestException>
</TwilioResponse>
"""


def test_text_of_161_characters_is_refused_in_the_format_of_2008(client: Client) -> None:
    """The limit was 160 characters, and the elements of an error were in another order."""
    assert client.post(TEXTS_OF_2008, {**FORM, "Body": "x" * 160}).status == 201

    reply = client.post(TEXTS_OF_2008, {**FORM, "Body": "x" * 161})

    assert (reply.status, reply.xml) == (400, REFUSAL_OF_2008)
