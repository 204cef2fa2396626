"""A conversation as a recording: the exchanges with the program, as ``twiml-app replay`` reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...exchanges import Exchange, write_line
from ...webhook import Endpoint, Form, WebhookResponse
from ..webhook_log import LoggedWebhook, WebhookLog
from .conversations import Conversations, Pair

#: Of how many messages the exchanges are recorded: the latest ones.
MAX_MESSAGES = 1000
#: Answers to requests that prove nothing about the program's code.
_REFUSED = (401, 403)
#: The signed token of a status URL, or of a link to a file, in a document.
_TOKEN = re.compile(r"(?<=token=)[^&\"'<>\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The exchanges of a conversation, oldest first."""

    exchanges: tuple[Exchange, ...]
    #: How many messages lack exchanges, because the program did not run: its absence was answered, not its code.
    left_out: int


class Recorder:
    """Makes recordings of conversations from the log of webhooks."""

    def __init__(self, webhook_log: WebhookLog, conversations: Conversations) -> None:
        self._webhook_log = webhook_log
        self._conversations = conversations

    def recorded(self, pair: Pair) -> Recorded:
        """Return the exchanges of a conversation; of repeated requests the last one that the program answered."""
        placed = self._conversations.messages(pair, limit=MAX_MESSAGES)
        is_inbound = {each.message.sid: each.message.is_inbound for each in placed}
        found: dict[tuple[str, ...], Exchange] = {}
        refused: set[str] = set()
        for logged in self._webhook_log.all():
            sid = logged.message_sid
            if sid not in is_inbound or not _counts(logged):
                continue
            exchange = _exchange(logged, is_inbound=is_inbound[sid])
            if "X-Twiml-Program" not in logged.response_headers:
                found[_key(logged)] = exchange
                refused -= {sid} if exchange.endpoint == "message" else set()
            elif not _is_answered(logged, exchange, found):
                refused.add(sid)
        kept = (each for each in found.values() if each.kind == "status" or each.sid not in refused)
        return Recorded(exchanges=tuple(kept), left_out=len(refused))

    def lines(self, exchanges: Sequence[Exchange]) -> str:
        """Return exchanges as JSON lines."""
        return "".join(f"{write_line(exchange)}\n" for exchange in exchanges)


def _counts(logged: LoggedWebhook) -> bool:
    is_redirect = 300 <= logged.status < 400 and "Location" in logged.response_headers
    return logged.status >= 200 and logged.status not in _REFUSED and not is_redirect


def _is_answered(logged: LoggedWebhook, exchange: Exchange, found: Mapping[tuple[str, ...], Exchange]) -> bool:
    """Return whether the program answered this before, or the text of which this is the fallback."""
    if exchange.endpoint == "fallback":
        return any(sid == logged.message_sid for sid, *_ in found)
    return _key(logged) in found


def _key(logged: LoggedWebhook) -> tuple[str, ...]:
    """Return what tells the exchanges of a message apart."""
    return logged.message_sid, logged.url, logged.parameters.get("MessageStatus", "")


def _exchange(logged: LoggedWebhook, *, is_inbound: bool) -> Exchange:
    body = _TOKEN.sub("***", logged.body)
    content_type = logged.response_headers.get("Content-Type", "")
    return Exchange(
        received_at=logged.date,
        kind="message" if is_inbound else "status",
        endpoint=_endpoint(logged.parameters, is_inbound=is_inbound),
        method=logged.method,
        url=logged.url,
        form=Form(logged.parameters.items()),
        answer=WebhookResponse(status=logged.status, content_type=content_type, body=body.encode()),
        handler=logged.response_headers.get("X-Twiml-Handler", ""),
        milliseconds=logged.milliseconds,
    )


def _endpoint(parameters: Mapping[str, str], *, is_inbound: bool) -> Endpoint:
    if not is_inbound:
        return "status"
    return "fallback" if "ErrorUrl" in parameters else "message"
