"""Media files of messages: list, fetch (the fields or the bytes), delete; and the short links to them.

https://www.twilio.com/docs/messaging/api/media-resource
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...webhook import TEXT_TYPE
from ..context import Context
from ..resources import MediaLink, MediaRecord, MessageRecord
from ..store import Condition
from .messages import find_message
from .paging import Names, Pager, date_conditions
from .representations import media_fields
from .request import ApiAnswer, ApiRequest, NoContent, OneResource, RawBody, Rule, not_found

_NAMES = Names(key="media_list", element="MediaList", item="Media")
_BASE = "/2010-04-01/Accounts/<account_sid>/Messages/<message_sid>/Media"


class MediaOfMessages:
    """The media files of messages, sent and received."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": self.list})
        yield Rule(path=f"{_BASE}/<sid>", views={"GET": self.fetch, "DELETE": self.delete})
        yield Rule(path="/<string(length=7):name>", views={"GET": self.follow}, is_open=True)

    def list(self, request: ApiRequest, message_sid: str) -> ApiAnswer:
        """List the media files of a message."""
        message = find_message(self._context, request, message_sid)
        conditions = date_conditions(request.query, "DateCreated", "date_created")
        parent = Condition("parent_sid", "=", message.sid)
        return self._pager.list_page(
            request, MediaRecord, _NAMES, lambda media: media_fields(media, request.suffix), parent, *conditions
        )

    def fetch(self, request: ApiRequest, message_sid: str, sid: str) -> ApiAnswer:
        """Return the fields of a media file; without an extension, its bytes."""
        media = self._find(request, message_sid, sid)
        if not request.extension:
            return RawBody(content=self._context.store.read_bytes(sid) or b"", content_type=media.content_type)
        return OneResource(element="Media", fields=media_fields(media, request.suffix), modified=media.date_updated)

    def delete(self, request: ApiRequest, message_sid: str, sid: str) -> ApiAnswer:
        """Delete a media file, and reduce the media count of its message."""
        with self._context.lock:
            media = self._find(request, message_sid, sid)
            message = find_message(self._context, request, message_sid)
            left, now = max(0, message.num_media - 1), self._context.clock.now()
            self._context.store.delete(MediaRecord, media.sid)
            self._context.store.save(replace(message, num_media=left, date_updated=now))
        return NoContent()

    def follow(self, name: str) -> ApiAnswer:
        """Return the media file that a short link refers to, until the link expires."""
        link = self._context.store.get(MediaLink, name)
        media = self._context.store.get(MediaRecord, link.media_sid) if link else None
        if link is None or media is None:
            raise not_found(f"/{name}")
        if self._context.clock.now() >= link.expires:
            return RawBody(content=b"This link has expired.\n", content_type=TEXT_TYPE, status=410)
        content = self._context.store.read_bytes(media.sid) or b""
        return RawBody(content=content, content_type=media.content_type)

    def _find(self, request: ApiRequest, message_sid: str, sid: str) -> MediaRecord:
        message: MessageRecord = find_message(self._context, request, message_sid)
        media = self._context.store.get(MediaRecord, sid)
        if media is None or media.parent_sid != message.sid:
            raise not_found(request.path + request.suffix)
        return media
