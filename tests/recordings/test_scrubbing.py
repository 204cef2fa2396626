"""Scrubbing: a recording identifies nobody, and a replay of it still agrees."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import sample
from twiml_app.alerts import Alert
from twiml_app.caller.forms import alert_form, inbound_form, status_form
from twiml_app.events import parse_event
from twiml_app.reactions import split_reaction
from twiml_app.recordings.format import Exchange, read_line, write_line
from twiml_app.recordings.phone_numbers import AnyDigits
from twiml_app.recordings.scrubbing import Scrubber
from twiml_app.recordings.url_secrets import without_secrets
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import TWIML_TYPE, Endpoint, Form, WebhookResponse

KEY = "a key of this test"
NUMBER = "+15005550006"
CONTACT = "+15005550001"
SID = "SM" + "5" * 32


def exchange(
    form: Form,
    answer: str = "<Response/>",
    *,
    kind: str = "message",
    method: str = "POST",
    url: str = "",
    content_type: str = TWIML_TYPE,
    results: dict[str, str] | None = None,
) -> Exchange:
    """Make an exchange as the journal returns it."""
    endpoint: Endpoint = "status" if kind == "status" else "message"
    called = url or f"https://user:pass@sms.example.com/{endpoint}"
    return Exchange(
        received_at=1.0,
        kind=kind,
        endpoint=endpoint,
        method=method,
        url=called + (f"?{form.encode()}" if method == "GET" else ""),
        headers={
            "authorization": "Basic c2VjcmV0",
            "cookie": "session=secret",
            "user-agent": "TwilioProxy/1.1",
            "x-twilio-signature": "c2lnbmVk",
        },
        form=form,
        answer=WebhookResponse(status=200, content_type=content_type, body=answer.encode()),
        results=results or {},
        id=7,
    )


def scrub(*exchanges: Exchange, scrub_own_numbers: bool = False, redact_bodies: bool = False) -> list[Exchange]:
    """Scrub with the key of this test."""
    return Scrubber(KEY, scrub_own_numbers=scrub_own_numbers, redact_bodies=redact_bodies).scrub(exchanges)


def answer_to(text: str) -> str:
    """Return the document that replies with a text."""
    return str(MessagingResponse().message(text))


FICTITIOUS = scrub(exchange(inbound_form("x", from_=CONTACT)))[0].form["From"]

contacts = st.from_regex(r"\+[1-9][0-9]{9,14}", fullmatch=True).filter(lambda number: number != NUMBER)
channels = st.sampled_from(["", "whatsapp:", "rcs:"])
# Letters that occur nowhere else in a recording, so that a name is never found by chance.
names = st.lists(st.text("QXZÄß日", min_size=3, max_size=8), min_size=1, max_size=3).map(" & ".join)
sids = st.text("0123456789abcdef", min_size=32, max_size=32).map("SM".__add__)
tokens = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=43)


@settings(max_examples=40, deadline=None)
@given(contacts, channels, names, sids, tokens, st.sampled_from(["GET", "POST"]), st.booleans())
def test_nothing_that_points_to_a_person_is_in_the_line(
    contact: str, channel: str, name: str, sid: str, token: str, method: str, scrub_own_numbers: bool
) -> None:
    """A recording is shared in a repository: personal data in it would stay public."""
    digits = contact[1:]
    text = f"I am {name}, {contact} or {digits}; 00{digits}, {digits[:3]}-{digits[3:6]} ({digits[6:]}), {sid}"
    link = f"https://u:{token}@e.com/{digits}?n={quote(name)}&m={quote_plus(name)}&t=%2B{digits}&token={token}"
    fields = {"ProfileName": name, "WaId": digits, "ExternalUserId": f"{channel}ID.{digits}", "token": token}
    form = inbound_form(f"{text} {link}", from_=channel + contact, to=channel + NUMBER, message_sid=sid, fields=fields)
    url = f"https://sms.example.com/message?in_reply_to={sid}&token={token}&next={quote(text)}"
    status = status_form(sid, "failed", to=channel + contact, from_=channel + NUMBER, fields={"token": token})
    exchanges = [
        exchange(form, answer_to(f"{text} {link}"), method=method, url=url if method == "POST" else ""),
        exchange(status, kind="status", method=method, results={"a.b": f"ValueError: {text} {link}"}),
    ]

    lines = "\n".join(map(write_line, scrub(*exchanges, scrub_own_numbers=scrub_own_numbers)))

    for original in (digits, digits[-9:], sid, sid[2:], name, quote(name), quote_plus(name), token, "user:pass"):
        assert original not in lines
    assert (NUMBER in lines) is not scrub_own_numbers
    for secret in ("Basic", "session=", "c2lnbmVk"):
        assert secret not in lines


@settings(max_examples=40, deadline=None)
@given(contacts, names, sids)
def test_same_key_results_in_the_same_replacements(contact: str, name: str, sid: str) -> None:
    """Exports of different days are used in one test, and answers must still match their requests."""
    one = exchange(inbound_form(f"{name} {contact}", from_=contact, message_sid=sid, fields={"ProfileName": name}))
    other = exchange(
        inbound_form(
            f"{name} {contact}", from_=contact, message_sid=sid, fields={"ProfileName": name, "FromCity": "ÄÄ"}
        )
    )
    first, second = scrub(one)[0].form, scrub(other, other)[1].form

    assert {key: first[key] for key in ("From", "Body", "ProfileName", "MessageSid")} == {
        key: second[key] for key in ("From", "Body", "ProfileName", "MessageSid")
    }
    assert first["Body"] == f"{first['ProfileName']} {first['From']}"
    assert re.fullmatch(r"\+1555[0-9]{7}", first["From"])
    assert re.fullmatch("SM[0-9a-f]{32}", first["MessageSid"])
    assert Scrubber("another key").scrub([one])[0].form["From"] != first["From"]


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        pytest.param(CONTACT, FICTITIOUS, id="with a plus"),
        pytest.param("15005550001", FICTITIOUS[1:], id="without a plus"),
        pytest.param("0015005550001", f"00{FICTITIOUS[1:]}", id="with zeros"),
        pytest.param("call 500-555-0001!", f"call {FICTITIOUS[2:]}!", id="as dialled inside the country"),
        pytest.param("(500) 555 0001", f"({FICTITIOUS[2:]}", id="in parentheses"),
        pytest.param("2 15005550001 3", f"2 {FICTITIOUS[1:]} 3", id="among other numbers"),
        pytest.param("?t=%2B15005550001", f"?t=%2B{FICTITIOUS[1:]}", id="in a URL"),
        pytest.param("?t=%2b15005550001", f"?t=%2b{FICTITIOUS[1:]}", id="in a URL, lower case escape"),
        pytest.param("?t=a%2015005550001", f"?t=a%20{FICTITIOUS[1:]}", id="in a URL, after a space"),
        pytest.param("tel%3D15005550001x", f"tel%3D{FICTITIOUS[1:]}x", id="in a URL, between letters"),
        pytest.param(NUMBER, NUMBER, id="own number is kept"),
        pytest.param("%2B15005550006", "%2B15005550006", id="own number in a URL is kept"),
        pytest.param("order 1234567 at 12:30", "order 1234567 at 12:30", id="other digits are kept"),
        pytest.param("Adam and Ada", "Adam and Name755362", id="a name as a whole word"),
        pytest.param("?n=%20Ada", "?n=%20Name755362", id="a name after an escape"),
        pytest.param("ada", "name755362", id="a name in small letters"),
        pytest.param(f"https://u:p@e.com/{SID}", None, id="credentials and a SID"),
    ],
)
def test_text_is_scrubbed_alike_in_request_and_answer(text: str, scrubbed: str | None) -> None:
    """A handler that echoes must produce the recorded answer again."""
    form = inbound_form(text, from_=CONTACT, to=NUMBER, message_sid=SID, fields={"ProfileName": "Ada"})

    result = scrub(exchange(form, answer_to(text)))[0]

    expected = f"https://e.com/{result.sid}" if scrubbed is None else scrubbed
    assert result.form["Body"] == expected
    assert MessagingResponse.parse(result.answer.body).messages[0].text == expected


def test_number_of_a_third_person_is_replaced() -> None:
    """A text may contain the number of somebody who never wrote to us."""
    result = scrub(exchange(inbound_form("ask +4915112345678, twice: +4915112345678")))[0]

    assert re.fullmatch(r"ask (\+1555[0-9]{7}), twice: \1", result.form["Body"])


@pytest.mark.parametrize(
    ("address", "pattern"),
    [
        pytest.param("whatsapp:+15005550001", re.escape(f"whatsapp:{FICTITIOUS}"), id="WhatsApp"),
        pytest.param("rcs:+15005550001", re.escape(f"rcs:{FICTITIOUS}"), id="RCS"),
        pytest.param("4158675309", r"1555[0-9]{7}", id="2008, national"),
        pytest.param("32665", r"1555[0-9]{7}", id="a short code"),
        pytest.param("messenger:1234567890123456", r"messenger:contact-[0-9a-f]{8}", id="Messenger"),
        pytest.param("whatsapp:ID.1500555000100", r"whatsapp:contact-[0-9a-f]{8}", id="an opaque id"),
        pytest.param("sip:ada@example.com:5060", r"sip:contact-[0-9a-f]{8}", id="with a port"),
        pytest.param("", "", id="empty"),
    ],
)
def test_every_kind_of_address_keeps_its_format(address: str, pattern: str) -> None:
    """Conditions on the channel must still match in a replay, and no text may keep the address."""
    bare = address.partition(":")[2] or address
    form = inbound_form(f"from {bare}.", from_=address, fields={"ChannelMetadata": f'{{"id": "{bare}"}}'})

    result = scrub(exchange(form, f'<Response><Message to="{address}">you are {bare}</Message></Response>'))[0]

    assert re.fullmatch(pattern, result.form["From"])
    assert bare == "" or bare not in write_line(result)


@pytest.mark.parametrize(
    "name", ["inbound-whatsapp-text.txt", "inbound-whatsapp-location.txt", "inbound-whatsapp-reply.txt", "voice.txt"]
)
def test_scrubbed_samples_identify_nobody(name: str) -> None:
    """The samples have the parameters that Twilio really sends."""
    form = sample(name)
    line = write_line(scrub(exchange(form, kind="webhook" if name == "voice.txt" else "message"))[0])

    for original in (
        "15005550001",
        "Ada",
        "37.787",
        "122.39",
        "Example Street",
        "caf\u00e9",
        "1500555000100",
        "AC0000",
    ):
        assert original not in line


def test_contact_of_a_status_callback_is_the_recipient() -> None:
    """From and To are swapped there, and our own number must be kept."""
    result = scrub(exchange(sample("status-whatsapp-read.txt"), kind="status"))[0].form

    assert (result["From"], result["To"]) == ("whatsapp:+15005550006", f"whatsapp:{FICTITIOUS}")
    assert re.fullmatch("contact-[0-9a-f]{8}", result["ChannelToAddress"])
    assert result["ChannelInstallSid"] != "XE" + "52" * 16


@pytest.mark.parametrize("name", ["Tom & Jerry", "<b>", 'the "Duke"', "O'Neil"])
def test_names_are_found_in_escaped_markup(name: str) -> None:
    """XML escapes other characters than a form."""
    form = inbound_form("hi", fields={"ProfileName": name})

    result = scrub(exchange(form, answer_to(f"Hello {name}!")))[0]

    made = result.form["ProfileName"]
    assert MessagingResponse.parse(result.answer.body).messages[0].text == f"Hello {made}!"


@pytest.mark.parametrize("name", ["Body", "Response", "Message", "version", "UTF-8", "to", "."])
def test_a_name_cannot_break_the_recording(name: str) -> None:
    """Senders choose their name freely, and the document must stay valid."""
    form = inbound_form("hi", fields={"ProfileName": name})

    result = scrub(exchange(form, answer_to("hi there")))[0]

    assert result.answer.body.decode() == answer_to("hi there")
    assert [key for key, _ in result.form.pairs] == [key for key, _ in form.pairs]


def test_names_that_are_not_utf_8_or_repeated_are_found() -> None:
    """Recordings include values that no handler reads."""
    form = Form([*inbound_form("Zo\udceb Zo\ufffd Eve Ann Ann +15005550009").pairs, ("ProfileName", "Zo\udceb")])
    form = Form([*form.pairs, ("ProfileName", "Eve"), ("ProfileName", " Ann +15005550009 "), ("FromCity", " ")])

    result = scrub(exchange(form))[0]

    for original in ("Zo", "Eve", "5005550009"):
        assert original not in result.form.encode()
    assert "Ann" not in result.form.getlist("ProfileName")[2]
    assert result.form.getlist("FromCity") == ["", " "]


@pytest.mark.parametrize(
    ("answer", "content_type", "scrubbed"),
    [
        pytest.param("Hi Ada", "text/plain", "Hi Name755362", id="plain"),
        pytest.param("<Response>Ada", TWIML_TYPE, "<Response>Name755362", id="broken TwiML"),
        pytest.param("", TWIML_TYPE, "", id="empty"),
        pytest.param(
            "<Response><!-- Ada --><Message to='Ada'><![CDATA[Ada]]><Media>/Ada.png</Media>\n</Message></Response>",
            TWIML_TYPE,
            '<?xml version="1.0" encoding="UTF-8"?><Response><Message to="Name755362">Name755362'
            "<Media>/Name755362.png</Media>\n</Message></Response>",
            id="comment, CDATA, attribute and URL",
        ),
    ],
)
def test_answers_of_any_kind_are_scrubbed(answer: str, content_type: str, scrubbed: str) -> None:
    """Handlers may answer with anything, and broken answers are recorded too."""
    form = inbound_form("hi", fields={"ProfileName": "Ada"})

    assert scrub(exchange(form, answer, content_type=content_type))[0].answer.body.decode() == scrubbed


def test_query_of_a_get_is_the_scrubbed_form() -> None:
    """The URL of a GET contains the whole webhook."""
    form = inbound_form("I am Ada", from_=f"whatsapp:{CONTACT}", fields={"ProfileName": "Ada"})

    result = scrub(exchange(form, method="GET", url="https://a:b@sms.example.com/message"))[0]

    assert result.url == f"https://sms.example.com/message?{result.form.encode()}"


def test_query_of_a_post_is_scrubbed_as_a_form() -> None:
    """A status URL has a token that replaces the credentials, and other URLs may contain a name."""
    url = f"https://sms.example.com/in/{SID}?in_reply_to={SID}&token=abc.d-_e&From=%2B15005550001&q=1%202"

    result = scrub(exchange(inbound_form("hi", message_sid=SID), url=url))[0]

    sid = result.sid
    assert result.url == (
        f"https://sms.example.com/in/{sid}?in_reply_to={sid}&token=scrubbed&From=%2B{FICTITIOUS[1:]}&q=1+2"
    )


def test_body_that_is_not_a_form_is_scrubbed() -> None:
    """Unknown webhooks are recorded, and their JSON is read as one odd parameter."""
    form = Form([('{"to": "+15005550001"}', ""), ("Body", "x")])

    result = scrub(exchange(form, kind="webhook"))[0]

    assert result.form.pairs == ((f'{{"to": "{FICTITIOUS}"}}', ""), ("Body", "x"))


def test_our_own_numbers_are_scrubbed_on_request() -> None:
    """A recording that is published must not tell which number is whose."""
    form = inbound_form("to 15005550006", to="whatsapp:+15005550006")

    result = scrub(exchange(form, answer_to("from +15005550006")), scrub_own_numbers=True)[0]

    assert "5005550006" not in write_line(result)
    assert result.form["Body"] == f"to {result.form['To'].removeprefix('whatsapp:+')}"


def test_redacted_texts_keep_only_their_shape() -> None:
    """For confidential texts the length is enough to count segments."""
    fields = {"ButtonText": "Secret 1", "InteractiveData": '{"a": "Secret"}', "FromState": "CA"}
    answer = (
        '<Response><Message to="+15005550001"><Body>Secret &amp; 2</Body><Media>/a.png</Media></Message>'
        "<Sms>Secret</Sms><Message>Secret</Message><Redirect>/next</Redirect></Response>"
    )
    recorded = exchange(inbound_form("Secret 3!", fields=fields), answer, results={"a.b": "ValueError: Secret"})
    plain = exchange(inbound_form(), "Secret", content_type="text/plain", results={"a.c": "ok"})

    result, other = scrub(recorded, plain, redact_bodies=True)

    assert "Secret" not in write_line(result) + write_line(other)
    assert (result.form["Body"], result.form["ButtonText"], result.form["FromState"]) == ("xxxxxx x!", "xxxxxx x", "CA")
    assert (result.results, other.results, other.answer.body) == ({"a.b": "ValueError"}, {"a.c": "ok"}, b"xxxxxx")
    assert result.answer.body.decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?><Response><Message to="{FICTITIOUS}"><Body>xxxxxx &amp; x</Body>'
        "<Media>/a.png</Media></Message><Sms>xxxxxx</Sms><Message>xxxxxx</Message><Redirect>/next</Redirect></Response>"
    )


def test_only_harmless_headers_are_kept() -> None:
    """Credentials, cookies and signatures must not be in a shared file."""
    result = scrub(exchange(inbound_form()))[0]

    assert dict(result.headers) == {"user-agent": "TwilioProxy/1.1"}
    assert (result.id, result.answer.headers) == (0, ())


@settings(deadline=None)
@given(st.text(), st.binary())
def test_any_text_can_be_scrubbed(text: str, raw: bytes) -> None:
    """One unusual text must not make the whole export fail."""
    body = raw.decode("utf-8", "surrogateescape")
    form = inbound_form(body, from_=text, fields={"ProfileName": body, "Label": text.encode(errors="ignore").decode()})
    recorded = replace(exchange(form), answer=WebhookResponse(status=200, content_type=TWIML_TYPE, body=raw))

    line = write_line(scrub(recorded)[0]).encode().decode()

    assert list(read_line(line).form) == list(form)


def test_only_secrets_are_removed() -> None:
    """Accepted answers are written into a file that was already scrubbed."""
    text = "http://u:p@e.com/a@b?in_reply_to=1&amp;token=a.B-_9&amp;x=1 mail a@b.example"

    assert without_secrets(text) == "http://e.com/a@b?in_reply_to=1&amp;token=scrubbed&amp;x=1 mail a@b.example"


def test_person_of_a_later_page_is_replaced_in_an_earlier_one() -> None:
    """A long journal is scrubbed page by page, and a text may quote somebody who only writes later."""
    earlier = exchange(inbound_form("call 15005557777 about it"))
    later = exchange(inbound_form("hello", from_="+15005557777"))
    scrubber = Scrubber("a key of some length")
    scrubber.learn([earlier])
    scrubber.learn([later])

    (scrubbed,) = scrubber.scrub([earlier])

    assert "15005557777" not in scrubbed.form["Body"]


PEOPLE = {"ProfileName": "Ada Núñez-Lovelace", "CallerName": "王小明"}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        pytest.param("ADA", "NAME[0-9]{6}", id="capitals"),
        pytest.param("ada", "name[0-9]{6}", id="small letters"),
        pytest.param("Ada's", "Name[0-9]{6}'s", id="with an ending after an apostrophe"),
        pytest.param("Ａｄａ", "Name[0-9]{6}", id="full width"),
        pytest.param("nu\u0301n\u0303ez", "name[0-9]{6}", id="decomposed"),
        pytest.param("nunez", "name[0-9]{6}", id="without accents"),
        pytest.param("A\u200cda", "Name[0-9]{6}", id="with an invisible character"),
        pytest.param("?q=N%C3%BA%C3%B1ez", r"\?q=Name[0-9]{6}", id="in a URL"),
        pytest.param("?q=n%25C3%25BA%25C3%25B1ez", r"\?q=name[0-9]{6}", id="in a URL in a URL"),
        pytest.param("N\\u00fa\\u00f1ez", "Name[0-9]{6}", id="in JSON"),
        pytest.param("N&#250;&#xF1;ez", "Name[0-9]{6}", id="in HTML"),
        pytest.param("lovelace_ada99", "name[0-9]{6}_name[0-9]{6}99", id="in a user name"),
        pytest.param("adanunezlovelace@x.example", "name[0-9]{6}@x.example", id="in a mail address"),
        pytest.param("nunezlovelace", "name[0-9]{6}", id="without a hyphen"),
        pytest.param("我是王小明，你好", "我是name[0-9]{6}，你好|我是Name[0-9]{6}，你好", id="without spaces"),
        pytest.param("小明你好", "Name[0-9]{6}你好", id="a Chinese first name"),
        pytest.param("Adam adapts", "Adam adapts", id="not a part of a word"),
        pytest.param("3f9ada71", "3f9ada71", id="not a part of a hexadecimal number"),
    ],
)
def test_names_are_found_however_they_are_written(text: str, pattern: str) -> None:
    """People write a name in their own way, and phones and programs in others."""
    result = scrub(exchange(inbound_form(text, fields=PEOPLE), answer_to(text)))[0]

    assert re.fullmatch(pattern, result.form["Body"])
    assert MessagingResponse.parse(result.answer.body).messages[0].text == result.form["Body"]


def test_first_name_gets_the_fake_that_it_has_in_the_whole_name() -> None:
    """A handler that greets by the first name must answer the same in a replay."""
    form = inbound_form("I am ADA lovelace", fields={"ProfileName": "Ada Lovelace"})

    result = scrub(exchange(form, answer_to("Hello Ada!")))[0]

    first, last = result.form["ProfileName"].split()
    assert result.form["Body"] == f"I am {first.upper()} {last.lower()}"
    assert MessagingResponse.parse(result.answer.body).messages[0].text == f"Hello {first}!"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("Al Gore", "al fresco for Al", id="word of two letters"),
        pytest.param("Bo", "bo", id="name of two letters in another case"),
        pytest.param("No", "No", id="name of two letters that is a word"),
        pytest.param("Stop Sign", "stop", id="word of Twilio"),
        pytest.param("Ludwig van Beethoven", "a van", id="particle"),
        pytest.param("x", "x", id="one letter"),
    ],
)
def test_words_that_would_be_found_anywhere_are_kept(name: str, text: str) -> None:
    """A recording whose texts are destroyed tests nothing."""
    assert scrub(exchange(inbound_form(text, fields={"ProfileName": name})))[0].form["Body"] == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("555/867/5309", id="slashes"),
        pytest.param("867-5309", id="without area code"),
        pytest.param("8675309", id="without area code and separator"),
        pytest.param("(555) 867 53 09", id="groups"),
        pytest.param("5 5 5 8 6 7 5 3 0 9", id="single digits"),
        pytest.param("555.867.5309", id="dots"),
        pytest.param("555\u2011867\u20115309", id="hyphens that do not break"),
        pytest.param("５５５ー８６７ー５３０９", id="full width"),
        pytest.param("٥٥٥٨٦٧٥٣٠٩", id="Arabic-Indic"),
        pytest.param("۵۵۵-۸۶۷-۵۳۰۹", id="Persian"),
        pytest.param("\u202a+1 (555) 867-5309\u202c", id="as copied from a phone's contacts"),
        pytest.param("5\ufe0f\u20e35\ufe0f\u20e35\ufe0f\u20e38675309", id="emoji"),
        pytest.param("%2B1%20555%20867%205309", id="in a URL"),
    ],
)
def test_number_of_the_contact_is_found_in_any_notation(text: str) -> None:
    """People write their own number in the notation of their country and phone."""
    contact = "+15558675309"

    result = scrub(exchange(inbound_form(f"call {text}!", from_=contact), answer_to(text)))[0]

    digits = re.sub("[^0-9]", "", result.form["Body"].replace("%2B", "").replace("%20", ""))
    assert len(digits) >= 7
    assert result.form["From"].endswith(digits)
    assert not set("٥۵５") & set(write_line(result))
    assert re.sub("[^0-9]", "", MessagingResponse.parse(result.answer.body).messages[0].text).endswith(digits[-4:])


@pytest.mark.parametrize(
    ("contact", "text"),
    [
        pytest.param("+15005550001", "212-736-5000", id="United States"),
        pytest.param("+15005550001", "212/736/5000", id="slashes"),
        pytest.param("+15005550001", "736-5000", id="without area code"),
        pytest.param("+4915112345678", "0176 98765432", id="Germany"),
        pytest.param("+33612345678", "06 98 76 54 32", id="France"),
        pytest.param("+33612345678", "212-736-5000", id="default country"),
        pytest.param("+15005550001", "0049 176 98765432", id="with zeros"),
        pytest.param("+15005550001", "+49 (0) 176 / 987 654 32", id="abroad"),
        pytest.param("+15005550001", "4917698765432", id="abroad, without a plus"),
    ],
)
def test_numbers_of_other_people_are_found(contact: str, text: str) -> None:
    """They are not contacts, so only the plan of a country tells that they are numbers."""
    result = scrub(exchange(inbound_form(f"ask {text}, or {text}", from_=contact), answer_to(text)))[0]

    found = re.fullmatch(r"ask (.+), or \1", result.form["Body"])
    assert found
    assert MessagingResponse.parse(result.answer.body).messages[0].text == found[1]
    assert re.sub("[^0-9]", "", text)[-6:] not in re.sub("[^0-9]", "", write_line(result))


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567",
        "2024-11-21 08:30",
        "21.11.2024",
        "1,000,000",
        "1.000.000,00",
        "12 345 67",
        "10 20 30 4050",
        "v1.2.3",
    ],
)
def test_digits_that_are_no_number_are_kept(text: str) -> None:
    """Handlers read orders, dates and amounts."""
    assert scrub(exchange(inbound_form(text)))[0].form["Body"] == text


def test_own_number_is_kept_in_any_notation() -> None:
    """Texts and answers name the number to call."""
    text = "call (500) 555-0006 or 500.555.0006"

    assert scrub(exchange(inbound_form(text, to="+15005550006")))[0].form["Body"] == text


def test_exports_of_one_scrubber_do_not_remember_texts() -> None:
    """A text that was harmless names a contact whom a later exchange introduces."""
    scrubber = Scrubber(KEY)
    first = scrubber.scrub([exchange(inbound_form("for Ada"))])[0]
    second = scrubber.scrub([exchange(inbound_form("for Ada", fields={"ProfileName": "Ada"}))])[0]

    assert (first.form["Body"], second.form["Body"]) == ("for Ada", "for Name755362")


def test_without_tables_of_numbers_all_longer_runs_of_digits_are_replaced() -> None:
    """A server is installed without phonenumbers, and `journal show` may not show more than with it."""
    recorded = exchange(inbound_form("0176 98765432, order 1234567, room 123, call 500-555-0006", to=NUMBER))

    body = Scrubber(KEY, finder=AnyDigits()).scrub([recorded])[0].form["Body"]

    assert re.fullmatch(r"[0-9]{10,11}, order [0-9]{7}, room 123, call 500-555-0006", body)
    assert "98765432" not in body
    assert "1234567" not in body


SECRET_PARAMETERS = ("secret", "password", "api_key", "sig", "access_token", "clientSecret", "X-Amz-Signature", "key")


@pytest.mark.parametrize("parameter", SECRET_PARAMETERS)
@pytest.mark.parametrize("redact_bodies", [False, True], ids=["texts", "redacted"])
def test_secret_parameters_of_urls_are_replaced(parameter: str, redact_bodies: bool) -> None:
    """Whoever has such a URL can read the file, or act for the person."""
    url = f"https://e.com/a.png?x=1&{parameter}=h%26u%20nter2hunter2&y=2"
    nested = f"https://e.com/?next={quote(url, safe='')}"
    form = inbound_form(f"see {url} {nested}", media={url: "image/png"}, fields={parameter: "hunter2hunter2"})
    answer = MessagingResponse().message("see", media=url, action=url)
    recorded = exchange(form, str(answer), url=url, results={"a.b": f"ValueError: {nested}"})

    result = scrub(recorded, redact_bodies=redact_bodies)[0]

    assert "nter2" not in write_line(result)
    assert parameter.casefold() in result.form["MediaUrl0"].casefold()
    assert (f"x=1&{parameter}=scrubbed&y=2" in result.form["Body"]) is not redact_bodies


@pytest.mark.parametrize("password", ["pa/ss", 'pa"ss', "pa<ss", "p@ss", "1/ss", "a?ss#", "443/ss", "%40ss"])
def test_passwords_in_urls_are_removed_whatever_they_contain(password: str) -> None:
    """A password that should have been escaped is still one."""
    text = f"https://sam:{password}@e.com/a@b"

    result = scrub(exchange(inbound_form(text), answer_to(text), url=f"https://sam:{password}@sms.example.com/m"))[0]

    assert (result.form["Body"], result.url) == ("https://e.com/a@b", "https://sms.example.com/m")
    assert MessagingResponse.parse(result.answer.body).messages[0].text == "https://e.com/a@b"


@pytest.mark.parametrize("url", ["https://e.com/a@b", "https://e.com:8080/a@b", "http://localhost:5000/a@b"])
def test_urls_without_a_password_are_kept(url: str) -> None:
    """A path may contain an @, and a host a port."""
    assert without_secrets(url) == url


def test_unknown_parameters_are_replaced() -> None:
    """Twilio and others add parameters, and nobody knows what is in the next one."""
    fields = {"Custom": "blue house", "Empty": "", "Sender": "whatsapp:+15005550001", "Who": "Ada Lovelace"}
    form = inbound_form(
        "the Blue House", from_="whatsapp:+15005550001", fields=fields | {"ProfileName": "Ada Lovelace"}
    )

    result, again = scrub(exchange(form, answer_to("blue house")), exchange(form))

    made = result.form["Custom"]
    assert re.fullmatch("value-[0-9a-f]{8}", made)
    assert (again.form["Custom"], result.form["Body"]) == (made, f"the {made}")
    assert MessagingResponse.parse(result.answer.body).messages[0].text == made
    assert (result.form["Empty"], result.form["Sender"]) == ("", result.form["From"])
    assert result.form["Who"] == result.form["ProfileName"]


def test_parameters_of_our_own_url_stay_unless_everything_is_redacted() -> None:
    """Handlers read them, so a replay needs them."""
    url = f"https://sms.example.com/message?step=address&in_reply_to={SID}&sig=abcdef"
    recorded = exchange(inbound_form("hi"), url=url)

    kept, redacted = scrub(recorded)[0].url, scrub(recorded, redact_bodies=True)[0].url

    assert "step=address&" in kept
    assert "address" not in redacted
    for result in (kept, redacted):
        assert re.search("in_reply_to=SM[0-9a-f]{32}&sig=scrubbed", result)


def test_redaction_includes_parameters_of_urls_and_odd_names() -> None:
    """Anything may be in a URL that a person or another service made."""
    media = "https://e.com/a.png?owner=lovelace"
    form = Form([*inbound_form("x", media={media: "image/png"}).pairs, ('{"note": "lovelace"}', "")])
    answer = MessagingResponse().message("x", media=media).redirect("/next?who=lovelace")

    assert "lovelace" not in write_line(scrub(exchange(form, str(answer)), redact_bodies=True)[0])


def test_twilios_own_words_are_not_names() -> None:
    """A contact may be called Post or Received; the replay needs the method and the status."""
    form = inbound_form("hi", media={"https://e.com/a": "image/png"}, fields={"ProfileName": "Post Received Image"})

    result = scrub(exchange(form, '<Response><Redirect method="POST">/post</Redirect></Response>'))[0]

    assert (result.form["SmsStatus"], result.form["MediaContentType0"]) == ("received", "image/png")
    assert b'method="POST"' in result.answer.body


def test_reaction_stays_a_reaction() -> None:
    """Its replay must not reach the default handler, even if a contact has the name of a word in it."""
    named = exchange(inbound_form("Le gustó “Le Tran, noon?”", fields={"ProfileName": "Le Tran"}))

    (kept,) = scrub(named)
    (redacted,) = scrub(named, redact_bodies=True)

    before, quoted, after = split_reaction(kept.form["Body"]) or ("", "", "")
    assert (before, after, "Tran" in quoted, ", noon?" in quoted) == ("Le gustó “", "”", False, True)
    assert redacted.form["Body"] == "Le gustó “xx xxxx, xxxx?”"


def alert(payload: str = "", **fields: str) -> Exchange:
    """Return an alert about a text of a contact."""
    request = (
        "https://user:pass@sms.example.com/message?key=topsecret",
        inbound_form(f"I am {CONTACT}", fields=fields),
    )
    form = alert_form(11200, sid="NO" + "6" * 32, resource_sid=SID, problem=f"no answer for {SID}", request=request)
    changed = [(name, payload if payload and name == "Payload" else value) for name, value in form.pairs]
    return replace(exchange(Form(changed), kind="alert"), endpoint="alert")


def test_payload_of_an_alert_names_nobody_and_stays_an_alert() -> None:
    """It quotes the request that failed, with the text and the numbers in it."""
    kept, message = scrub(alert(ProfileName="Ada"), exchange(inbound_form("Ada", message_sid=SID)))

    event = parse_event(kept.form)
    assert isinstance(event, Alert)
    parameters = event.webhook["request"]["parameters"]
    assert (event.error_code, event.level, event.timestamp) == (11200, "error", "1970-01-01T00:00:00.000Z")
    assert (event.more_info["LogLevel"], event.webhook["request"]["method"]) == ("ERROR", "POST")
    assert event.resource_sid == message.form["MessageSid"] != SID
    assert event.message == f"no answer for {event.resource_sid}"
    assert parameters["From"] == message.form["From"] == event.contact != CONTACT
    assert (event.number, parameters["Body"]) == (NUMBER, f"I am {event.contact}")
    assert not re.search(f"Ada|topsecret|pass@|{SID}|{re.escape(CONTACT)}", kept.form["Payload"])


def test_redacted_alert_keeps_its_codes() -> None:
    """The handlers of a replay are chosen by them."""
    (kept,) = scrub(alert(), redact_bodies=True)

    event = parse_event(kept.form)
    assert isinstance(event, Alert)
    assert (event.error_code, event.message[:9], event.more_info["ErrorCode"]) == (11200, "xx xxxxxx", "11200")
    assert event.webhook["request"]["parameters"]["Body"] == "x xx +xxxxxxxxxxx"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param("broken +15005550001", "broken ", id="no JSON"),
        pytest.param("[" * 100_000, "[[[[", id="nested too deeply"),
        pytest.param(
            '{"error_code":"call 5005550001","list":["+15005550001",1,null]}', '{"error_code":"call ', id="code"
        ),
    ],
)
def test_any_payload_of_an_alert_is_scrubbed(payload: str, expected: str) -> None:
    """A payload that cannot be parsed may still contain a number."""
    kept, _ = scrub(alert(payload), exchange(inbound_form("hello")))

    assert kept.form["Payload"].startswith(expected)
    assert "5005550001" not in kept.form["Payload"]
