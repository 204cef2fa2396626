"""Use ``twilio.rest.TwilioRestClient``, which existed up to version 5, and print the results.

It imports a function from ``cgi`` that has moved since; restoring it there is enough to run this client.

Usage: python -m tests.emulator.clients.old_client SCENARIO URL SID TOKEN WEBSITE
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import urllib.parse
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.emulator.clients.talk import (
    ACCOUNT,
    ELSEWHERE,
    MEDIA,
    MESSAGE,
    NOBODY,
    NUMBER,
    OTHER_NUMBER,
    OTHER_PHONE,
    PHONE,
    WILD_TEXT,
    describe,
    download,
    finish,
    request,
)

vars(importlib.import_module("cgi"))["parse_qs"] = urllib.parse.parse_qs
twilio: Any = importlib.import_module("twilio")
rest: Any = importlib.import_module("twilio.rest")
httplib2: Any = importlib.import_module("httplib2")

SCENARIO, URL, SID, TOKEN, WEBSITE = sys.argv[1:6]


def connect(sid: str, token: str, acting_for: str = "") -> Any:
    """Return a client pointed at the server."""
    return rest.TwilioRestClient(sid, token, base=URL, request_account=acting_for or None)


client = connect(SID, TOKEN)


def without_uri(names: list[str]) -> list[str]:
    """Return the attributes without ``uri``, which this client does not have."""
    return [name for name in names if name != "uri"]


def text(body: str = "Hello", **others: Any) -> Any:
    """Send a message in the usual way."""
    return client.messages.create(**{"to": PHONE, "from_": NUMBER, "body": body} | others)


def refused(action: Callable[[], Any]) -> Any:
    """Return the error that an action raises."""
    try:
        return action()
    except twilio.TwilioRestException as error:
        return {"status": error.status, "code": error.code, "message": error.msg}


def sending() -> Any:
    """Send two messages, and fetch both."""
    created, wild = text(), text(WILD_TEXT)
    request("settle")
    return {
        "created": describe(created, without_uri(MESSAGE)),
        "delivered": describe(client.messages.get(created.sid), without_uri(MESSAGE)),
        "wild": [wild.body, client.messages.get(wild.sid).body, wild.num_segments],
    }


def removing() -> Any:
    """Send two messages, redact one and delete it."""
    sent, _ = text("first"), text("second")
    request("settle")
    redacted = sent.redact()
    return {
        "redacted": [redacted.body, redacted.status, client.messages.get(sent.sid).body],
        "deleted": sent.delete(),
        "gone": refused(lambda: client.messages.get(sent.sid)),
        "left": bodies(client.messages.list()),
    }


def probing() -> Any:
    """Send a message, and count the requests, and those with the body and with credentials."""
    output = io.StringIO()
    httplib2.debuglevel = 1
    with contextlib.redirect_stdout(output):
        sent = text()
    httplib2.debuglevel = 0
    requests = "".join(line for line in output.getvalue().splitlines() if line.startswith("send: ")).lower()
    return {
        "posts": requests.count("post /"),
        "bodies": requests.count("body=hello"),
        "credentials": requests.count("authorization: basic"),
        "status": sent.status,
        "listed": [message.sid == sent.sid for message in client.messages.list()],
    }


def following() -> Any:
    """Send a message with a status callback."""
    sid = text(status_callback=WEBSITE.replace("://", "://anna:s%C3%A4cret@") + "/status?order=5&name=a+b").sid
    request("settle")
    return sid


def listing() -> Any:
    """List messages in pages and with each filter; the dates of this client are days."""
    for body, to, number in zip("12345", [PHONE, OTHER_PHONE] * 3, [NUMBER] * 4 + [OTHER_NUMBER], strict=False):
        text(body, to=to, from_=number)
    request("settle")
    request("advance 259200")
    text("6")
    request("settle")
    found = client.messages.list
    last, *_, first = found()
    between = last.date_sent - timedelta(days=1)
    return {
        "pages": [body for page in range(3) for body in bodies(found(page_size=2, page=page))],
        "to": bodies(found(to=OTHER_PHONE)),
        "from": bodies(found(from_=OTHER_NUMBER)),
        "before": bodies(found(before=between)),
        "after": bodies(found(after=between)),
        "on": bodies(found(date_sent=first.date_sent)),
        "same_day": bodies(message for message in found() if message.date_sent.date() == first.date_sent.date()),
    }


def bodies(messages: Any) -> list[str]:
    """Return the texts of messages, in order."""
    return [message.body for message in messages]


def media() -> Any:
    """Send two pictures, list and fetch them, read the bytes, and delete one."""
    sent = text("Look", media_url=[WEBSITE + "/cat.png", ELSEWHERE])
    request("settle")
    pictures = client.media(sent.sid)
    listed = sent.media_list.list()
    one = next(item for item in listed if item.content_type == "image/png")
    return {
        "sid": sent.sid,
        "num_media": [sent.num_media, client.messages.get(sent.sid).num_media],
        "listed": [describe(item, without_uri(MEDIA)) for item in listed],
        "fetched": describe(pictures.get(one.sid), without_uri(MEDIA)),
        "downloaded": download(f"{pictures.uri}/{one.sid}", SID, TOKEN),
        "deleted": one.delete(),
        "left": [item.content_type for item in pictures.list()],
        "gone": refused(lambda: pictures.get(one.sid)),
    }


def accounts() -> Any:
    """Create a subaccount, use it, suspend it, activate it again, and close it."""
    created = client.accounts.create(friendly_name="Sub Ä")
    sid = created.sid
    seen = {
        "own": describe(client.accounts.get(SID), without_uri(ACCOUNT)),
        "created": describe(created, without_uri(ACCOUNT)),
        "fetched": client.accounts.get(sid).friendly_name,
        "renamed": client.accounts.update(sid, friendly_name="Sub 2").friendly_name,
        "listed": names(client.accounts.list()),
        "by_name": names(client.accounts.list(friendly_name="Sub 2")),
    }
    seen["acted"] = {
        "account_sid": send_for(sid).account_sid,
        "seen_by_itself": bodies(connect(sid, created.auth_token).messages.list()),
        "seen_by_parent": bodies(client.messages.list()),
    }
    seen["suspended"] = client.accounts.suspend(sid).status
    seen["while_suspended"] = refused(lambda: send_for(sid))
    seen["active"] = client.accounts.activate(sid).status
    seen["after"] = send_for(sid).account_sid
    seen["closed"] = client.accounts.close(sid).status
    seen["once_closed"] = refused(lambda: send_for(sid))
    seen["reopened"] = refused(lambda: client.accounts.activate(sid).status)
    seen["by_status"] = [names(client.accounts.list(status=status)) for status in ("active", "closed")]
    return seen


def send_for(sid: str) -> Any:
    """Send a message for a subaccount with the credentials of its parent."""
    return connect(SID, TOKEN, sid).messages.create(to=PHONE, from_=NUMBER, body="Hello")


def names(found: Any) -> list[str]:
    """Return the names of all accounts but the client's own."""
    return [account.friendly_name for account in found if account.sid != SID]


def refusals() -> Any:
    """Cause every kind of error."""
    return {
        "wrong token": refused(lambda: connect(SID, "wrong").messages.get(NOBODY)),
        "wrong account": refused(lambda: connect("AC" + "0" * 32, TOKEN).messages.get(NOBODY)),
        "unknown message": refused(lambda: client.messages.get(NOBODY)),
        "no To": refused(lambda: text(to="")),
        "invalid To": refused(lambda: text(to="+15005550001")),
        "unreachable To": refused(lambda: text(to="+15005550002")),
        "no Body": refused(lambda: text("")),
        "invalid From": refused(lambda: text(from_="+15005550001")),
        "full From": refused(lambda: text(from_="+15005550008")),
        "unfinished": refused(lambda: text().delete()),
        "listed": bodies(client.messages.list()),
    }


def legacy() -> Any:
    """Send and list messages through the legacy SMS resource."""
    sent = client.sms.messages.create(to=PHONE, from_=NUMBER, body="Hello")
    request("settle")
    return {
        "sent": [sent.status, sent.body, sent.direction],
        "listed": [[message.sid == sent.sid, message.status] for message in client.sms.messages.list()],
        "too long": refused(lambda: client.sms.messages.create(to=PHONE, from_=NUMBER, body="x" * 161)),
    }


SCENARIOS = (sending, removing, probing, following, listing, media, accounts, refusals, legacy)

if __name__ == "__main__":
    finish(twilio.__version__, {scenario.__name__: scenario for scenario in SCENARIOS}[SCENARIO]())
