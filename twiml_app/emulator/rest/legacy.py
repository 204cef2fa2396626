"""The SMS resources of 2010 and 2008, with their own fields and limits.

2010: https://www.twilio.com/docs/sms/api/sms-messages-deprecated; 2008 had only create, list and fetch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ..context import Context
from ..resources import API_2008, API_2010, MessageRecord
from ..store import Condition
from .create_message import MessageCreator
from .message_request import MessageApi, MessageRequest
from .messages import Messages, find_message, message_conditions
from .paging import Names, Pager
from .representations import legacy_message_fields, message_fields_of_2008
from .request import ApiAnswer, ApiRequest, Fields, OneResource, ResourceList, Rule, not_found

_NAMES = Names(key="sms_messages", element="SMSMessages", item="SMSMessage")
#: The paging fields of a list in 2008, in order.
_PAGE_OF_2008 = ("page", "num_pages", "page_size", "total", "start", "end")
#: Messages without media or a channel: numbers sort before the colon, channels start with a letter and sort after it.
_TEXTS = (Condition("num_media", "=", 0), Condition("to", "<", ":"))


class LegacySms:
    """Text messages, from before messages could have media."""

    def __init__(self, context: Context, pager: Pager, sending: MessageCreator, messages: Messages) -> None:
        self._context = context
        self._pager = pager
        self._pager_of_2008 = Pager(context.store, clips=context.profile.clips_page_size, totals=True)
        self._sending = sending
        self._messages = messages

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        for version in (API_2010, API_2008):
            base = f"/{version}/Accounts/<account_sid>/SMS/Messages"
            yield Rule(path=base, views={"GET": self.list, "POST": self.create})
            deletes = {} if version == API_2008 else {"DELETE": self.delete}
            yield Rule(path=f"{base}/<sid>", views={"GET": self.fetch, **deletes})

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Send a text message."""
        api = MessageApi(api_version=request.version, is_legacy=True)
        message = self._sending.send(MessageRequest(account=request.account, form=request.form, api=api))
        return OneResource(element=_NAMES.item, fields=self._represent(request)(message), status=201)

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List text messages, newest first."""
        is_2008 = request.version == API_2008
        pager = self._pager_of_2008 if is_2008 else self._pager
        page = pager.list_page(
            request, MessageRecord, _NAMES, self._represent(request), *_TEXTS, *message_conditions(request.query)
        )
        return _as_in_2008(page) if is_2008 else page

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a text message."""
        message = self._find(request, sid)
        return OneResource(element=_NAMES.item, fields=self._represent(request)(message), modified=message.date_updated)

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete a text message."""
        return self._messages.delete(request, self._find(request, sid).sid)

    def _find(self, request: ApiRequest, sid: str) -> MessageRecord:
        message = find_message(self._context, request, sid)
        if message.num_media or ":" in message.to:
            raise not_found(request.path + request.suffix)
        return message

    def _represent(self, request: ApiRequest) -> Callable[[MessageRecord], Fields]:
        profile = self._context.profile
        if request.version == API_2008:
            return lambda message: message_fields_of_2008(message, profile)
        return lambda message: legacy_message_fields(message, profile, request.suffix)


def _as_in_2008(answer: ResourceList) -> ResourceList:
    return replace(answer, page={name: answer.page[name] for name in _PAGE_OF_2008})
