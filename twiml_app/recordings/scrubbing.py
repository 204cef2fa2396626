"""Makes recordings safe to share: replaces phone numbers, SIDs and names with the same fictitious ones every time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lxml import etree

from ..alerts import Alert
from ..events import REPLY_PARAMETER, parse_event
from ..exchanges import Exchange
from ..reactions import split_reaction
from ..twiml import DECLARATION
from ..webhook import Form, WebhookResponse
from .fakes import Fakes
from .parameters import ADDRESSES, COORDINATES, PAYLOAD, PAYLOAD_CODES, PERSONS, PLACES, TEXTS, is_code, is_known
from .payloads import strings_in, with_strings
from .phone_numbers import DEFAULT_REGION, NumberFinder, number_finder
from .texts import TextScrubber
from .url_secrets import SCRUBBED, is_secret, with_parameters, without_credentials

_KEPT_HEADERS = ("content-type", "user-agent", "i-twilio-idempotency-token")
_MARKUP_OF_URLS = ("Media", "Redirect")
_METHODS = ("GET", "POST")
#: The names of an effect's values that are part of the program.
_CODE = ("kind", "function")


class Scrubber:
    """Replaces everything that identifies a person, in requests and answers alike, so that a replay still agrees.

    ``key`` makes the replacements stable and impossible to guess back. Our own numbers stay, as conditions name them,
    unless ``scrub_own_numbers``; texts stay, as handlers read them, unless ``redact_bodies``. ``finder`` finds the
    numbers of people who are not contacts.
    """

    def __init__(
        self,
        key: str,
        *,
        scrub_own_numbers: bool = False,
        redact_bodies: bool = False,
        finder: NumberFinder | None = None,
    ) -> None:
        self._fakes = Fakes(key)
        self._scrub_own_numbers = scrub_own_numbers
        self._redact_bodies = redact_bodies
        self._finder = finder or number_finder()
        self._texts = TextScrubber(self._fakes, self._finder)
        self._own: set[str] = set()
        #: The countries of the exchange that is being scrubbed.
        self._regions: tuple[str, ...] = ()

    def learn(self, exchanges: Iterable[Exchange]) -> None:
        """Note who is named in exchanges, so that they are replaced in all exchanges that are scrubbed afterwards."""
        kept = list(exchanges)
        self._own |= set() if self._scrub_own_numbers else {_digits(_own_address(each)) for each in kept} - {""}
        for number in filter(_is_number, sorted(self._own)):
            self._texts.numbers.add(number, own=True)
        for learn in (self._learn_people, self._learn_values):
            for name, value in dict.fromkeys(pair for exchange in kept for pair in _parameters(exchange)):
                learn(name, value)
        for exchange in kept:
            self._texts.add_secrets_of(exchange.url)
        self._texts.forget_texts()

    def scrub(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Return the exchanges in a form that is safe to share."""
        kept = list(exchanges)
        self.learn(kept)
        return [self._exchange(exchange) for exchange in kept]

    def _learn_people(self, name: str, value: str) -> None:
        if name in ADDRESSES:
            self._learn_address(_split_address(value)[1])
        elif name in PERSONS:
            self._texts.names.add_person(value)
        elif name in PLACES:
            self._texts.names.add_place(value)

    def _learn_address(self, bare: str) -> None:
        if not bare or _digits(bare) in self._own:
            return
        if _is_number(bare):
            self._texts.numbers.add(_digits(bare))
        else:
            self._texts.add_address(bare)

    def _learn_values(self, name: str, value: str) -> None:
        if is_secret(name):
            self._texts.add_secret(value)
        elif _is_name(name) and not is_known(name) and not _is_number(_split_address(value)[1]):
            self._texts.add_value(value)
        else:
            self._texts.add_secrets_of(value)

    def _exchange(self, exchange: Exchange) -> Exchange:
        self._regions = self._regions_of(exchange.form)
        form = self._form(exchange.form)
        return replace(
            exchange,
            form=form,
            url=self._url(exchange, form),
            headers={name: self._text(value) for name, value in exchange.headers.items() if name in _KEPT_HEADERS},
            answer=self._answer(exchange.answer),
            results={name: self._result(result) for name, result in exchange.results.items()},
            effects=None if exchange.effects is None else tuple(map(self._effect, exchange.effects)),
            id=0,
        )

    def _regions_of(self, form: Form) -> tuple[str, ...]:
        """Return the countries in which a number without country code may be, the sender's first."""
        numbers = (_split_address(value)[1] for name, value in form.items() if name in ADDRESSES)
        found = (self._finder.region(number) for number in numbers if number.startswith("+"))
        return tuple(dict.fromkeys([*sorted(filter(None, found)), DEFAULT_REGION]))

    def _form(self, form: Form) -> Form:
        return Form([(self._parameter_name(name), self._parameter(name, value)) for name, value in form.pairs])

    def _parameter_name(self, name: str) -> str:
        """Return a parameter name unchanged, unless the body was not a form and the name is its text."""
        return name if _is_name(name) else self._redacted(name)

    def _parameter(self, name: str, value: str) -> str:
        if not value.strip():
            return value
        if name in ADDRESSES:
            return self._address(value)
        if name in PERSONS | PLACES:
            return self._texts.name(value)
        if name in COORDINATES:
            return "0.0"
        if is_secret(name):
            return SCRUBBED
        if name == PAYLOAD:
            return with_strings(value, self._in_payload) or self._redacted(value)
        if name in TEXTS:
            return self._body(value) if name == "Body" else self._redacted(value)
        if is_known(name):
            return value if is_code(name, value) else self._url_text(value)
        return self._unknown(value)

    def _in_payload(self, key: str, value: str) -> str:
        """Return a string in the JSON of an alert; it may be a parameter of the request that failed."""
        if key in PAYLOAD_CODES and _is_word(value):
            return value
        return self._parameter(key, value) if is_known(key) else self._redacted(value)

    def _unknown(self, value: str) -> str:
        """Return the value of a parameter that Twilio does not document: anything may be in it."""
        return self._address(value) if _is_number(_split_address(value)[1]) else self._texts.value(value)

    def _query_parameter(self, name: str, value: str) -> str:
        """Return a value of our own URL's query, which handlers may read; unknown ones stay unless all is redacted."""
        is_own = not is_known(name) and not is_secret(name) and not self._redact_bodies
        return self._text(value) if is_own else self._parameter(name, value)

    def _result(self, result: str) -> str:
        """Return the result of a handler; the message of an exception may quote anything."""
        return result.partition(":")[0] if self._redact_bodies else self._text(result)

    def _effect(self, effect: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a handler asked for; the names of functions stay."""
        return {name: value if name in _CODE else self._json(value) for name, value in effect.items()}

    def _json(self, value: Any) -> Any:
        """Return a JSON value with all of its strings scrubbed; a key may be anything too."""
        if isinstance(value, str):
            is_address = _is_number(_split_address(value)[1])
            return self._address(value) if is_address else self._redacted(value)
        if isinstance(value, dict):
            return {self._text(name): self._json(each) for name, each in value.items()}
        return [self._json(each) for each in value] if isinstance(value, list) else value

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
            change = self._url_text if element.tag in _MARKUP_OF_URLS else self._redacted
            element.text = change(element.text) if element.text else None
            element.tail = self._redacted(element.tail) if element.tail else None
            for name, value in element.attrib.items():
                element.set(name, self._attribute(str(name), str(value)))
        body = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
        return replace(answer, body=DECLARATION + body, headers=())

    def _attribute(self, name: str, value: str) -> str:
        return value if name == "method" and value.upper() in _METHODS else self._url_text(value)

    def _url(self, exchange: Exchange, form: Form) -> str:
        parts = urlsplit(without_credentials(exchange.url))
        query = Form.read(parts.query, max_fields=len(parts.query) + 1, strict=False)
        pairs = [(self._parameter_name(name), self._query_parameter(name, value)) for name, value in query.pairs]
        encoded = (form if exchange.method == "GET" else Form(pairs)).encode()
        return urlunsplit((parts.scheme, parts.netloc, self._text(parts.path), encoded, ""))

    def _url_text(self, text: str) -> str:
        """Return a text that is a URL; if texts are redacted, so are the parameters in it."""
        if not self._redact_bodies:
            return self._text(text)
        return with_parameters(self._text(text), self._redacted_parameter)

    def _redacted_parameter(self, name: str, value: str) -> str:
        kept = not value or name == REPLY_PARAMETER or value == SCRUBBED
        return value if kept else self._fakes.value(value)

    def _redacted(self, text: str) -> str:
        return re.sub(r"\w", "x", text) if self._redact_bodies else self._text(text)

    def _body(self, text: str) -> str:
        """Return the text of a message; what a phone writes around the quoted text of a reaction stays."""
        before, quoted, after = split_reaction(text) or ("", text, "")
        return before + self._redacted(quoted) + after

    def _text(self, text: str) -> str:
        return self._texts.text(text, self._regions)

    def _address(self, address: str) -> str:
        prefix, bare = _split_address(address)
        if not bare or _digits(bare) in self._own:
            return address
        if not _is_number(bare):
            return prefix + self._fakes.contact(bare)
        return prefix + ("+" if bare.startswith("+") else "") + self._fakes.number(_digits(bare))


def _parameters(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a webhook, and those of the request that an alert is about."""
    yield from exchange.form.pairs
    if exchange.kind == "alert":
        yield from (pair for pair in strings_in(exchange.form.get(PAYLOAD, "")) if is_known(pair[0]))


def _own_address(exchange: Exchange) -> str:
    if exchange.kind == "alert" and isinstance(alert := parse_event(exchange.form), Alert):
        return _split_address(alert.number)[1]
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


def _is_word(value: str) -> bool:
    """Return whether a string is a code or a word, such as ``11200`` or ``application/json``."""
    return re.fullmatch(r"[A-Za-z0-9/-]{0,30}", value) is not None


def _is_name(name: str) -> bool:
    """Return whether a string can be the name of a parameter."""
    return re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) is not None
