"""Shared code of the scripts that use an official client: they ask the test to move the clock, and print results."""

from __future__ import annotations

import base64
import json
import sys
import urllib.request
from datetime import date, datetime
from typing import Any

MESSAGE = [
    "account_sid",
    "api_version",
    "body",
    "date_created",
    "date_sent",
    "date_updated",
    "direction",
    "error_code",
    "error_message",
    "from_",
    "messaging_service_sid",
    "num_media",
    "num_segments",
    "price",
    "price_unit",
    "sid",
    "status",
    "subresource_uris",
    "to",
    "uri",
]
MEDIA = ["account_sid", "content_type", "date_created", "date_updated", "parent_sid", "sid", "uri"]
ACCOUNT = [
    "auth_token",
    "date_created",
    "date_updated",
    "friendly_name",
    "owner_account_sid",
    "sid",
    "status",
    "subresource_uris",
    "type",
    "uri",
]

PHONE = "+15558675310"
OTHER_PHONE = "+15558675311"
NUMBER = "+15017122661"
OTHER_NUMBER = "+15017122662"
NOBODY = "SM00000000000000000000000000000000"
WILD_TEXT = "Grüße & mehr=1+1; 100 %\nzweite Zeile 😀"
ELSEWHERE = "https://pictures.example/cat.jpg"


def request(request: str) -> None:
    """Send the test a request, such as ``settle`` or ``advance 60``, and wait until it is done."""
    print(request, flush=True)
    answer = sys.stdin.readline().strip()
    if answer != "ok":
        raise SystemExit(f"{request}: {answer or 'no answer'}")


def finish(version: str, seen: Any) -> None:
    """Print the version of the client and its results."""
    print("seen " + json.dumps({"version": version, "seen": plain(seen)}), flush=True)


def plain(value: Any) -> Any:
    """Return a value for JSON; a value of a type that JSON does not have becomes a string with the name of the type."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return f"{type(value).__name__} {value.isoformat() if isinstance(value, date | datetime) else value}"


def describe(thing: Any, names: list[str]) -> dict[str, Any]:
    """Return these attributes of an object of the client."""
    return {name: getattr(thing, name) for name in names}


def download(url: str, user: str, password: str) -> dict[str, str]:
    """Fetch a URL with credentials; returns the content type, and the bytes in base 64."""
    authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": authorization})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return {"type": answer.headers["Content-Type"], "bytes": base64.b64encode(answer.read()).decode()}
