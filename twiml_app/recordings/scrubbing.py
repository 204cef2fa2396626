"""Makes recordings safe to share: replaces phone numbers, SIDs and names with the same fictitious ones every time."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

from lxml import etree

from ..events import TOKEN_PARAMETER
from ..twiml import DECLARATION
from ..webhook import Form, WebhookResponse
from .format import Exchange

_SECRETS = re.compile(r"(?P<user>(?<=://)[^\s/@<>\"]+@)|(?P<token>(?<=\btoken=)[\w%.-]+)")
_FINDS = (
    _SECRETS.pattern,
    r"(?P<sid>[A-Z]{2}[0-9a-f]{32})",
    r"(?P<plus>(?:\+|%2[Bb])[0-9]{7,15}(?![0-9]))",
    r"(?P<digits>[0-9](?:[\s().\-]{0,2}[0-9]){4,})",
)

#: Parameters with the name of a person or of the person's place.
_NAMES = (
    *("ProfileName", "Address", "Label", "ReferralHeadline", "CallerName"),
    *(f"{who}{what}" for who in ("From", "To", "Caller", "Called") for what in ("City", "Zip")),
)
_PLACES = ("Latitude", "Longitude")
_ADDRESSES = (
    *("From", "To", "Caller", "Called", "WaId", "ExternalUserId", "ChannelToAddress"),
    *("OriginalRepliedMessageSender", "ReferralCtwaClid"),
)
_TEXTS = ("Body", "ButtonText", "ButtonPayload", "ReferralBody", "InteractiveData", "FlowData", "ChannelMetadata")
_KEPT_HEADERS = ("content-type", "user-agent", "i-twilio-idempotency-token")
_MARKUP_OF_URLS = ("Media", "Redirect")
#: A shorter address is replaced only where it is a whole run of digits.
_SEARCHABLE_LENGTH = 7


def without_secrets(text: str) -> str:
    """Return a string without the credentials of its URLs and the tokens of our status URLs."""
    return _SECRETS.sub(lambda found: "scrubbed" if found["token"] else "", text)


class Scrubber:
    """Replaces everything that identifies a person, in requests and answers alike, so that a replay still agrees.

    ``key`` makes the replacements stable and impossible to guess back. Our own numbers stay, as conditions name them,
    unless ``scrub_own_numbers``; texts stay, as handlers read them, unless ``redact_bodies``.
    """

    def __init__(self, key: str, *, scrub_own_numbers: bool = False, redact_bodies: bool = False) -> None:
        self._key = key.encode()
        self._scrub_own_numbers = scrub_own_numbers
        self._redact_bodies = redact_bodies
        self._own: set[str] = set()
        #: The addresses and names of the exchanges that were learned.
        self._addresses: set[str] = set()
        self._names: set[str] = set()
        self._is_prepared = True
        #: The replacement per digits of a contact, with and without country code.
        self._numbers: dict[str, str] = {}
        #: The lengths of these, longest first.
        self._lengths: list[int] = []
        #: The replacement per name, or per address that is not a phone number.
        self._words: dict[str, str] = {}
        self._pattern = re.compile("|".join(_FINDS))

    def learn(self, exchanges: Iterable[Exchange]) -> None:
        """Note who is named in exchanges, so that they are replaced in all exchanges that are scrubbed afterwards."""
        known = len(self._own) + len(self._addresses) + len(self._names)
        for exchange in exchanges:
            if not self._scrub_own_numbers:
                self._own |= {_digits(_own_address(exchange))} - {""}
            for name, value in exchange.form.pairs:
                if name in _ADDRESSES:
                    self._addresses.add(_split_address(value)[1])
                elif name in _NAMES and _is_searchable(value.strip()):
                    self._names.add(value.strip())
        self._is_prepared &= known == len(self._own) + len(self._addresses) + len(self._names)

    def scrub(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Return the exchanges in a form that is safe to share."""
        kept = list(exchanges)
        self.learn(kept)
        if not self._is_prepared:
            self._prepare()
        return [self._exchange(exchange) for exchange in kept]

    def _prepare(self) -> None:
        """Make the replacements of everybody who was learned."""
        self._numbers, self._words = {}, {}
        for address in sorted(self._addresses):
            self._learn_address(address)
        for name in sorted(self._names):
            self._words |= dict.fromkeys(_variants(name), self._name(name))
        self._lengths = sorted({len(number) for number in self._numbers}, reverse=True)
        longest_first = sorted(self._words, key=len, reverse=True)
        finds = [f"(?P<word>{'|'.join(map(_as_word, longest_first))})"] if longest_first else []
        self._pattern = re.compile("|".join([_SECRETS.pattern, *finds, *_FINDS[1:]]))
        self._is_prepared = True

    def _learn_address(self, bare: str) -> None:
        if not bare or _digits(bare) in self._own:
            return
        if not _is_number(bare):
            known = self._numbers if bare.isdecimal() else self._words
            known |= {variant: self._opaque(bare) for variant in _variants(bare)}
            return
        digits, made = _digits(bare), _digits(self._fictitious(bare))
        for length in {len(digits), 10, 9}:  # also as it is dialled inside the country
            if length == len(digits) or length < len(digits) > 10:
                self._numbers[digits[-length:]] = made if length == len(digits) else made[-length:]

    def _exchange(self, exchange: Exchange) -> Exchange:
        form = self._form(exchange.form)
        return replace(
            exchange,
            form=form,
            url=self._url(exchange, form),
            headers={name: self._text(value) for name, value in exchange.headers.items() if name in _KEPT_HEADERS},
            answer=self._answer(exchange.answer),
            results={name: self._result(result) for name, result in exchange.results.items()},
            id=0,
        )

    def _form(self, form: Form) -> Form:
        return Form([(self._parameter_name(name), self._parameter(name, value)) for name, value in form.pairs])

    def _parameter_name(self, name: str) -> str:
        """Return a parameter name unchanged, unless the body was not a form and the name is its text."""
        return name if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) else self._text(name)

    def _parameter(self, name: str, value: str) -> str:
        if name in _ADDRESSES:
            return self._address(value)
        if name in _NAMES:
            return self._name(value.strip()) if value.strip() else value
        if name in _PLACES and value:
            return "0.0"
        if name == TOKEN_PARAMETER:
            return "scrubbed"
        return self._redacted(value) if name in _TEXTS else self._text(value)

    def _result(self, result: str) -> str:
        """Return the result of a handler; the message of an exception may quote anything."""
        return result.partition(":")[0] if self._redact_bodies else self._text(result)

    def _answer(self, answer: WebhookResponse) -> WebhookResponse:
        parser = etree.XMLParser(no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
        try:
            root = etree.fromstring(answer.body, parser) if "xml" in answer.content_type else None
        except etree.XMLSyntaxError:
            root = None
        if root is None:
            body = self._redacted(answer.body.decode("utf-8", "replace")).encode()
            return replace(answer, body=body, headers=())
        for element in root.iter("*"):
            change = self._text if element.tag in _MARKUP_OF_URLS else self._redacted
            element.text = change(element.text) if element.text else None
            element.tail = self._redacted(element.tail) if element.tail else None
            for name, value in element.attrib.items():
                element.set(name, self._text(str(value)))
        body = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
        return replace(answer, body=DECLARATION + body, headers=())

    def _url(self, exchange: Exchange, form: Form) -> str:
        parts = urlsplit(exchange.url)
        query = Form.read(parts.query, max_fields=len(parts.query) + 1, strict=False)
        encoded = (form if exchange.method == "GET" else self._form(query)).encode()
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], self._text(parts.path), encoded, ""))

    def _redacted(self, text: str) -> str:
        return re.sub(r"\w", "x", text) if self._redact_bodies else self._text(text)

    def _text(self, text: str) -> str:
        """Replace known names, numbers and SIDs in a single pass, so that no replacement is replaced again."""
        return self._pattern.sub(self._replacement, text)

    def _replacement(self, found: re.Match[str]) -> str:
        kind, text = found.lastgroup, found[0]
        if kind == "word":
            return self._words[text]
        if kind == "sid":
            return text[:2] + self._hex(text)
        if kind == "plus":
            digits = text[1:] if text.startswith("+") else text[3:]
            own = digits in self._own
            return text if own else text[: -len(digits)] + _digits(self._fictitious(digits))
        if kind == "digits":
            return self._known_numbers(text)
        return "scrubbed" if kind == "token" else ""

    def _known_numbers(self, run: str) -> str:
        """Replace the contacts in a run of digits, however it is grouped; keep other numbers."""
        places = [index for index, character in enumerate(run) if character.isdigit()]
        digits = "".join(run[place] for place in places)
        made, start, kept_from = "", 0, 0
        while start < len(places):
            length = next((each for each in self._lengths if self._is_contact(digits, start, each)), 0)
            if length:
                made += run[kept_from : places[start]] + self._numbers[digits[start : start + length]]
                kept_from = places[start + length - 1] + 1
            start += length or 1
        return made + run[kept_from:]

    def _is_contact(self, digits: str, start: int, length: int) -> bool:
        if length > len(digits) - start or digits[start : start + length] not in self._numbers:
            return False
        return length >= _SEARCHABLE_LENGTH or length == len(digits)

    def _address(self, address: str) -> str:
        prefix, bare = _split_address(address)
        if not bare or _digits(bare) in self._own:
            return address
        return prefix + (self._fictitious(bare) if _is_number(bare) else self._opaque(bare))

    def _fictitious(self, number: str) -> str:
        """Return a number that nobody has, in area code 555; the same with and without the plus."""
        made = f"1555{int(self._hex(_digits(number)), 16) % 10**7:07}"
        return ("+" if number.startswith("+") else "") + made

    def _name(self, name: str) -> str:
        return f"Name{int(self._hex(name), 16) % 10**6:06}"

    def _opaque(self, address: str) -> str:
        return f"contact-{self._hex(address)[:8]}"

    def _hex(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:32]


def _own_address(exchange: Exchange) -> str:
    return _split_address(exchange.form.get("From" if exchange.kind == "status" else "To", ""))[1]


def _split_address(address: str) -> tuple[str, str]:
    """Split an address into its channel, with the colon, and the rest."""
    channel, colon, bare = address.partition(":")
    return (channel + colon, bare) if colon else ("", address)


def _digits(bare: str) -> str:
    """Return an address without its plus."""
    return bare.removeprefix("+")


def _is_number(bare: str) -> bool:
    return re.fullmatch(r"\+?\d{5,15}", bare, re.ASCII) is not None


def _is_searchable(name: str) -> bool:
    """Return whether a name can be searched for; a single character or digits would be found anywhere."""
    return len(name) > 1 and any(character.isalpha() for character in name)


def _variants(text: str) -> set[str]:
    """Return a string as it may be written in text, in a URL and in JSON."""
    raw = text.encode("utf-8", "surrogateescape")
    readable = raw.decode("utf-8", "replace")
    return {text, readable, quote(raw), quote(raw, safe=""), quote_plus(raw), json.dumps(readable)[1:-1]}


def _as_word(word: str) -> str:
    """Return a pattern for a whole word, which may follow a percent escape."""
    return rf"(?:(?<!\w)|(?<=%[0-9A-Fa-f]{{2}})){re.escape(word)}(?!\w)"
