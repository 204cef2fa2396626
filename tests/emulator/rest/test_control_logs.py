"""Emulator-only endpoints that show logs: the outbox, the debugger, and the requests in both directions."""

from __future__ import annotations

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from tests.emulator.rest.listening import listening
from tests.servers import refusing_port
from twiml_app.emulator import ACCOUNT_SID, Emulator


def test_outbox_shows_outbound_messages(emulator: Emulator, client: Client) -> None:
    """Oldest first, and without the inbound ones."""
    sent = [client.text(Body=f"{n}")["sid"] for n in range(3)]
    emulator.add_number(NUMBER)
    emulator.phone(PHONE).text("hi")
    shown = client.get("/_emulator/outbox").json["messages"]

    assert [(each["sid"], each["status"], each["body"]) for each in shown] == [
        (sid, "queued", f"{n}") for n, sid in enumerate(sent)
    ]


def test_requests_show_what_clients_did_wrong(client: Client) -> None:
    """Each request has the hints for its client."""
    client.post("Messages.json", {"to": PHONE})

    assert client.get("/_emulator/requests").json == {
        "requests": [
            {
                "date": "2023-11-14T22:13:20Z",
                "method": "POST",
                "path": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json",
                "status": 400,
                "code": 21604,
                "message": "A 'To' phone number is required.",
                "hints": ["to: write To, names are case-sensitive"],
            }
        ]
    }


def test_webhooks_show_the_requests_to_the_app(emulator: Emulator, client: Client) -> None:
    """Each request has its result, but not the credentials of the URL."""
    with listening() as app:
        emulator.add_number(NUMBER, f"{app.url.replace('//', '//sms:secret@')}/message")
        sid = emulator.phone(PHONE).text("hi").inbound.sid
    (shown,) = client.get("/_emulator/webhooks").json["webhooks"]

    assert shown.pop("milliseconds") >= 0
    assert shown.pop("parameters").items() >= {"Body": "hi", "From": PHONE, "MessageSid": sid}.items()
    assert shown == {
        "date": "2023-11-14T22:13:20Z",
        "message_sid": sid,
        "method": "POST",
        "url": f"{app.url}/message",
        "status": 204,
        "problem": "",
        "signed": True,
        "signature": "right",
        "has_credentials": False,
        "user": "",
        "response_headers": {},
        "body": "",
        "number": 1,
    }


def test_debugger_shows_errors(emulator: Emulator, client: Client) -> None:
    """Oldest first, each with its message and URL."""
    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}/message"
        emulator.add_number(NUMBER, url)
        sids = [emulator.phone(PHONE).text(body).inbound.sid for body in ("one", "two")]
    entries = client.get("/_emulator/debugger").json["entries"]

    assert all(each.pop("text") for each in entries)
    assert entries == [
        {
            "date": "2023-11-14T22:13:20Z",
            "code": 11205,
            "level": "error",
            "message_sid": sid,
            "url": url,
        }
        for sid in sids
    ]


def test_webhook_of_the_debugger_is_set_and_removed(emulator: Emulator, client: Client) -> None:
    """A test in another language chooses when its program is called."""
    with listening() as app, refusing_port() as port:
        emulator.add_number(NUMBER, f"http://127.0.0.1:{port}/message")
        statuses = [client.post("/_emulator/debugger", {"Url": f"{app.url}/alert"}).status]
        emulator.phone(PHONE).text("hi")
        emulator.settle()
        statuses.append(client.post("/_emulator/debugger", {"Url": ""}).status)
        emulator.phone(PHONE).text("hi")
        emulator.settle()
        statuses.append(client.post("/_emulator/debugger", {"Url": "alert"}).status)

    urls = [each["url"] for each in client.get("/_emulator/webhooks").json["webhooks"]]
    assert (statuses, urls.count(f"{app.url}/alert")) == ([204, 204, 400], 1)


def test_messages_of_a_phone_are_shown_in_both_directions(emulator: Emulator, client: Client) -> None:
    """A conversation is read in its order, also where the reply has not arrived yet."""
    emulator.add_number(NUMBER)
    emulator.phone(PHONE).text("hi")
    client.text(Body="hello")
    emulator.phone("+15558675319").text("somebody else")

    shown = client.get(f"/_emulator/messages?Contact={PHONE.replace('+', '%2B')}").json["messages"]
    everything = client.get("/_emulator/messages").json["messages"]

    assert [(each["direction"], each["body"]) for each in shown] == [("inbound", "hi"), ("outbound-api", "hello")]
    assert [each["body"] for each in everything] == ["hi", "hello", "somebody else"]
