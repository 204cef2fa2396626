"""The official library in a program under development: it reaches the emulator, and nothing reaches Twilio."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.dev.projects import PHONE, developed, wait_for, write_handlers
from twiml_app.dev import Dev

#: Each answer is what a program could do in a handler, without a line for the emulator.
USES = {
    "client": "client().messages.create(to=message.from_, from_=message.to, body='sent').sid",
    "edge": "client(edge='dublin', region='ie1').messages.list(limit=1)[0].body",
    "stranger": "attempt(lambda: client('AC' + 32 * '1', 'real').messages.list())",
    "lookup": "attempt(lambda: __import__('urllib.request').request.urlopen('https://api.twilio.com/'))",
    "asynchronous": "asynchronous()",
    "environment": "json.dumps([os.environ['TWILIO_ACCOUNT_SID'], os.environ.get('OWN')])",
    "first": "first(message)",
}
FUNCTIONS = """
import asyncio, json
from twiml_app import send


def client(*account, **options):
    from twilio.rest import Client

    return Client(*account, **options)


def attempt(function):
    try:
        return str(function())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def asynchronous():
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    async def first():
        async with AsyncTwilioHttpClient() as connections:
            found = await Client(http_client=connections).messages.list_async(limit=1)
            return found[0].body

    return asyncio.run(first())


def first(message):
    send(message.contact, "sent first")
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A session whose environment and ``.env`` have a real account."""
    root = tmp_path_factory.mktemp("project")
    (root / ".env").write_text("TWILIO_AUTH_TOKEN=real\nOWN=value\nTWIML_FROM=+15558675399\n")
    cases = ", ".join(f"{name!r}: lambda: {use}" for name, use in USES.items())
    write_handlers(root, f"{{{cases}}}[message.body]()")
    file = root / "handlers.py"
    file.write_text(FUNCTIONS + file.read_text())
    with developed(root, {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32}) as session:
        yield session


def said(running: Dev, text: str) -> str:
    """Text the number, and return the answer."""
    reply = running.emulator.phone(PHONE).text(text)
    assert reply.problems == []
    return reply.text


def test_official_client_reaches_the_emulator_without_a_change(running: Dev) -> None:
    """The code that is developed is the code that is deployed."""
    sid = said(running, "client")

    assert [(each.body, each.to) for each in running.emulator.outbox if each.sid == sid] == [("sent", PHONE)]
    assert said(running, "edge") != ""
    assert said(running, "asynchronous") != ""


def test_message_that_the_program_sends_first_reaches_the_emulator(running: Dev) -> None:
    """``send`` needs an account, a sender and an API, and gets those of the session."""
    running.emulator.phone(PHONE).text("first")

    assert wait_for(lambda: [each.from_ for each in running.emulator.outbox if each.body == "sent first"]) == [
        "+15558675399"
    ]


def test_program_has_no_real_account(running: Dev) -> None:
    """What an environment or `.env` says about a real one is left out, and said."""
    account, own = json.loads(said(running, "environment"))
    announcement = (running.root / "instance" / "dev.env").read_text()

    assert (account, own) == (running.account.account_sid, "value")
    assert announcement.endswith(f"TWIML_API_URL={running.emulator.url}\n")
    assert [notice.partition(" of ")[0] for notice in running.notices] == ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]


def test_real_account_is_refused_and_twilio_is_not_found(running: Dev) -> None:
    """A program with a token in its source must not reach real people either."""
    assert "HTTP 401" in said(running, "stranger")
    assert "twiml-app dev does not let the program reach api.twilio.com" in said(running, "lookup")
