"""``start``: the program begins a dialog, and its first question is sent."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ..active_app import active_extension
from ..addresses import contact_address, sender_address
from ..enqueueing import Arguments, EnqueuedWork, Piece, enqueue_piece
from ..errors import CannotSend, CannotStore, DialogError
from ..events import InboundMessage
from ..pending import About, collection
from ..routing import CONVERSATION, DialogRoute
from .open_dialogs import IfOpen, WantedDialog
from .questions import Dialog, json_text
from .stored import StoredDialog

_FUNCTION = "twiml_app.conversations:start_dialog"


def start(
    dialog: Callable[..., Dialog],
    /,
    *,
    to: str,
    from_: str = "",
    arguments: Mapping[str, Any] | None = None,
    if_open: IfOpen = "refuse",
) -> EnqueuedWork[None]:
    """Start a dialog: its first question is sent to a contact, after the answer if a handler asks for it.

    The dialog gets a DialogStart instead of a message, and ``arguments`` in place of captures. ``from_`` is a number or
    a messaging service, by default what was texted, and outside of handlers ``TWIML_FROM``. One dialog is open for each
    contact and sender: if there is one, this is refused, or with ``if_open="queue"`` this one starts when that is over,
    or with ``"replace"`` that one ends.

    Raises: DialogError; CannotSend; CannotStore; JournalUnavailable.
    """
    state = active_extension()
    if state.dialogs is None or state.conversations is None:
        raise CannotStore("a dialog cannot be started: the program has none, or no journal; set TWIML_DATABASE_URL")
    route: DialogRoute = state.dialogs.route_of(dialog)
    contact, given = _contact(to), dict(arguments or {})
    sender = state.conversations.sender_of(_sender(from_, state.settings.from_))
    _require_fit(route, given)
    if if_open == "refuse" and _is_open(state, contact, sender):
        raise DialogError(f'a dialog with this contact is open: give if_open="queue" or "replace" to start {dialog}')
    name, version = route.key
    wanted = WantedDialog(name=name, version=version, contact=contact, sender=sender, arguments=given, if_open=if_open)
    pending = collection()
    piece = Piece(
        key=f"start {secrets.token_hex(16)}",
        kind="dialog",
        function=_FUNCTION,
        arguments=Arguments((), asdict(wanted)).encode(_FUNCTION),
        about=About(contact, sender, pending.about.origin if pending else ""),
    )
    return enqueue_piece(piece)


def _contact(to: str) -> str:
    if not (contact := contact_address(to)):
        raise CannotSend("to", f"is {to!r}: give a number such as +15005550001, or one with a channel", code=21211)
    return contact


def _sender(from_: str, default: str) -> str:
    pending = collection()
    event = pending.event if pending else None
    texted = event.messaging_service_sid or event.number if isinstance(event, InboundMessage) else ""
    sender = sender_address(from_ or texted or default)
    if not sender:
        raise CannotSend("from_", f"is {from_!r}: give a number or a messaging service, or set TWIML_FROM", code=21603)
    return sender


def _require_fit(route: DialogRoute, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the dialog does not take: nobody would see the error.

    Raises: DialogError.
    """
    json_text(arguments, "an argument")
    own = {**arguments, CONVERSATION: None} if route.stateful else arguments
    try:
        inspect.signature(route.handler).bind(None, **own)
    except TypeError as error:
        raise DialogError(f"the dialog {route.options.name} does not take these arguments: {error}") from error


def _is_open(state: Any, contact: str, sender: str) -> bool:
    row = state.conversations.find(contact, sender)
    if row is None or row.dialog is None:
        return False
    stored = StoredDialog.from_text(row.dialog)
    is_lost = stored.is_first and state.conversations.is_undelivered(stored.sent_as)
    return stored.ended_at is None and stored.expires_at > state.dialogs.now() and not is_lost
