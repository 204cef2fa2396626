"""Create messages: sid, segments, and media, or links for phones that do not accept media."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..segments import segment
from .context import Context
from .media import FetchedMedia
from .pricing import price_of
from .resources import Account, MediaLink, MediaRecord, MessageRecord, MessagingService
from .smart_encoding import smart_encode

#: How long a media link works, and the length of its random part, as documented in 2015.
LINK_LIFETIME_S = 7 * 24 * 3600
LINK_CHARACTERS = 7
TRIAL_PREFIX = "Sent from your Twilio trial account - "

_LINK_ALPHABET = string.ascii_letters + string.digits


class Composer:
    """Creates messages and stores them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def draft(self, account_sid: str, **fields: Any) -> MessageRecord:
        """Return a message dated now, not stored yet; storing it gives it a sid."""
        now = self._context.clock.now()
        return MessageRecord(sid="", account_sid=account_sid, date_created=now, date_updated=now, **fields)

    def receive(self, draft: MessageRecord, media: Sequence[FetchedMedia]) -> MessageRecord:
        """Store an inbound message with its price."""
        num_media = len(media)
        price = price_of(draft.to, segments=_segments(draft.body, num_media), num_media=num_media)
        return self._keep(replace(draft, price=price), media)

    def compose(
        self, draft: MessageRecord, media: Sequence[FetchedMedia], *, smart_encoded: bool = False
    ) -> MessageRecord:
        """Store an outbound message; media becomes links if the phone accepts none and the account allows links."""
        account = self._context.account(draft.account_sid)
        body = smart_encode(draft.body) if smart_encoded else draft.body
        if account.type == "Trial":
            body = TRIAL_PREFIX + body
        if media and not self._context.takes_media(draft.to) and self._links_media(account, draft):
            links = [self._link(each, draft) for each in media]
            return self._keep(replace(draft, body=" ".join([body.rstrip(), *links]).strip()), ())
        return self._keep(replace(draft, body=body), media)

    def _links_media(self, account: Account, draft: MessageRecord) -> bool:
        service = self._context.store.get(MessagingService, draft.messaging_service_sid)
        return account.mms_as_link and (service is None or service.mms_converter)

    def _keep(self, draft: MessageRecord, media: Sequence[FetchedMedia]) -> MessageRecord:
        message = replace(
            draft,
            sid=self._context.new_sid("MM" if media else "SM"),
            num_media=len(media),
            num_segments=_segments(draft.body, len(media)),
        )
        for each in media:
            self._keep_media(each, message, message.sid)
        return self._context.store.save(message)

    def _keep_media(self, media: FetchedMedia, message: MessageRecord, parent_sid: str) -> MediaRecord:
        kept = MediaRecord(
            sid=self._context.new_sid("ME"),
            account_sid=message.account_sid,
            date_created=message.date_created,
            date_updated=message.date_created,
            parent_sid=parent_sid,
            content_type=media.content_type,
        )
        self._context.store.save_bytes(kept.sid, media.content)
        return self._context.store.save(kept)

    def _link(self, media: FetchedMedia, draft: MessageRecord) -> str:
        """Store a media file that does not belong to a message, and return a link to it."""
        kept = self._keep_media(media, draft, "")
        link = MediaLink(
            sid=self._new_name(),
            account_sid=draft.account_sid,
            date_created=draft.date_created,
            date_updated=draft.date_created,
            media_sid=kept.sid,
            expires=draft.date_created + LINK_LIFETIME_S,
        )
        self._context.store.save(link)
        return f"{self._context.base_url}/{link.sid}"

    def _new_name(self) -> str:
        """Return a new name: the random sequence restarts on every run while a state persists, so check for clashes."""
        while True:
            name = "".join(self._context.random.choices(_LINK_ALPHABET, k=LINK_CHARACTERS))
            if self._context.store.get(MediaLink, name) is None:
                return name


def _segments(body: str, num_media: int) -> int:
    return 1 if num_media else segment(body).count
