"""What the phone page shows: conversations, messages, and the bytes of media."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator

from ..context import Context
from ..resources import MediaRecord
from .conversations import MAX_CONVERSATIONS, MAX_MESSAGES, Conversations, Pair, Placed
from .documents import BASE, PICTURES, Documents
from .exchange import PageAnswer, PageRequest, PageRule, answer, refusal
from .security import MEDIA_POLICY
from .state import PAGE


class Messages:
    """Serves conversations and messages."""

    def __init__(self, context: Context, conversations: Conversations, documents: Documents) -> None:
        self._context = context
        self._conversations = conversations
        self._documents = documents

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/conversations", views={"GET": self.list})
        yield PageRule(path=f"{BASE}/messages", views={"GET": self.messages})
        yield PageRule(path=f"{BASE}/media/<sid>", views={"GET": self.media})

    def list(self, request: PageRequest) -> PageAnswer:
        """Return the conversations, the most recent first."""
        limit = int(request.number("limit", MAX_CONVERSATIONS, least=1, most=MAX_CONVERSATIONS))
        found = self._conversations.latest(limit + 1)
        lasts = self._documents.messages([placed for _, placed in found[:limit]])
        shown = [self._documents.conversation(pair, last) for (pair, _), last in zip(found[:limit], lasts, strict=True)]
        return answer({"conversations": shown, "more": len(found) > limit})

    def messages(self, request: PageRequest) -> PageAnswer:
        """Return messages of a conversation, newest first."""
        limit = int(request.number("limit", PAGE, least=1, most=MAX_MESSAGES))
        pair = Pair(request.text("contact"), request.text("number"))
        found = self._conversations.messages(pair, before=request.text("before"), limit=limit + 1)
        return answer({"messages": self._documents.messages(found[:limit]), "more": len(found) > limit})

    def media(self, request: PageRequest, sid: str) -> PageAnswer:
        """Return the bytes of a media file: pictures to be shown, everything else to be saved.

        Raises: ApiError.
        """
        media = self._context.store.get(MediaRecord, sid)
        if media is None:
            raise refusal("there is no such media file", 404)
        content = self._context.store.read_bytes(sid) or b""
        headers = (("Content-Security-Policy", MEDIA_POLICY),)
        if media.content_type in PICTURES:
            return PageAnswer(content=content, content_type=media.content_type, headers=headers)
        ending = mimetypes.guess_extension(media.content_type) or ""
        saved = ("Content-Disposition", f'attachment; filename="{media.sid}{ending}"')
        return PageAnswer(content=content, content_type="application/octet-stream", headers=(*headers, saved))


def require_message(conversations: Conversations, sid: str) -> Placed:
    """Return a message.

    Raises: ApiError, if it does not exist.
    """
    placed = conversations.find(sid)
    if placed is None:
        raise refusal("there is no such message: it may have been deleted", 404)
    return placed
