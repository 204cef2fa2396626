"""Use ``twilio.rest.Client`` with its asynchronous HTTP client, and print the results.

Usage: python -m tests.emulator.clients.async_client SCENARIO URL SID TOKEN WEBSITE
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import twilio
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.emulator.clients.talk import (
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


async def text(client: Any, body: str = "Hello", **others: Any) -> Any:
    """Send a message in the usual way."""
    return await client.messages.create_async(**{"to": PHONE, "from_": NUMBER, "body": body} | others)


async def refused(action: Awaitable[Any]) -> Any:
    """Return the error that an action raises."""
    try:
        return await action
    except TwilioRestException as error:
        return {"status": error.status, "code": error.code, "message": error.msg}


async def sending(client: Any) -> Any:
    """Send two messages concurrently, and fetch both."""
    created, wild = await asyncio.gather(text(client), text(client, WILD_TEXT))
    request("settle")
    return {
        "created": describe(created, MESSAGE),
        "delivered": describe(await client.messages(created.sid).fetch_async(), MESSAGE),
        "wild": [wild.body, (await client.messages(wild.sid).fetch_async()).body, wild.num_segments],
    }


async def removing(client: Any) -> Any:
    """Send two messages, redact one and delete it."""
    sent, _ = await text(client, "first"), await text(client, "second")
    request("settle")
    redacted = await sent.update_async(body="")
    return {
        "redacted": [redacted.body, redacted.status, (await client.messages(sent.sid).fetch_async()).body],
        "deleted": await client.messages(sent.sid).delete_async(),
        "gone": await refused(client.messages(sent.sid).fetch_async()),
        "left": bodies(await client.messages.list_async()),
    }


async def listing(client: Any) -> Any:
    """List messages in pages, with a limit, and with each filter."""
    for body, to, number in zip("12345", [PHONE, OTHER_PHONE] * 3, [NUMBER] * 4 + [OTHER_NUMBER], strict=False):
        await text(client, body, to=to, from_=number)
    request("settle")
    request("advance 259200")
    await text(client, "6")
    request("settle")
    found = client.messages.list_async
    last, *_, first = every = await found()
    between = last.date_sent - timedelta(days=1)
    return {
        "pages": bodies(await found(page_size=2)),
        "limit": bodies(await found(limit=3, page_size=2)),
        "streamed": [message.body async for message in await client.messages.stream_async(limit=4)],
        "to": bodies(await found(to=OTHER_PHONE, page_size=1)),
        "from": bodies(await found(from_=OTHER_NUMBER)),
        "before": bodies(await found(date_sent_before=between, page_size=2)),
        "after": bodies(await found(date_sent_after=between)),
        "on": bodies(await found(date_sent=first.date_sent.date(), page_size=2)),
        "same_day": bodies(message for message in every if message.date_sent.date() == first.date_sent.date()),
    }


def bodies(messages: Any) -> list[str]:
    """Return the texts of messages, in order."""
    return [message.body for message in messages]


async def media(client: Any) -> Any:
    """Send two pictures, list and fetch them, read the bytes, and delete one."""
    sent = await text(client, "Look", media_url=[WEBSITE + "/cat.png", ELSEWHERE])
    request("settle")
    pictures = client.messages(sent.sid).media
    listed = await pictures.list_async()
    one = next(item for item in listed if item.content_type == "image/png")
    return {
        "sid": sent.sid,
        "num_media": [sent.num_media, (await client.messages(sent.sid).fetch_async()).num_media],
        "listed": [describe(item, MEDIA) for item in listed],
        "fetched": describe(await pictures(one.sid).fetch_async(), MEDIA),
        "downloaded": download(URL + one.uri.removesuffix(".json"), SID, TOKEN),
        "deleted": await pictures(one.sid).delete_async(),
        "left": [item.content_type for item in await pictures.list_async()],
        "gone": await refused(pictures(one.sid).fetch_async()),
    }


async def refusals(client: Any) -> Any:
    """Cause the errors that the asynchronous client reports in its own way."""
    return {
        "unknown message": await refused(client.messages(NOBODY).fetch_async()),
        "no To": await refused(text(client, to="")),
        "invalid To": await refused(text(client, to="+15005550001")),
        "unfinished": await refused((await text(client)).delete_async()),
    }


SCENARIOS = (sending, removing, listing, media, refusals)


async def main() -> None:
    """Run one scenario."""
    async with AsyncTwilioHttpClient() as http_client:
        client = Client(SID, TOKEN, http_client=http_client)
        client.api.base_url = URL
        finish(twilio.__version__, await {scenario.__name__: scenario for scenario in SCENARIOS}[SCENARIO](client))


if __name__ == "__main__":
    asyncio.run(main())
