"""Messages: create, list, fetch, redact, cancel, delete; and feedback on them.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import ApiError
from ..context import Context
from ..delivery import Delivery
from ..numbers import read_recipient
from ..resources import FINISHED, Feedback, MediaRecord, MessageRecord
from ..store import Condition
from .create_message import MessageCreator
from .message_request import MessageRequest
from .paging import Names, Pager, date_conditions
from .parameters import Parameters
from .representations import feedback_fields, message_fields
from .request import ApiAnswer, ApiRequest, NoContent, OneResource, Rule, find_own

_ALLOWED_CHANGES = "Set either an empty Body, to redact the message, or Status=canceled."
_NAMES = Names(key="messages", element="Messages", item="Message")


class Messages:
    """The messages of an account, inbound and outbound."""

    def __init__(self, context: Context, pager: Pager, sending: MessageCreator, delivery: Delivery) -> None:
        self._context = context
        self._pager = pager
        self._sending = sending
        self._delivery = delivery

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        base = "/2010-04-01/Accounts/<account_sid>/Messages"
        yield Rule(path=base, views={"GET": self.list, "POST": self.create})
        one = {"GET": self.fetch, "POST": self.update, "DELETE": self.delete}
        yield Rule(path=f"{base}/<sid>", views=one)
        yield Rule(path=f"{base}/<sid>/Feedback", views={"POST": self.feedback})

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Send a message."""
        message = self._sending.send(MessageRequest(account=request.account, form=request.form))
        return self._answer(message, request, 201, is_new=True)

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List messages, newest first."""
        return self._pager.list_page(
            request,
            MessageRecord,
            _NAMES,
            lambda message: message_fields(message, self._context.profile, request.suffix),
            *message_conditions(request.query),
        )

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a message."""
        return self._answer(find_message(self._context, request, sid), request)

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Redact the body of a message, or cancel it."""
        message = find_message(self._context, request, sid)
        is_redaction = "Body" in request.form
        if is_redaction and "Status" in request.form:
            raise ApiError(30400, _ALLOWED_CHANGES)
        changed = self._redact(request, message) if is_redaction else self._cancel(request, message)
        return self._answer(changed, request)

    def _redact(self, request: ApiRequest, message: MessageRecord) -> MessageRecord:
        if request.form.text("Body"):
            raise ApiError(30400, "A body cannot be changed, only redacted: send an empty Body.")
        if message.status not in FINISHED:
            raise ApiError(20009, "The message is not finished: its body cannot be redacted yet.", status=409)
        return self._context.change_message(message.sid, FINISHED, body="") or message

    def _cancel(self, request: ApiRequest, message: MessageRecord) -> MessageRecord:
        if not request.form.choice("Status", ("canceled",), 30400):
            raise ApiError(30400, _ALLOWED_CHANGES)
        canceled = self._delivery.cancel(message)
        if canceled is None:
            raise ApiError(30409, f"The message is {message.status}: it can no longer be canceled.", status=409)
        return canceled

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete a message, its media and its feedback."""
        with self._context.lock:
            message = find_message(self._context, request, sid)
            if message.status not in FINISHED:
                raise ApiError(20009, "The message is not finished: it cannot be deleted yet.", status=409)
            for media in self._context.media_of(sid):
                self._context.store.delete(MediaRecord, media.sid)
            self._context.store.delete(Feedback, sid)
            self._context.store.delete(MessageRecord, sid)
        return NoContent()

    def feedback(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Store the sender's feedback on a message."""
        message = find_message(self._context, request, sid)
        now = self._context.clock.now()
        feedback = Feedback(
            sid=message.sid,
            account_sid=message.account_sid,
            date_created=now,
            date_updated=now,
            message_sid=message.sid,
            outcome=request.form.choice("Outcome", ("confirmed", "unconfirmed")) or "confirmed",
        )
        fields = feedback_fields(self._context.store.save(feedback), request.suffix)
        return OneResource(element="Feedback", fields=fields)

    def _answer(
        self, message: MessageRecord, request: ApiRequest, status: int = 200, *, is_new: bool = False
    ) -> ApiAnswer:
        fields = message_fields(message, self._context.profile, request.suffix, is_new=is_new)
        return OneResource(element="Message", fields=fields, status=status, modified=message.date_updated)


def find_message(context: Context, request: ApiRequest, sid: str) -> MessageRecord:
    """Return a message of the account.

    Raises: ApiError.
    """
    return find_own(context.store, MessageRecord, request, sid)


def message_conditions(query: Parameters) -> list[Condition]:
    """Return the filters for a list of messages: To, From, and DateSent with its operators."""
    conditions = date_conditions(query, "DateSent", "date_sent")
    for name, field in (("To", "to"), ("From", "from_")):
        text = query.text(name)
        if text:
            address = read_recipient(text, "+1")
            conditions.append(Condition(field, "=", address.text if address else text))
    return conditions
