"""Sessions of webhooks: cookies and cached answers."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from tests.emulator.contexts import make_context
from tests.emulator.program import CONTACT, MONDAY, NUMBER, Answer, Program, Received, codes, twiml
from twiml_app.caller.session import Session
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import Webhook
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator
from twiml_app.emulator.debugger import Debugger
from twiml_app.emulator.resources import Account, MessageRecord
from twiml_app.emulator.store import ResourceStore
from twiml_app.emulator.webhooks import Webhooks


def counting(request: Received) -> Answer:
    """Count the messages of a conversation in a cookie."""
    n = int(request.headers.get("cookie", "n=0").partition("=")[2]) + 1
    return twiml(f"<Message>{n}</Message>", headers=(("Set-Cookie", f"n={n}; Path=/"),))


def test_cookies_are_kept_per_pair_of_numbers_for_four_hours(twilio: Emulator, program: Program) -> None:
    """A program can use sessions, which end after four hours without a message."""
    program.answers("/message", counting)
    phone, other = twilio.phone(CONTACT), twilio.phone("+15558675311")
    said = [phone.text("a").text, phone.text("b").text, other.text("a").text]
    twilio.advance(4 * 3600 - 1)
    said.append(phone.text("c").text)
    twilio.advance(4 * 3600 - 1)
    said.append(phone.text("d").text)
    twilio.advance(4 * 3600)
    said.append(phone.text("e").text)

    assert said == ["1", "2", "1", "3", "4", "1"]


def test_cached_answer_to_get_is_used_after_304(twilio: Emulator, program: Program) -> None:
    """With an ETag, the program need not send an unchanged document again."""

    def tagged(request: Received) -> Answer:
        if request.headers.get("if-none-match") == '"1"':
            return Answer(status=304, content_type="")
        content = "<Message>kept</Message><Redirect method='GET'>/menu</Redirect>"
        return twiml(content, headers=(("ETag", '"1"'),))

    program.answers("/menu", tagged)
    twilio.add_number(NUMBER, program.url("/menu"), method="GET")
    reply = twilio.phone(CONTACT).text("hello")

    assert [request.status for request in program.received] == [200, *[304] * 9]
    assert reply.texts == ["kept"] * 10
    assert codes(reply.problems) == [14106]


def test_clear_deletes_cookies(program: Program) -> None:
    """After a reset, the cookies of one test must not be sent in the next."""
    program.answers("/message", counting)
    with closing(ResourceStore()) as store:
        context = make_context(store)
        dates: dict[str, Any] = {"account_sid": ACCOUNT_SID, "date_created": MONDAY, "date_updated": MONDAY}
        store.save(Account(sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, **dates))
        message = MessageRecord(
            sid="SM1", to=NUMBER, from_=CONTACT, body="hi", status="received", direction="inbound", **dates
        )
        webhooks = Webhooks(context, Debugger(store, context.clock, context.new_sid), HttpTransport())

        def request() -> str:
            webhook = Webhook(url=program.url("/message"))
            call = webhooks.call(webhook, webhooks.inbound_form(message), message=message, session=Session())
            return call.response.header("set-cookie")

        said = [request(), request()]
        webhooks.clear()
        said.append(request())

    assert said == ["n=1; Path=/", "n=2; Path=/", "n=1; Path=/"]
