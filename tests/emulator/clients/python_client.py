"""Use ``twilio.rest.Client``, which exists since version 6, and print the results.

Usage: python -m tests.emulator.clients.python_client SCENARIO URL SID TOKEN WEBSITE
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import twilio
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

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

SCENARIO, URL, SID, TOKEN, WEBSITE = sys.argv[1:6]


def connect(*credentials: str) -> Any:
    """Return a client pointed at the server, which takes one line."""
    client = Client(*credentials)
    client.api.base_url = URL
    return client


client = connect(SID, TOKEN)


def text(body: str = "Hello", **others: Any) -> Any:
    """Send a message in the usual way."""
    return client.messages.create(**{"to": PHONE, "from_": NUMBER, "body": body} | others)


def refused(action: Callable[[], Any]) -> Any:
    """Return the error that an action raises."""
    try:
        return action()
    except TwilioRestException as error:
        return {"status": error.status, "code": error.code, "message": error.msg}


def sending() -> Any:
    """Send two messages, and fetch both."""
    created, wild = text(), text(WILD_TEXT)
    request("settle")
    return {
        "created": describe(created, MESSAGE),
        "delivered": describe(client.messages(created.sid).fetch(), MESSAGE),
        "wild": [wild.body, client.messages(wild.sid).fetch().body, wild.num_segments],
    }


def removing() -> Any:
    """Send two messages, redact one and delete it."""
    sent, _ = text("first"), text("second")
    request("settle")
    redacted = sent.update(body="")
    return {
        "redacted": [redacted.body, redacted.status, client.messages(sent.sid).fetch().body],
        "deleted": client.messages(sent.sid).delete(),
        "gone": refused(client.messages(sent.sid).fetch),
        "left": bodies(client.messages.list()),
    }


def following() -> Any:
    """Send a message with a status callback."""
    sid = text(status_callback=WEBSITE.replace("://", "://anna:s%C3%A4cret@") + "/status?order=5&name=a+b").sid
    request("settle")
    return sid


def scheduling() -> Any:
    """Schedule two messages through a messaging service, and cancel one."""
    service, later = messaging_service(), text().date_created + timedelta(hours=1)
    planned = {"to": PHONE, "messaging_service_sid": service, "send_at": later, "schedule_type": "fixed"}
    kept, dropped = (client.messages.create(body=body, **planned) for body in ("kept", "dropped"))
    canceled = client.messages(dropped.sid).update(status="canceled")
    request("advance 7200")
    request("settle")
    return {
        "planned": [kept.status, kept.date_sent, kept.messaging_service_sid == service],
        "canceled": canceled.status,
        "after": [client.messages(message.sid).fetch().status for message in (kept, dropped)],
        "from": client.messages(kept.sid).fetch().from_,
    }


def messaging_service() -> str:
    """Create a messaging service with a number."""
    client.messaging.base_url = URL
    number = client.incoming_phone_numbers.create(phone_number=OTHER_NUMBER)
    service = client.messaging.v1.services.create(friendly_name="Reminders")
    client.messaging.v1.services(service.sid).phone_numbers.create(phone_number_sid=number.sid)
    return str(service.sid)


def listing() -> Any:
    """List messages in pages, with a limit, and with each filter."""
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
        "pages": bodies(found(page_size=2)),
        "limit": bodies(found(limit=3, page_size=2)),
        "streamed": bodies(client.messages.stream(limit=4)),
        "to": bodies(found(to=OTHER_PHONE, page_size=1)),
        "from": bodies(found(from_=OTHER_NUMBER)),
        "before": bodies(found(date_sent_before=between, page_size=2)),
        "after": bodies(found(date_sent_after=between)),
        "on": bodies(found(date_sent=first.date_sent.date(), page_size=2)),
        "same_day": bodies(message for message in found() if message.date_sent.date() == first.date_sent.date()),
    }


def bodies(messages: Any) -> list[str]:
    """Return the texts of messages, in order."""
    return [message.body for message in messages]


def media() -> Any:
    """Send two pictures, list and fetch them, read the bytes, and delete one."""
    sent = text("Look", media_url=[WEBSITE + "/cat.png", ELSEWHERE])
    request("settle")
    pictures = client.messages(sent.sid).media
    listed = pictures.list()
    one = next(item for item in listed if item.content_type == "image/png")
    return {
        "sid": sent.sid,
        "num_media": [sent.num_media, client.messages(sent.sid).fetch().num_media],
        "listed": [describe(item, MEDIA) for item in listed],
        "fetched": describe(pictures(one.sid).fetch(), MEDIA),
        "downloaded": download(URL + one.uri.removesuffix(".json"), SID, TOKEN),
        "deleted": pictures(one.sid).delete(),
        "left": [item.content_type for item in pictures.list()],
        "gone": refused(pictures(one.sid).fetch),
    }


def accounts() -> Any:
    """Create a subaccount, use it, suspend it, activate it again, and close it."""
    created = client.api.accounts.create(friendly_name="Sub Ä")
    child = client.api.accounts(created.sid)
    seen = {
        "own": describe(client.api.account.fetch(), ACCOUNT),
        "created": describe(created, ACCOUNT),
        "fetched": child.fetch().friendly_name,
        "renamed": child.update(friendly_name="Sub 2").friendly_name,
        "listed": names(client.api.accounts.list(page_size=1)),
        "by_name": names(client.api.accounts.list(friendly_name="Sub 2")),
    }
    seen["acted"] = acting_for(created.sid, created.auth_token)
    seen["suspended"] = child.update(status="suspended").status
    seen["while_suspended"] = refused(lambda: send_for(connect(SID, TOKEN, created.sid)))
    seen["active"] = child.update(status="active").status
    seen["after"] = send_for(connect(SID, TOKEN, created.sid)).account_sid
    seen["closed"] = child.update(status="closed").status
    seen["once_closed"] = refused(lambda: send_for(connect(SID, TOKEN, created.sid)))
    seen["reopened"] = refused(lambda: child.update(status="active").status)
    seen["by_status"] = [names(client.api.accounts.list(status=status)) for status in ("active", "closed")]
    return seen


def acting_for(sid: str, token: str) -> Any:
    """Send for a subaccount with the credentials of its parent, and list the messages of both accounts."""
    sent = send_for(connect(SID, TOKEN, sid))
    return {
        "account_sid": sent.account_sid,
        "seen_by_itself": bodies(connect(sid, token).messages.list()),
        "seen_by_parent": bodies(client.messages.list()),
    }


def send_for(other: Any) -> Any:
    """Send a message with another client."""
    return other.messages.create(to=PHONE, from_=NUMBER, body="Hello")


def names(found: Any) -> list[str]:
    """Return the names of all accounts but the client's own."""
    return [account.friendly_name for account in found if account.sid != SID]


def refusals() -> Any:
    """Cause every kind of error."""
    return {
        "wrong token": refused(connect(SID, "wrong").messages(NOBODY).fetch),
        "wrong account": refused(connect("AC" + "0" * 32, TOKEN).messages(NOBODY).fetch),
        "unknown message": refused(client.messages(NOBODY).fetch),
        "no To": refused(lambda: text(to="")),
        "invalid To": refused(lambda: text(to="+15005550001")),
        "unreachable To": refused(lambda: text(to="+15005550002")),
        "no Body": refused(lambda: text("")),
        "invalid From": refused(lambda: text(from_="+15005550001")),
        "full From": refused(lambda: text(from_="+15005550008")),
        "unfinished": refused(lambda: text().delete()),
        "listed": bodies(client.messages.list()),
    }


def numbers() -> Any:
    """Buy numbers, put them in a messaging service, and read what a program that sets itself up asks for."""
    client.messaging.base_url = client.monitor.base_url = URL
    found = client.available_phone_numbers("US").local.list(area_code=415, limit=2)
    bought = [client.incoming_phone_numbers.create(phone_number=each.phone_number) for each in found]
    bought.append(client.incoming_phone_numbers.create(area_code="416", friendly_name="Toronto"))
    services = client.messaging.v1.services
    made = [services.create(friendly_name=name) for name in ("one", "two", "three")]
    pool = services(made[0].sid).phone_numbers
    for number in bought:
        pool.create(phone_number_sid=number.sid)
    return {
        "found": [each.phone_number for each in found],
        "unavailable": refused(lambda: client.incoming_phone_numbers.create(phone_number="+15005550000")),
        "invalid": refused(lambda: client.incoming_phone_numbers.create(phone_number="+15005550001")),
        "empty": refused(lambda: client.incoming_phone_numbers.create(area_code="533")),
        "listed": [each.friendly_name for each in client.incoming_phone_numbers.list(page_size=1)],
        "pool": [each.phone_number for each in pool.list(page_size=1)],
        "services": [each.friendly_name for each in services.list(page_size=1)],
        "taken": refused(lambda: services(made[1].sid).phone_numbers.create(phone_number_sid=bought[0].sid)),
        "calls": len(client.calls.list()),
        "alerts": len(client.monitor.v1.alerts.list()),
        "usage": [each.count for each in client.usage.records.list(category="sms-outbound")],
        "released": bought[0].delete(),
        "left": [each.phone_number for each in pool.list()],
    }


SCENARIOS = (sending, removing, following, scheduling, listing, media, accounts, refusals, numbers)

if __name__ == "__main__":
    finish(twilio.__version__, {scenario.__name__: scenario for scenario in SCENARIOS}[SCENARIO]())
