"""Sending through the REST API: check the parameters of a POST to Messages, then create and send the message.

https://www.twilio.com/docs/messaging/api/message-resource. The order of the checks is not documented: here missing
parameters are refused before invalid ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ApiError
from ...segments import MAX_UNITS, utf16_units
from ..composing import Composer
from ..context import Context
from ..delivery import Delivery
from ..media import MediaFetcher
from ..numbers import MAGIC_SENDER, Address, check_magic, read_recipient, read_sender
from ..opt_outs import OptOuts
from ..quoting import shown
from ..resources import API_2008, API_2010, Account, Application, MessageRecord, MessagingService
from .parameters import INVALID_PARAMETER, Parameters

MAX_LEGACY_UNITS = 160
MIN_SCHEDULE_S = 15 * 60
MAX_SCHEDULE_S = 35 * 24 * 3600
_NO_CONTENT = {21602: "Message body is required.", 21619: "A text message body or media urls must be specified."}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageApi:
    """The resource that a message is sent through, one of three, and the differences between them."""

    api_version: str = API_2010
    is_legacy: bool = False

    @property
    def max_units(self) -> int:
        """The maximum length of a body, in UTF-16 units."""
        return MAX_LEGACY_UNITS if self.is_legacy else MAX_UNITS

    def accept(self, address: Address | None) -> Address | None:
        """Return an address if the resource supports it: the legacy one has no channels."""
        return None if self.is_legacy and address and address.kind == "channel" else address


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

    def send(self, account: Account, given: Parameters, api: MessageApi) -> MessageRecord:
        """Send a message.

        Raises: ApiError.
        """
        self._require(given, api)
        service = self._find_service(account, given, api)
        sender = self._read_sender(account, given, api, service)
        home = sender.text if sender else self._first_of(service)
        recipient = self._read_recipient(account, given, api, sender, home)
        self._refuse_name(sender, recipient, bool(given.all("MediaUrl")))
        options = self._read_options(account, given, api, service)
        _refuse_long(given.text("Body"), api)
        media = self._fetcher.fetch_all([] if api.is_legacy else given.all("MediaUrl"))
        self._refuse_media(sender, len(media))
        self._refuse_opted_out(sender, recipient, service)
        with self._context.lock:
            self._delivery.refuse_overflow(sender.text if sender else "")
            draft = self._draft(account, given, api, sender, recipient, options)
            smart = given.flag("SmartEncoded", default=bool(service and service.smart_encoding))
            message = self._composer.compose(draft, media, smart_encoded=smart)
        self._delivery.begin(message)
        return message

    def _require(self, given: Parameters, api: MessageApi) -> None:
        if not given.text("To"):
            raise ApiError(21604, "A 'To' phone number is required.")
        if not given.text("From") and (api.is_legacy or not given.text("MessagingServiceSid")):
            raise ApiError(21603, "A 'From' phone number is required.")
        has_content = given.text("Body") or (not api.is_legacy and (given.all("MediaUrl") or given.text("ContentSid")))
        if not has_content:
            code = 21602 if api.is_legacy else self._context.profile.no_content_code
            raise ApiError(code, _NO_CONTENT[code])

    def _find_service(self, account: Account, given: Parameters, api: MessageApi) -> MessagingService | None:
        sid = "" if api.is_legacy else given.sid("MessagingServiceSid", "MG", 21705)
        if not sid:
            return None
        service = self._context.store.get(MessagingService, sid)
        if service is None or service.account_sid != account.sid:
            raise ApiError(21701, f"The Messaging Service {sid} does not exist.", status=404)
        if not service.numbers:
            raise ApiError(21704, f"The Messaging Service {sid} contains no phone numbers.")
        return service

    def _read_sender(
        self, account: Account, given: Parameters, api: MessageApi, service: MessagingService | None
    ) -> Address | None:
        """Return the From; None if the service picks it.

        Raises: ApiError.
        """
        text = given.text("From")
        if not text:
            return None
        sender = api.accept(read_sender(text))
        if sender is None:
            raise ApiError(21212, f"The 'From' {shown(text)} is not a valid phone number, shortcode, or sender ID.")
        check_magic(sender.text, "")
        if sender.kind == "name" and account.type == "Trial":
            raise ApiError(21267, "Alphanumeric Sender ID cannot be used by trial accounts.")
        if sender.kind in ("number", "short_code") and sender.text != MAGIC_SENDER:
            self._refuse_foreign(account, sender, service)
        return sender

    def _refuse_foreign(self, account: Account, sender: Address, service: MessagingService | None) -> None:
        number = self._context.find_number(sender.text)
        if number and number.account_sid != account.sid:
            raise ApiError(21660, f"Mismatch between the 'From' number {sender.text} and the account {account.sid}.")
        if self._context.any_sender:
            return
        if number is None:
            raise ApiError(21606, f"The 'From' phone number {sender.text} is not a number of this account.")
        if not number.sms:
            raise ApiError(21661, f"The 'From' number {sender.text} is not SMS-capable.")
        if service and number.sid not in service.numbers:
            raise ApiError(21606, f"The 'From' number {sender.text} is not in the Messaging Service {service.sid}.")

    def _read_recipient(
        self, account: Account, given: Parameters, api: MessageApi, sender: Address | None, home: str
    ) -> Address:
        """Return the To; a local number gets the country code of ``home``.

        Raises: ApiError.
        """
        text = given.text("To")
        if text.strip().isdigit() and len(text.strip()) <= 6:
            raise ApiError(21265, f"The 'To' number {shown(text)} cannot be a Short Code.")
        recipient = api.accept(read_recipient(text, home))
        if recipient is None:
            raise ApiError(21211, f"The 'To' number {shown(text)} is not a valid phone number.")
        check_magic("", recipient.text)
        if sender and recipient.text == sender.text:
            raise ApiError(21266, "'To' and 'From' number cannot be the same.")
        if sender and sender.channel != recipient.channel:
            raise ApiError(21910, "'From' and 'To' must be of the same channel.")
        if account.type == "Trial" and recipient.text.rpartition(":")[2] not in account.verified:
            raise ApiError(21608, f"{shown(recipient.text)} is unverified. Trial accounts cannot send to it.")
        return recipient

    def _read_options(
        self, account: Account, given: Parameters, api: MessageApi, service: MessagingService | None
    ) -> dict[str, Any]:
        """Return the fields of a message other than its addresses and content.

        Raises: ApiError.
        """
        options = self._read_status(account, given, api, service)
        if api.is_legacy:
            return options
        options["max_price"] = given.price("MaxPrice", 21627)
        validity = given.integer("ValidityPeriod", 1, self._context.profile.validity_s, 21624)
        options["validity_s"] = validity or (service.validity_period if service else None)
        options["discards_body"] = given.choice("ContentRetention", ("retain", "discard")) == "discard"
        options["obfuscates_to"] = given.choice("AddressRetention", ("retain", "obfuscate")) == "obfuscate"
        _refuse_malformed(given)
        if service:
            options["send_at"] = self._read_schedule(given)
            options["messaging_service_sid"] = service.sid
        return options

    def _read_status(
        self, account: Account, given: Parameters, api: MessageApi, service: MessagingService | None
    ) -> dict[str, Any]:
        """Return the URL and format of status callbacks: the precedence of the URLs has changed over the years."""
        own = given.url("StatusCallback", 21609)
        is_legacy = api.is_legacy
        words: dict[str, Any] = {"status_words": "sms" if is_legacy else "message", "status_brief": is_legacy}
        application_wins = self._context.profile.application_wins
        url = ""
        if application_wins or not own:
            application = self._find_application(account, given, api)
            url = _status_url(application, api)
        if url:
            return words | {"status_url": url, "status_brief": is_legacy or application_wins}
        return words | {"status_url": own or (service.status_callback if service else "")}

    def _find_application(self, account: Account, given: Parameters, api: MessageApi) -> Application | None:
        sid = given.sid("ApplicationSid", "AP", 21218)
        if not sid or api.api_version == API_2008:
            return None
        application = self._context.store.get(Application, sid)
        if application is None or application.account_sid != account.sid:
            raise ApiError(21218, f"The ApplicationSid {sid} is not valid.")
        return application

    def _read_schedule(self, given: Parameters) -> float | None:
        """Return when a message is to be sent; None for immediately.

        Raises: ApiError.
        """
        if not given.choice("ScheduleType", ("fixed",)) or not given.text("SendAt"):
            return None
        moment = given.iso_moment("SendAt", 35114)
        ahead = moment - self._context.clock.now()
        if not MIN_SCHEDULE_S <= ahead <= MAX_SCHEDULE_S:
            raise ApiError(35114, "SendAt must be between 15 minutes and 35 days ahead.")
        return moment

    def _first_of(self, service: MessagingService | None) -> str:
        """Return the first number of a service: a local To gets its country code."""
        numbers = self._context.numbers_of(service) if service else []
        return numbers[0].phone_number if numbers else ""

    @staticmethod
    def _refuse_name(sender: Address | None, recipient: Address, has_media: bool) -> None:
        """Refuse a name as sender where the recipient's country does not allow one, and with media.

        https://help.twilio.com/articles/223133767
        """
        if sender is None or sender.kind != "name":
            return
        if recipient.text.startswith("+1"):
            raise ApiError(21612, f"{shown(recipient.text)} cannot be reached from the name {sender.text}.")
        if has_media:
            raise ApiError(21621, f"The 'From' {shown(sender.text)} has not been enabled for MMS.")

    def _refuse_media(self, sender: Address | None, media: int) -> None:
        number = self._context.find_number(sender.text) if sender and media else None
        if number and not number.mms:
            raise ApiError(21621, f"The 'From' number {number.phone_number} has not been enabled for MMS.")

    def _refuse_opted_out(self, sender: Address | None, recipient: Address, service: MessagingService | None) -> None:
        if self._opt_outs.has_opted_out(sender.text if sender else "", recipient.text, service):
            raise ApiError(21610, "Attempt to send to unsubscribed recipient.")

    def _draft(
        self,
        account: Account,
        given: Parameters,
        api: MessageApi,
        sender: Address | None,
        recipient: Address,
        options: Mapping[str, Any],
    ) -> MessageRecord:
        status = "scheduled" if options.get("send_at") else "queued" if sender else "accepted"
        return self._composer.draft(
            account.sid,
            to=recipient.text,
            from_=sender.text if sender else "",
            body=given.text("Body"),
            status=status,
            direction="outbound-api",
            api_version=api.api_version,
            **options,
        )


def _refuse_malformed(given: Parameters) -> None:
    """Refuse invalid values of parameters that have no effect in the emulator.

    Raises: ApiError.
    """
    for name in ("ProvideFeedback", "ForceDelivery", "ShortenUrls", "SendAsMms"):
        given.flag(name)
    given.integer("Attempt", 0, 999_999_999, INVALID_PARAMETER)
    given.choice("TrafficType", ("free",))
    given.choice("RiskCheck", ("enable", "disable"))
    given.sid("ContentSid", "HX", 21655)
    if not _is_json_object(given.text("ContentVariables") or "{}"):
        raise ApiError(21656, "The ContentVariables are invalid: they must be a JSON object.")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _refuse_long(text: str, api: MessageApi) -> None:
    if utf16_units(text) > api.max_units:
        code = 21605 if api.is_legacy else 21617
        raise ApiError(code, f"The concatenated message body exceeds the {api.max_units} character limit.")


def _status_url(application: Application | None, api: MessageApi) -> str:
    if application is None:
        return ""
    return application.sms_status_callback if api.is_legacy else application.message_status_callback
