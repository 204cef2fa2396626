"""A conversation as the source of a test, for the pytest plugin of this package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ...errors import TwimlError
from ...exchanges import Exchange
from ...twiml import MessagingResponse
from ...verbs import Message, Redirect, Sms, Verb
from .conversations import Pair

_HEAD = '"""A conversation from the phone page."""\n\nfrom __future__ import annotations\n\n'
_PHONE = "from twiml_app.testing import Phone\n"
_ERROR = "from twiml_app.errors import TwimlAppError\n"


def source_of_test(pair: Pair, exchanges: Sequence[Exchange]) -> str:
    """Return a test that texts the program as in a conversation, and expects the same answers."""
    texts: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        if exchange.endpoint == "message" and exchange.kind == "message":
            texts.setdefault(exchange.sid, []).append(exchange)
    body = [line for each in texts.values() for line in _lines(each)]
    fails = any("pytest.raises" in line for line in body)
    imports = f"import pytest\n\n{_ERROR}{_PHONE}" if fails else _PHONE
    address = f"    phone.contact, phone.number = {_literal(pair.contact)}, {_literal(pair.number)}"
    lines = ["def test_conversation(phone: Phone) -> None:", '    """The answers are those of the phone page."""']
    return f"{_HEAD}{imports}\n\n" + "\n".join([*lines, address, "", *body]) + "\n"


def _lines(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """Yield the lines that send one text and check what is answered to it."""
    call = _call(exchanges[0])
    try:
        verbs = [verb for exchange in exchanges for verb in _verbs(exchange)]
    except TwimlError:
        verbs = None
    if verbs is None or any(exchange.answer.status >= 400 for exchange in exchanges):
        yield "    with pytest.raises(TwimlAppError):"
        yield f"        {call}"
        return
    messages = [verb for verb in verbs if isinstance(verb, Message | Sms)]
    texts = f"[{', '.join(_literal(message.text) for message in messages)}]"
    media = sum(len(message.media) for message in messages if isinstance(message, Message))
    if not media:
        yield f"    assert {call}.texts == {texts}"
        return
    yield f"    reply = {call}"
    yield f"    assert (reply.texts, len(reply.media)) == ({texts}, {media})"


def _verbs(exchange: Exchange) -> list[Verb]:
    """Return what an answer sends, up to its Redirect.

    Raises: TwimlError.
    """
    verbs = [*MessagingResponse.parse(exchange.answer.body).verbs] if exchange.answer.body else []
    end = next((n for n, verb in enumerate(verbs) if isinstance(verb, Redirect)), len(verbs))
    return verbs[:end]


def _call(exchange: Exchange) -> str:
    """Return the call that sends a text, with its pictures if it has any."""
    form = exchange.form
    body = _literal(form.get("Body", ""))
    count = int(form.get("NumMedia", "0") or 0)
    if not count:
        return f"phone.text({body})"
    kind = _literal(form.get("MediaContentType0", ""))
    more = [f"{name}{n}" for n in range(1, count) for name in ("MediaUrl", "MediaContentType")]
    named = [f"{name}={_literal(form.get(name, ''))}" for name in (["NumMedia", *more] if more else [])]
    options = "".join(f", {each}" for each in named)
    return f"phone.image({_literal(form.get('MediaUrl0', ''))}, {body}, content_type={kind}{options})"


def _literal(text: str) -> str:
    """Return a string as it is written in Python, with escapes for what cannot be seen."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else _escape(each) for each in written)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
