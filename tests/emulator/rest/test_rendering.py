"""Rendering: JSON, XML and CSV, with any string in them."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator
from twiml_app.emulator.rest.rendering import Rendered, render, xml_name
from twiml_app.emulator.rest.request import ApiAnswer, NoContent, OneResource, PlainDocument, RawBody, ResourceList

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
HOSTILE = "<Body>&amp;]]>\"'\r\n\t=1+1;\N{SNOWMAN}\N{GRINNING FACE}\N{RIGHT-TO-LEFT OVERRIDE}\0\x08\N{DELETE}"
#: Characters that XML does not allow: controls, lone surrogates, U+FFFE and U+FFFF.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
DATE = "Tue, 14 Nov 2023 22:13:20 +0000"
SID = f"AP{1:032}"


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """A client of an account that has an application."""
    account = Client(emulator)
    account.post("Applications.json", {"FriendlyName": "one & <two>", "SmsUrl": "http://a.example.com/?x=1&y=2"})
    return account


APPLICATION_XML = f"""\
<Application>
  <Sid>{SID}</Sid>
  <AccountSid>{ACCOUNT_SID}</AccountSid>
  <FriendlyName>one &amp; &lt;two&gt;</FriendlyName>
  <DateCreated>{DATE}</DateCreated>
  <DateUpdated>{DATE}</DateUpdated>
  <ApiVersion>2010-04-01</ApiVersion>
  <SmsUrl>http://a.example.com/?x=1&amp;y=2</SmsUrl>
  <SmsMethod>POST</SmsMethod>
  <SmsFallbackUrl/>
  <SmsFallbackMethod>POST</SmsFallbackMethod>
  <SmsStatusCallback/>
  <MessageStatusCallback/>
  <VoiceUrl/>
  <VoiceMethod>POST</VoiceMethod>
  <VoiceFallbackUrl/>
  <VoiceFallbackMethod>POST</VoiceFallbackMethod>
  <VoiceCallerIdLookup>false</VoiceCallerIdLookup>
  <StatusCallback/>
  <StatusCallbackMethod>POST</StatusCallbackMethod>
  <PublicApplicationConnectEnabled>false</PublicApplicationConnectEnabled>
  <Uri>{{uri}}</Uri>
</Application>
"""


def indented(xml: str, depth: int) -> str:
    """Return lines indented for their depth in a document."""
    return "".join(f"{' ' * depth}{line}\n" for line in xml.splitlines())


def test_json_of_a_resource(client: Client) -> None:
    """Every documented key is present, with null for no value: old clients fail on a missing key."""
    assert client.get(f"Applications/{SID}.json").json == {
        "sid": SID,
        "account_sid": ACCOUNT_SID,
        "friendly_name": "one & <two>",
        "date_created": DATE,
        "date_updated": DATE,
        "api_version": "2010-04-01",
        "sms_url": "http://a.example.com/?x=1&y=2",
        "sms_method": "POST",
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "sms_status_callback": None,
        "message_status_callback": None,
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": False,
        "status_callback": None,
        "status_callback_method": "POST",
        "public_application_connect_enabled": False,
        "uri": f"{BASE}/Applications/{SID}.json",
    }


def test_xml_of_a_resource(client: Client) -> None:
    """Names are those of the JSON in camel case; null is an empty element."""
    document = "<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse>\n{}</TwilioResponse>\n"

    for extension in ("", ".xml"):
        expected = APPLICATION_XML.format(uri=f"{BASE}/Applications/{SID}{extension}")
        assert client.get(f"Applications/{SID}{extension}").xml == document.format(indented(expected, 2))


def test_xml_of_a_list(client: Client) -> None:
    """The paging fields are attributes of the list."""
    path = f"{BASE}/Applications.xml?PageSize=50&amp;Page=0"
    expected = APPLICATION_XML.format(uri=f"{BASE}/Applications/{SID}.xml")

    assert client.get("Applications.xml").xml == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<TwilioResponse>\n"
        f'  <Applications firstpageuri="{path}" end="0" previouspageuri="" uri="{path}" pagesize="50" start="0"'
        ' nextpageuri="" page="0">\n'
        f"{indented(expected, 4)}"
        "  </Applications>\n"
        "</TwilioResponse>\n"
    )


CSV_NAMES = (
    "Sid,AccountSid,FriendlyName,DateCreated,DateUpdated,ApiVersion,SmsUrl,SmsMethod,SmsFallbackUrl,SmsFallbackMethod,"
    "SmsStatusCallback,MessageStatusCallback,VoiceUrl,VoiceMethod,VoiceFallbackUrl,VoiceFallbackMethod,"
    "VoiceCallerIdLookup,StatusCallback,StatusCallbackMethod,PublicApplicationConnectEnabled,Uri\r\n"
)
CSV_ROW = (
    f'{SID},{ACCOUNT_SID},one & <two>,"{DATE}","{DATE}",2010-04-01,http://a.example.com/?x=1&y=2,POST,,POST,'
    f",,,POST,,POST,false,,POST,false,{BASE}/Applications/{SID}.csv\r\n"
)


@pytest.mark.parametrize("path", [f"Applications/{SID}.csv", "Applications.csv"], ids=["one", "many"])
def test_csv(path: str, client: Client) -> None:
    """The first row has the column names, so that it opens in a spreadsheet."""
    assert client.get(path).body.decode() == CSV_NAMES + CSV_ROW


def test_csv_leaves_out_nested_fields(client: Client) -> None:
    """A cell has one value, but for example the capabilities of a number have several."""
    client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})
    names, values = csv.reader(io.StringIO(client.get("IncomingPhoneNumbers.csv").body.decode(), newline=""))

    assert not {"Capabilities", "SubresourceUris"} & set(names)
    assert dict(zip(names, values, strict=True))["PhoneNumber"] == NUMBER


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        pytest.param(
            "Messages.csv",
            b"Sid,DateCreated,DateUpdated,DateSent,AccountSid,To,From,MessagingServiceSid,Body,Status,NumSegments,"
            b"NumMedia,Direction,ApiVersion,Price,PriceUnit,ErrorCode,ErrorMessage,Uri\r\n",
            id="messages",
        ),
        pytest.param(
            "SMS/Messages.csv",
            b"Sid,DateCreated,DateUpdated,DateSent,AccountSid,To,From,Body,Status,Direction,Price,PriceUnit,ApiVersion,"
            b"Uri\r\n",
            id="texts",
        ),
        pytest.param(
            f"/2008-08-01/Accounts/{ACCOUNT_SID}/SMS/Messages.csv",
            b"Sid,DateCreated,DateUpdated,DateSent,AccountSid,To,From,Body,Status,Flags\r\n",
            id="texts of 2008",
        ),
    ],
)
def test_csv_of_an_empty_list_has_its_columns(path: str, columns: bytes, client: Client) -> None:
    """A spreadsheet that is filled later needs them."""
    reply = client.get(path)

    assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, "text/csv", columns)


@pytest.mark.parametrize("path", ["/2010-04-01/Accounts.csv?Status=closed", "IncomingPhoneNumbers.csv"])
def test_columns_are_the_same_with_and_without_rows(path: str, client: Client) -> None:
    """Otherwise a spreadsheet would break with its first row."""
    empty = client.get(path).body
    client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})
    filled = client.get(path.partition("?")[0]).body

    assert empty == filled.partition(b"\n")[0] + b"\n"
    assert filled.count(b"\n") > 1


def test_xml_of_nested_fields(client: Client) -> None:
    """They are nested elements."""
    sid = client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER}).json["sid"]
    reply = client.get(f"IncomingPhoneNumbers/{sid}")

    assert reply.texts("IncomingPhoneNumber/Capabilities/Voice") == ["true"]
    assert reply.texts("IncomingPhoneNumber/SubresourceUris/AssignedAddOns") == [
        f"{BASE}/IncomingPhoneNumbers/{sid}/AssignedAddOns"
    ]


def test_hostile_body_is_escaped(client: Client) -> None:
    """The body of a message must not become markup of the document."""
    sid = client.text(Body=HOSTILE)["sid"]
    carried = NOT_XML.sub("", HOSTILE)

    assert client.get(f"Messages/{sid}.json").json["body"] == HOSTILE
    assert client.get(f"Messages/{sid}").texts("Message/Body") == [carried]
    names, values = csv.reader(io.StringIO(client.get(f"Messages/{sid}.csv").body.decode(), newline=""))
    assert dict(zip(names, values, strict=True))["Body"] == carried


def test_hostile_path_is_escaped_in_an_error(client: Client) -> None:
    """The error message repeats the path, which anyone can choose."""
    reply = client.get("Nothing/%3C/Message%3E%00&amp;")

    assert reply.texts("RestException/Message") == [
        f"The requested resource {BASE}/Nothing/</Message>&amp; was not found"
    ]


TEXTS = st.text(st.characters(codec=None), max_size=60)


@given(text=TEXTS)
def test_any_string_survives_xml(text: str) -> None:
    """Characters that XML does not allow are dropped; an empty string is the same as no value."""
    document = etree.fromstring(render(OneResource(element="Message", fields={"body": text}), "xml").body)

    assert (document.findtext("Message/Body") or "") == NOT_XML.sub("", text)


@given(text=TEXTS)
def test_any_string_survives_an_xml_attribute(text: str) -> None:
    """Page URIs are attributes, and contain filters."""
    many = ResourceList(key="messages", element="Messages", item="Message", items=[], page={"first_page_uri": text})
    document = etree.fromstring(render(many, "").body)

    assert document[0].get("firstpageuri") == NOT_XML.sub("", text)


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_any_string_survives_csv(rows: list[tuple[str, str]]) -> None:
    """Commas, quotes and line breaks are quoted."""
    items = [{"to": one, "body": two} for one, two in rows]
    many = ResourceList(key="messages", element="Messages", item="Message", items=items, page={})
    read = csv.reader(io.StringIO(render(many, "csv").body.decode(), newline=""))

    assert list(read) == [["To", "Body"], *[[NOT_XML.sub("", each) for each in row] for row in rows]]


@pytest.mark.parametrize("extension", ["", "xml", "json", "csv"])
@pytest.mark.parametrize(
    ("answer", "rendered"),
    [
        (NoContent(), Rendered(b"", "", 204)),
        (NoContent(status=202), Rendered(b"", "", 202)),
        (RawBody(content=b"GIF", content_type="image/gif"), Rendered(b"GIF", "image/gif", 200)),
        (RawBody(content=b"gone", content_type="text/plain", status=410), Rendered(b"gone", "text/plain", 410)),
        (PlainDocument(document={"a": [1]}, status=201), Rendered(b'{"a": [1]}', "application/json", 201)),
    ],
)
def test_other_responses_ignore_the_extension(answer: ApiAnswer, rendered: Rendered, extension: str) -> None:
    """Bytes are sent unchanged, and the newer APIs only have JSON."""
    assert render(answer, extension) == rendered


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sid", "Sid"),
        ("num_segments", "NumSegments"),
        ("subresource_uris", "SubresourceUris"),
        ("sms_messages", "SMSMessages"),
        ("sip", "SIP"),
    ],
)
def test_xml_name_of_a_key(key: str, name: str) -> None:
    """Names are in camel case, apart from those that Twilio writes in capitals."""
    assert xml_name(key) == name


def test_plus_sign_is_kept_in_every_representation(client: Client) -> None:
    """The plus sign of a number must not become a space."""
    sid = client.text()["sid"]
    names, values = csv.reader(io.StringIO(client.get(f"Messages/{sid}.csv").body.decode(), newline=""))

    assert client.get(f"Messages/{sid}.json").json["to"] == PHONE
    assert client.get(f"Messages/{sid}.xml").texts("Message/To") == [PHONE]
    assert dict(zip(names, values, strict=True))["To"] == PHONE
