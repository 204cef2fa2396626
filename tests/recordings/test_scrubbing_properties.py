"""Scrubbing: whoever the people are and however they write, no trace of them is in an exported recording."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, quote_plus, unquote

import phonenumbers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twiml_app.caller.forms import NUMBER, inbound_form
from twiml_app.recordings.format import Exchange, write_line
from twiml_app.recordings.scrubbing import Scrubber
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

FIRST = ("Ada", "Zoë", "José", "Ægir", "Łukasz", "Jürgen", "Семён", "Ελένη", "محمد", "अनुष्का", "Nguyễn", "Strauß", "Tom")
LAST = ("Lovelace", "O'Reilly-Özil", "Ångström", "Йордановић", "Παπαδόπουλος", "العربي", "शर्मा", "Li", "B.", "Żółć")
WITHOUT_SPACES = ("王小明", "山田太郎", "김민수", "สมชาย")
REGIONS = ("US", "DE", "GB", "IN", "BR", "FR", "MX", "AU")
#: Not in any text that is generated otherwise.
SECRET_NAMES = ("secret", "password", "api_key", "sig", "access_token", "X-Amz-Signature", "clientSecret", "key")
Spelling = Callable[[str], str]
Spellings = st.SearchStrategy[Spelling]
FILLERS = ("please call", "it is", "from", "menu", "order 2 coffee,", "ok?", "🙂", "- and -", "\n")


@dataclass(frozen=True)
class Person:
    """Somebody who writes to us, or who is mentioned."""

    name: str
    number: phonenumbers.PhoneNumber

    @property
    def address(self) -> str:
        """The number as Twilio writes it."""
        return phonenumbers.format_number(self.number, phonenumbers.PhoneNumberFormat.E164)

    @property
    def national(self) -> str:
        """The number without its country."""
        return phonenumbers.national_significant_number(self.number)


@st.composite
def people(draw: st.DrawFn) -> Person:
    """Draw a person with a valid number."""
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    written = str(example.national_number)
    number = phonenumbers.parse(written[:-5] + draw(st.from_regex("[0-9]{5}", fullmatch=True)), region)
    two = f"{draw(st.sampled_from(FIRST))} {draw(st.sampled_from(LAST))}"
    return Person(
        draw(st.sampled_from([two, two, *WITHOUT_SPACES])), number if phonenumbers.is_valid_number(number) else example
    )


def full_width(text: str) -> str:
    """Return ASCII as full-width characters."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def other_digits(zero: str) -> Spelling:
    """Return a function that writes digits of another script."""
    return lambda text: "".join(chr(ord(zero) + int(each)) if each in "0123456789" else each for each in text)


spellings: Spellings = st.sampled_from([str, str.upper, str.lower, str.title, str.swapcase, full_width])
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
encodings: Spellings = st.sampled_from([str, str, quote, quote_plus, lambda text: json.dumps(text)[1:-1], html.escape])
digit_scripts: Spellings = st.sampled_from([str, full_width, *map(other_digits, "٠०۰")])


@st.composite
def written_names(draw: st.DrawFn, person: Person) -> str:
    """Draw a name as somebody may write it: whole, or one word of it."""
    words = [word for word in person.name.split() if len(word.strip(".")) > 2]
    name = draw(st.sampled_from([person.name, *words, person.name.replace("'", "")]))
    spelled = draw(spellings)(name)
    return draw(encodings)(unicodedata.normalize(draw(st.sampled_from(FORMS)), spelled))


@st.composite
def written_numbers(draw: st.DrawFn, person: Person, *, is_contact: bool) -> str:
    """Draw a number as somebody may write it; another country's number has its country code."""
    kinds = phonenumbers.PhoneNumberFormat
    international = phonenumbers.format_number(person.number, kinds.INTERNATIONAL)
    written = [international, person.address, person.address.replace("+", "00")]
    if is_contact:
        national = phonenumbers.format_number(person.number, kinds.NATIONAL)
        written += [national, person.national, person.address[1:]]
        written += [f"{person.national[-7:-4]}-{person.national[-4:]}"] if person.address.startswith("+1") else []
    chosen = draw(st.sampled_from(written))
    separator = draw(st.sampled_from(["", " ", "-", ".", "/", " / ", "_", "\u2011", "\u00a0", "–", ") "]))
    changed = re.sub(r"(?<=[0-9])[^0-9%]+(?=[0-9])", lambda _: separator, chosen)
    return quote(chosen) if draw(st.integers(0, 5)) == 0 else draw(digit_scripts)(changed)


secrets = st.from_regex(r"[g-z]{4}[A-Z0-9]{3}[g-z]{3}[_.~-]?[0-9]{1,3}", fullmatch=True)
passwords = st.builds("{}{}{}".format, secrets, st.sampled_from(["", "/", '"', "<", "@", ":", "/?", "#"]), secrets)


@st.composite
def urls(draw: st.DrawFn, secret: str, password: str) -> str:
    """Draw a URL that holds a secret and a password."""
    name = draw(st.sampled_from(SECRET_NAMES))
    plain = f"https://api.example.com/a@b/c.png?x=1&{name}={secret}&y=2"
    with_password = f"https://sam:{password}@example.com/d?{name}={secret}"
    nested = f"https://example.com/?next={quote(plain, safe='')}"
    return draw(st.sampled_from([plain, with_password, nested]))


@st.composite
def answers(draw: st.DrawFn, text: str, url: str) -> WebhookResponse:
    """Draw an answer with a text and a URL, of a type that handlers return."""
    twiml = str(MessagingResponse().message(text, action=url))
    plain, broken, encoded = f"{text} {url}", twiml.removesuffix("</Response>"), json.dumps({"text": text, "url": url})
    content_type, body = draw(
        st.sampled_from(
            [(TWIML_TYPE, twiml), (TWIML_TYPE, broken), ("text/plain", plain), ("application/json", encoded)]
        )
    )
    return WebhookResponse(status=200, content_type=content_type, body=body.encode())


@st.composite
def traces(draw: st.DrawFn, exchanges: list[Exchange], originals: dict[str, set[str]]) -> None:
    """Draw one exchange, and add it to a list and what is personal in it to a table."""
    contact, other = draw(people()), draw(people())
    secret, password, unknown = draw(secrets), draw(passwords), draw(secrets)
    pieces = [draw(written_names(contact)), draw(written_numbers(contact, is_contact=True))]
    pieces += [draw(written_numbers(other, is_contact=False)), draw(urls(secret, password)), unknown, secret]
    pieces = draw(st.permutations([*pieces, *draw(st.lists(st.sampled_from(FILLERS), max_size=4))]))
    body, echo = " ".join(pieces), " | ".join(draw(st.lists(st.sampled_from(pieces), max_size=4)))
    url = draw(urls(secret, password))
    fields = {"ProfileName": contact.name, "WaId": contact.address[1:], "Custom": unknown, "MediaUrl0": url}
    form = inbound_form(body, from_=f"whatsapp:{contact.address}", fields=fields)
    answer = MessagingResponse().message(echo, action=url)
    response = WebhookResponse(status=200, content_type=TWIML_TYPE, body=str(answer).encode())
    exchanges.append(
        Exchange(
            received_at=1.0, kind="message", endpoint="message", method="POST", url=url, form=form, answer=response
        )
    )
    originals["words"] |= {plainly(word) for word in re.findall(r"\w+", contact.name.replace("'", "")) if len(word) > 2}
    originals["words"] |= {word for word in map(plainly, re.findall(r"\w+", contact.name)) if len(word) > 2}
    originals["digits"] |= {person.national[-9:] for person in (contact, other)} | {contact.national[-7:]}
    originals["strings"] |= {plainly(each) for each in (secret, unknown, *re.split(r"[^\w.~-]", password))}


#: SIDs and other replacements may contain any word of six letters by chance.
_HEXADECIMAL = re.compile(r"\b[A-Z]{2}[0-9a-f]{32}\b|\b(?:value|contact)-[0-9a-f]{8}\b")


def plainly(text: str) -> str:
    """Return a text without escapes, and as every way to write it is equal."""
    for _ in range(3):
        text = html.unescape(unquote(text))
    text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", _HEXADECIMAL.sub("-", text)).casefold())
    text = "".join(str(unicodedata.decimal(each, each)) for each in text if not "\u0300" <= each < "\u0370")
    return unicodedata.normalize("NFC", text)


def strings(value: object) -> list[str]:
    """Return all strings in a JSON value."""
    if isinstance(value, dict | list):
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return [text for item in items for text in strings(item)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.booleans(), st.booleans())
def test_no_trace_of_a_person_is_exported(data: st.DataObject, redact_bodies: bool, scrub_own_numbers: bool) -> None:
    """What is shared once stays public; a reader would try every decoding too."""
    exchanges: list[Exchange] = []
    originals: dict[str, set[str]] = {"words": set(), "digits": set(), "strings": set()}
    for _ in range(data.draw(st.integers(1, 3))):
        data.draw(traces(exchanges, originals))

    scrubbed = Scrubber("a key", redact_bodies=redact_bodies, scrub_own_numbers=scrub_own_numbers).scrub(exchanges)

    for text in (plainly(text) for exchange in scrubbed for text in strings(json.loads(write_line(exchange)))):
        words = set(re.findall(r"[^\W\d_]+", text))
        assert not words & originals["words"], text
        digits = re.sub(r"[^0-9a-z]", "", text)
        assert [each for each in originals["digits"] if each in digits] == [], text
        assert [each for each in originals["strings"] if each and each in text] == [], text
    assert scrub_own_numbers or all(exchange.form["To"] == NUMBER for exchange in scrubbed)
