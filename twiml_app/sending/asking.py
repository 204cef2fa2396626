"""``send`` and ``cancel``: a message is checked and stored here, and leaves later.

Inside a handler it becomes part of the one commit that stores the answer; elsewhere it is stored at once.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..active_app import active_extension, called_url
from ..errors import CannotStore
from ..events import Event, InboundMessage, StatusCallback
from ..pending import Effect, Transaction, collection
from ..webhook import base_of
from .content import Content
from .options import Options, require_key
from .route import Route

if TYPE_CHECKING:
    from ..config import Settings

#: What a message asked for in a handler comes before, and everything else.
REPLY, BULK = 0, 1


@dataclass(frozen=True, slots=True)
class Send:
    """A message that was asked for."""

    #: Identifies it in the journal, and in the URL of its status callbacks.
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A checked message as it is stored: the fields are columns of the table ``sends``."""

    id: str
    key: str | None
    account: str
    contact: str
    #: Our number, or the messaging service that chooses one.
    number: str
    body: str
    media: str
    template: str
    variables: str
    metadata: str
    segments: int
    if_unknown: str
    #: 0 for replies, which leave before the rest.
    priority: int
    due_at: float
    expires_at: float | None
    give_up_at: float
    #: What comes before the status path in the URL of its status callbacks; empty if it is not known.
    base_url: str
    #: The MessageSid of the event whose handler asked for it.
    origin: str
    created_at: float

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """Return what is shown to people, and compared in replays."""
        known = {
            "to": self.contact,
            "from": self.number,
            "body": self.body,
            "media": json.loads(self.media),
            "template": self.template,
            "variables": json.loads(self.variables or "{}"),
            "metadata": json.loads(self.metadata),
            "key": self.key,
        }
        return {name: value for name, value in known.items() if value}


def send(
    to: str,
    body: str = "",
    *,
    from_: str = "",
    media: str | Path | Iterable[str | Path] = (),
    template: str = "",
    variables: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    key: str = "",
    at: datetime | None = None,
    expires: datetime | None = None,
    if_unknown: Literal["report", "repeat"] = "report",
) -> Send:
    """Send a message: after the answer if a handler asks for it, and only if that answer is stored; else at once.

    ``from_`` is a number, a short code, a WhatsApp address or a messaging service, by default what was texted, and
    outside of handlers ``TWIML_FROM``. ``template`` is a ContentSid, and ``variables`` are its values. ``metadata``
    reaches status handlers as ``status.metadata``. A ``key`` is accepted once. The message leaves ``at`` a time, and
    never after ``expires``; both are datetimes with a time zone. With ``if_unknown="repeat"`` it is sent again if it is
    not known whether it was sent, so it may arrive twice.

    Raises: CannotSend and MediaError, for what Twilio would not take; ConfigurationError, for a local file without
    TWIML_PUBLIC_URL; CannotStore; JournalUnavailable.
    """
    state, collected = active_extension(), collection()
    event = collected.event if collected else None
    now = state.sending.clock() if state.sending else time.time()
    route = Route.checked(to, from_, state.settings, event)
    content = Content.checked(
        body, media, template, variables, keep_file=lambda path: _kept_file(state, path, route.channel)
    )
    options = Options.checked(key, at, expires, metadata, if_unknown, now)
    message = OutgoingMessage(
        id=secrets.token_hex(16),
        **asdict(options),
        account=route.account,
        contact=route.contact,
        number=route.sender,
        body=content.body,
        media=json.dumps(content.media),
        template=content.template,
        variables=content.variables,
        segments=content.segments(route.contact, route.sender),
        priority=BULK if event is None else REPLY,
        base_url=_base_url(state, event),
        origin=_origin(event),
        created_at=now,
    )
    _warn_if_long(state.settings, message)
    stored_id: str | None = _ask("send", message.summary(), lambda execute: state.sending.insert(execute, message))
    return Send(stored_id or message.id)


def cancel(key: str) -> bool | None:
    """Withdraw the message with a key, unless it has been handed over to Twilio.

    Return whether it was withdrawn; inside a handler it is withdrawn with the answer, and None is returned.

    Raises: CannotSend; CannotStore; JournalUnavailable.
    """
    state, known = active_extension(), require_key(key)
    withdrawn: bool | None = _ask("cancel", {"key": known}, lambda execute: state.sending.cancel(execute, known))
    return withdrawn


def _ask(kind: str, summary: Mapping[str, Any], write: Callable[[Transaction], Any]) -> Any:
    """Store it with the answer of the running handler and return None, or store it now and return what was written.

    Raises: CannotStore; JournalUnavailable.
    """
    state, collected = active_extension(), collection()
    effect = Effect(kind, summary, write, lambda: state.sending.wake())
    if collected is not None:
        collected.add(effect)
        return None
    if state.engine is None:
        raise CannotStore("the application has no journal, in which messages wait: set TWIML_DATABASE_URL")
    written = state.engine.run(effect.write)
    effect.committed()
    return written


def _kept_file(state: Any, path: Path, channel: str) -> str:
    """Return the URL under which a local file is stored; a link to it is made when the message leaves.

    Raises: MediaError; ConfigurationError.
    """
    state.media_links.url(path, channel=channel)
    uri: str = (state.root / path).resolve().as_uri()
    return uri


def _warn_if_long(settings: Settings, message: OutgoingMessage) -> None:
    from ..consent import Leaving, warn_if_long  # not at the top: it needs the journal

    warn_if_long(settings, Leaving(contact=message.contact, sender=message.number, segments=message.segments))


def _base_url(state: Any, event: Event | None) -> str:
    """Return the public URL; inside a handler, whose request was authenticated, else the URL that was called."""
    public_url = state.settings.public_url or (called_url() if event else "")
    return base_of(public_url, state.url_prefix) if public_url else ""


def _origin(event: Event | None) -> str:
    return event.message_sid if isinstance(event, InboundMessage | StatusCallback) else ""
