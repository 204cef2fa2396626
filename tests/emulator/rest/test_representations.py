"""Representations: every documented field of a message and of an account, in JSON, XML and CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from tests.emulator.rest.counting import counted_sids
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.resources import MessageRecord
from twiml_app.emulator.rest.representations import message_fields

START = datetime(2015, 7, 30, 20, 12, 31, tzinfo=UTC).timestamp()
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SM1, MM1, AC1 = "SM" + f"{1:032}", "MM" + f"{1:032}", "AC" + f"{1:032}"
BODY = "This is the ship that made the Kessel Run in fourteen parsecs?"
FORM = {"To": PHONE, "From": NUMBER, "Body": BODY}
PICTURE = "https://example.com/picture.png"

#: In the order of Twilio's own sample: sorted by name.
NEW_IN_JSON = f"""{{
  "account_sid": "{ACCOUNT}",
  "api_version": "2010-04-01",
  "body": "{BODY}",
  "date_created": "Thu, 30 Jul 2015 20:12:31 +0000",
  "date_sent": null,
  "date_updated": "Thu, 30 Jul 2015 20:12:31 +0000",
  "direction": "outbound-api",
  "error_code": null,
  "error_message": null,
  "from": "+15017122661",
  "messaging_service_sid": null,
  "num_media": "0",
  "num_segments": "1",
  "price": null,
  "price_unit": "USD",
  "sid": "{SM1}",
  "status": "queued",
  "subresource_uris": {{
    "media": "/2010-04-01/Accounts/{ACCOUNT}/Messages/{SM1}/Media.json"
  }},
  "to": "+15558675310",
  "uri": "/2010-04-01/Accounts/{ACCOUNT}/Messages/{SM1}.json"
}}"""

#: In the order of Twilio's own sample; the service follows the sender.
NEW_IN_XML = f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <Message>
    <Sid>{SM1}</Sid>
    <DateCreated>Thu, 30 Jul 2015 20:12:31 +0000</DateCreated>
    <DateUpdated>Thu, 30 Jul 2015 20:12:31 +0000</DateUpdated>
    <DateSent/>
    <AccountSid>{ACCOUNT}</AccountSid>
    <To>+15558675310</To>
    <From>+15017122661</From>
    <MessagingServiceSid/>
    <Body>{BODY}</Body>
    <Status>queued</Status>
    <NumSegments>1</NumSegments>
    <NumMedia>0</NumMedia>
    <Direction>outbound-api</Direction>
    <ApiVersion>2010-04-01</ApiVersion>
    <Price/>
    <PriceUnit>USD</PriceUnit>
    <ErrorCode/>
    <ErrorMessage/>
    <Uri>/2010-04-01/Accounts/{ACCOUNT}/Messages/{SM1}SUFFIX</Uri>
    <SubresourceUris>
      <Media>/2010-04-01/Accounts/{ACCOUNT}/Messages/{SM1}/MediaSUFFIX</Media>
    </SubresourceUris>
  </Message>
</TwilioResponse>
"""

FAILED_IN_XML = f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <Message>
    <Sid>{MM1}</Sid>
    <DateCreated>Thu, 30 Jul 2015 20:12:31 +0000</DateCreated>
    <DateUpdated>Thu, 30 Jul 2015 20:12:32 +0000</DateUpdated>
    <DateSent>Thu, 30 Jul 2015 20:12:31 +0000</DateSent>
    <AccountSid>{ACCOUNT}</AccountSid>
    <To>+15558675310</To>
    <From>+15017122661</From>
    <MessagingServiceSid/>
    <Body>a &lt; b &amp; c</Body>
    <Status>undelivered</Status>
    <NumSegments>1</NumSegments>
    <NumMedia>1</NumMedia>
    <Direction>outbound-api</Direction>
    <ApiVersion>2010-04-01</ApiVersion>
    <Price>-0.02000</Price>
    <PriceUnit>USD</PriceUnit>
    <ErrorCode>30003</ErrorCode>
    <ErrorMessage>Unreachable destination phone</ErrorMessage>
    <Uri>/2010-04-01/Accounts/{ACCOUNT}/Messages/{MM1}</Uri>
    <SubresourceUris>
      <Media>/2010-04-01/Accounts/{ACCOUNT}/Messages/{MM1}/Media</Media>
      <Feedback>/2010-04-01/Accounts/{ACCOUNT}/Messages/{MM1}/Feedback</Feedback>
    </SubresourceUris>
  </Message>
</TwilioResponse>
"""

NEW_IN_CSV = (
    "Sid,DateCreated,DateUpdated,DateSent,AccountSid,To,From,MessagingServiceSid,Body,Status,NumSegments,NumMedia,"
    "Direction,ApiVersion,Price,PriceUnit,ErrorCode,ErrorMessage,Uri\r\n"
    f'{SM1},"Thu, 30 Jul 2015 20:12:31 +0000","Thu, 30 Jul 2015 20:12:31 +0000",,{ACCOUNT},+15558675310,'
    f"+15017122661,,{BODY},queued,1,0,outbound-api,2010-04-01,,USD,,,"
    f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SM1}.csv\r\n"
)

BASE = f"/2010-04-01/Accounts/{AC1}"
ACCOUNT_IN_JSON = f"""{{
  "auth_token": "TOKEN",
  "date_created": "Thu, 30 Jul 2015 20:12:31 +0000",
  "date_updated": "Thu, 30 Jul 2015 20:12:31 +0000",
  "friendly_name": "Sub",
  "owner_account_sid": "{ACCOUNT}",
  "sid": "{AC1}",
  "status": "active",
  "subresource_uris": {{
    "addresses": "{BASE}/Addresses.json",
    "applications": "{BASE}/Applications.json",
    "authorized_connect_apps": "{BASE}/AuthorizedConnectApps.json",
    "available_phone_numbers": "{BASE}/AvailablePhoneNumbers.json",
    "balance": "{BASE}/Balance.json",
    "calls": "{BASE}/Calls.json",
    "conferences": "{BASE}/Conferences.json",
    "connect_apps": "{BASE}/ConnectApps.json",
    "incoming_phone_numbers": "{BASE}/IncomingPhoneNumbers.json",
    "keys": "{BASE}/Keys.json",
    "messages": "{BASE}/Messages.json",
    "notifications": "{BASE}/Notifications.json",
    "outgoing_caller_ids": "{BASE}/OutgoingCallerIds.json",
    "queues": "{BASE}/Queues.json",
    "recordings": "{BASE}/Recordings.json",
    "short_codes": "{BASE}/SMS/ShortCodes.json",
    "signing_keys": "{BASE}/SigningKeys.json",
    "sip": "{BASE}/SIP.json",
    "transcriptions": "{BASE}/Transcriptions.json",
    "usage": "{BASE}/Usage.json"
  }},
  "type": "Full",
  "uri": "{BASE}.json"
}}"""

ACCOUNT_IN_XML = f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <Account>
    <Sid>{AC1}</Sid>
    <OwnerAccountSid>{ACCOUNT}</OwnerAccountSid>
    <FriendlyName>Sub</FriendlyName>
    <Status>active</Status>
    <DateCreated>Thu, 30 Jul 2015 20:12:31 +0000</DateCreated>
    <DateUpdated>Thu, 30 Jul 2015 20:12:31 +0000</DateUpdated>
    <AuthToken>TOKEN</AuthToken>
    <Type>Full</Type>
    <Uri>{BASE}</Uri>
    <SubresourceUris>
      <Addresses>{BASE}/Addresses</Addresses>
      <Applications>{BASE}/Applications</Applications>
      <AuthorizedConnectApps>{BASE}/AuthorizedConnectApps</AuthorizedConnectApps>
      <AvailablePhoneNumbers>{BASE}/AvailablePhoneNumbers</AvailablePhoneNumbers>
      <Balance>{BASE}/Balance</Balance>
      <Calls>{BASE}/Calls</Calls>
      <Conferences>{BASE}/Conferences</Conferences>
      <ConnectApps>{BASE}/ConnectApps</ConnectApps>
      <IncomingPhoneNumbers>{BASE}/IncomingPhoneNumbers</IncomingPhoneNumbers>
      <Keys>{BASE}/Keys</Keys>
      <Messages>{BASE}/Messages</Messages>
      <Notifications>{BASE}/Notifications</Notifications>
      <OutgoingCallerIds>{BASE}/OutgoingCallerIds</OutgoingCallerIds>
      <Queues>{BASE}/Queues</Queues>
      <Recordings>{BASE}/Recordings</Recordings>
      <ShortCodes>{BASE}/SMS/ShortCodes</ShortCodes>
      <SigningKeys>{BASE}/SigningKeys</SigningKeys>
      <SIP>{BASE}/SIP</SIP>
      <Transcriptions>{BASE}/Transcriptions</Transcriptions>
      <Usage>{BASE}/Usage</Usage>
    </SubresourceUris>
  </Account>
</TwilioResponse>
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator on the day of Twilio's sample, with counted SIDs."""
    with Emulator(EmulatorOptions(account_sid=ACCOUNT, start=START), new_sid=counted_sids()) as running:
        yield running


def indented(document: Any) -> str:
    """Return a JSON document formatted as above, with its keys in order."""
    return json.dumps(document, indent=2)


def test_message_in_json(client: Client) -> None:
    """Every documented key is present, even without a value: old clients fail on a missing key."""
    assert indented(client.post("Messages.json", FORM).json) == NEW_IN_JSON


@pytest.mark.parametrize("suffix", ["", ".xml"])
def test_message_in_xml(client: Client, suffix: str) -> None:
    """XML is the default without an extension; URIs have the extension of the request."""
    assert client.post(f"Messages{suffix}", FORM).xml == NEW_IN_XML.replace("SUFFIX", suffix)


def test_message_in_csv(client: Client) -> None:
    """The columns have the names of the XML elements."""
    assert client.post("Messages.csv", FORM).xml == NEW_IN_CSV


def test_message_that_failed_in_xml(emulator: Emulator, client: Client) -> None:
    """The date, price and error are set; markup in the body is escaped."""
    emulator.phone(PHONE).will("undelivered")
    client.post("Messages", {**FORM, "Body": "a < b & c", "MediaUrl": PICTURE})
    emulator.settle()

    assert client.get(f"Messages/{MM1}").xml == FAILED_IN_XML


def test_message_in_a_list_is_the_same_as_fetched(emulator: Emulator, client: Client) -> None:
    """A list has the same fields as the resource itself."""
    client.post("Messages.json", FORM)
    emulator.settle()

    (listed,) = client.get("Messages.json").json["messages"]
    fetched = client.get(f"Messages/{SM1}.json").json

    assert indented(listed) == indented(fetched)
    assert [*fetched["subresource_uris"]] == ["media", "feedback"]


@pytest.mark.parametrize(("profile", "price"), [("current", "-0.00750"), ("2014", -0.0075), ("2008", -0.0075)])
def test_price_is_a_number_in_older_profiles(profile: str, price: str | float) -> None:
    """The sample of 2015 has a number; the current description says it is a string."""
    with Emulator(EmulatorOptions(profile=profile)) as emulator:
        client = Client(emulator)
        sid = client.text()["sid"]
        emulator.settle()

        assert client.get(f"Messages/{sid}.json").json["price"] == price
        assert client.get(f"SMS/Messages/{sid}.json").json["price"] == price


@pytest.mark.parametrize("body", ["hello", '{"price": 1}', '\\"price": 1, "'])
def test_price_of_an_older_profile_keeps_its_decimals(body: str) -> None:
    """The sample has -0.00750; a text that looks like a price stays as it is."""
    with Emulator(EmulatorOptions(profile="2014")) as emulator:
        client = Client(emulator)
        sid = client.text(Body=body)["sid"]
        emulator.settle()
        shown = client.get(f"Messages/{sid}.json")

        assert '"price": -0.00750,' in shown.body.decode()
        assert shown.json["body"] == body
        assert client.get(f"Messages/{sid}").texts("Message/Price") == ["-0.00750"]
        assert client.get(f"SMS/Messages/{sid}").texts("SMSMessage/Price") == ["-0.00750"]


@pytest.mark.parametrize("profile", ["2014", "2008"])
def test_message_of_an_older_profile_in_xml(profile: str) -> None:
    """As in the sample of 2015: no MessagingServiceSid, and no URIs of subresources; JSON had both."""
    with Emulator(
        EmulatorOptions(profile=profile, account_sid=ACCOUNT, start=START), new_sid=counted_sids()
    ) as emulator:
        client = Client(emulator)
        created = client.text()
        fetched = client.get(f"Messages/{created['sid']}")

    assert {"messaging_service_sid", "subresource_uris"} <= created.keys()
    assert (
        fetched.xml
        == f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <Message>
    <Sid>{created["sid"]}</Sid>
    <DateCreated>{created["date_created"]}</DateCreated>
    <DateUpdated>{created["date_created"]}</DateUpdated>
    <DateSent/>
    <AccountSid>{ACCOUNT}</AccountSid>
    <To>+15558675310</To>
    <From>+15017122661</From>
    <Body>hello</Body>
    <Status>queued</Status>
    <NumSegments>1</NumSegments>
    <NumMedia>0</NumMedia>
    <Direction>outbound-api</Direction>
    <ApiVersion>2010-04-01</ApiVersion>
    <Price/>
    <PriceUnit>USD</PriceUnit>
    <ErrorCode/>
    <ErrorMessage/>
    <Uri>/2010-04-01/Accounts/{ACCOUNT}/Messages/{created["sid"]}</Uri>
    <SubresourceUris/>
  </Message>
</TwilioResponse>
"""
    )


def test_account_in_json(client: Client) -> None:
    """Every documented key is present."""
    reply = client.post("/2010-04-01/Accounts.json", {"FriendlyName": "Sub"})

    assert reply.status == 201
    assert indented({**reply.json, "auth_token": "TOKEN"}) == ACCOUNT_IN_JSON


def test_account_in_xml(client: Client) -> None:
    """The names of the subresources are those of their paths, apart from SMS."""
    reply = client.post("/2010-04-01/Accounts", {"FriendlyName": "Sub"})
    (token,) = reply.texts("Account/AuthToken")

    assert token
    assert reply.status == 201
    assert reply.xml == ACCOUNT_IN_XML.replace("TOKEN", token)


def test_account_in_csv(client: Client) -> None:
    """Nested fields are left out of a table."""
    header, row = client.get("/2010-04-01/Accounts.csv").xml.splitlines()

    assert header == "Sid,OwnerAccountSid,FriendlyName,Status,DateCreated,DateUpdated,AuthToken,Type,Uri"
    assert row.startswith(f"{ACCOUNT},{ACCOUNT},emulator@example.com,active,")


def test_application_in_json(client: Client) -> None:
    """The fields for voice calls are present, but empty."""
    urls = {"SmsUrl": "https://example.com/sms", "MessageStatusCallback": "https://example.com/status"}

    assert client.post("Applications.json", {"FriendlyName": "App", **urls}).json == {
        "sid": "AP" + f"{1:032}",
        "account_sid": ACCOUNT,
        "friendly_name": "App",
        "date_created": "Thu, 30 Jul 2015 20:12:31 +0000",
        "date_updated": "Thu, 30 Jul 2015 20:12:31 +0000",
        "api_version": "2010-04-01",
        "sms_url": "https://example.com/sms",
        "sms_method": "POST",
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "sms_status_callback": None,
        "message_status_callback": "https://example.com/status",
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": False,
        "status_callback": None,
        "status_callback_method": "POST",
        "public_application_connect_enabled": False,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Applications/AP{1:032}.json",
    }


def test_owner_of_a_parent_is_itself(client: Client) -> None:
    """https://www.twilio.com/docs/iam/api/account."""
    fetched = client.get(f"/2010-04-01/Accounts/{ACCOUNT}.json").json

    assert (fetched["owner_account_sid"], fetched["auth_token"]) == (ACCOUNT, "fedcba9876543210fedcba9876543210")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (None, None),
        (30005, "Unknown destination phone"),
        (21610, "Attempt to send to unsubscribed recipient"),
        (21611, "Queue is full"),
        (1, None),
    ],
)
def test_error_has_its_description(code: int | None, text: str | None) -> None:
    """Without it, everyone has to look up the error code."""
    known: dict[str, Any] = {"sid": SM1, "account_sid": ACCOUNT, "date_created": START, "date_updated": START}
    known |= {"to": PHONE, "from_": NUMBER, "body": BODY, "direction": "outbound-reply", "api_version": "2010-04-01"}
    message = MessageRecord(**known, status="failed", error_code=code)
    fields = message_fields(message, find_profile("current"), ".json")

    assert (fields["error_code"], fields["error_message"]) == (code, text)
