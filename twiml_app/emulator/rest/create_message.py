"""Sending through the REST API: check the parameters of a POST to Messages, then create and send the message.

https://www.twilio.com/docs/messaging/api/message-resource. The order of the checks is not documented: here missing
parameters are refused before invalid ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ApiError
from ...segments import utf16_units
from ..composing import Composer
from ..context import Context
from ..delivery import Delivery
from ..media import MediaFetcher
from ..message_faults import refuse_landline
from ..numbers import Address
from ..opt_outs import OptOuts
from ..resources import MessageRecord
from .message_addresses import Addresses, AddressReader
from .message_options import OptionReader
from .message_request import MessageRequest

_NO_CONTENT = {21602: "Message body is required.", 21619: "A text message body or media urls must be specified."}


class MessageCreator:
    """Checks the parameters of a message, and sends it."""

    def __init__(
        self, context: Context, composer: Composer, delivery: Delivery, opt_outs: OptOuts, fetcher: MediaFetcher
    ) -> None:
        self._context = context
        self._composer = composer
        self._delivery = delivery
        self._opt_outs = opt_outs
        self._fetcher = fetcher
        self._addresses = AddressReader(context)
        self._options = OptionReader(context)

    def send(self, request: MessageRequest) -> MessageRecord:
        """Send a message.

        Raises: ApiError.
        """
        self._require(request)
        addresses = self._addresses.read(request)
        options = self._options.read(request, addresses.service)
        _refuse_long(request)
        media = self._fetcher.fetch_all([] if request.api.is_legacy else request.form.all("MediaUrl"))
        self._refuse_media(addresses.sender, len(media))
        self._opt_outs.refuse(addresses.from_, addresses.recipient.text, addresses.service)
        refuse_landline(
            self._context,
            contact=addresses.recipient.text,
            number=addresses.from_,
            account_sid=request.account.sid,
        )
        with self._context.lock:
            self._delivery.refuse_overflow(addresses.from_)
            draft = self._draft(request, addresses, options)
            smart = bool(addresses.service and addresses.service.smart_encoding)
            smart = request.form.flag("SmartEncoded", default=smart)
            message = self._composer.compose(draft, media, smart_encoded=smart)
        self._delivery.begin_for_client(message)
        return message

    def _require(self, request: MessageRequest) -> None:
        form, is_legacy = request.form, request.api.is_legacy
        if not form.text("To"):
            raise ApiError(21604, "A 'To' phone number is required.")
        if not form.text("From") and (is_legacy or not form.text("MessagingServiceSid")):
            raise ApiError(21603, "A 'From' phone number is required.")
        has_content = form.text("Body") or (not is_legacy and (form.all("MediaUrl") or form.text("ContentSid")))
        if not has_content:
            code = 21602 if is_legacy else self._context.profile.no_content_code
            raise ApiError(code, _NO_CONTENT[code])

    def _refuse_media(self, sender: Address | None, media: int) -> None:
        number = self._context.find_number(sender.text) if sender and media else None
        if number and not number.mms:
            raise ApiError(21621, f"The 'From' number {number.phone_number} has not been enabled for MMS.")

    def _draft(self, request: MessageRequest, addresses: Addresses, options: Mapping[str, Any]) -> MessageRecord:
        status = "scheduled" if options.get("send_at") else "queued" if addresses.sender else "accepted"
        return self._composer.draft(
            request.account.sid,
            to=addresses.recipient.text,
            from_=addresses.from_,
            body=request.form.text("Body"),
            status=status,
            direction="outbound-api",
            api_version=request.api.api_version,
            **options,
        )


def _refuse_long(request: MessageRequest) -> None:
    most = request.api.max_units
    if utf16_units(request.form.text("Body")) > most:
        code = 21605 if request.api.is_legacy else 21617
        raise ApiError(code, f"The concatenated message body exceeds the {most} character limit.")
