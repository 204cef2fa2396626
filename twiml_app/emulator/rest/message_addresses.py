"""The sender and recipient of a message that is sent through the REST API."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ApiError
from ..context import Context
from ..numbers import MAGIC_SENDER, Address, check_magic, read_recipient, read_sender, takes_names
from ..quoting import shown
from ..resources import Account, MessagingService
from ..whatsapp import SANDBOX
from .message_request import MessageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The sender and recipient of a message."""

    service: MessagingService | None
    #: None if the service picks the sender.
    sender: Address | None
    recipient: Address

    @property
    def from_(self) -> str:
        """The sender, empty if the service picks it."""
        return self.sender.text if self.sender else ""


class AddressReader:
    """Reads and checks From, To and MessagingServiceSid."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def read(self, request: MessageRequest) -> Addresses:
        """Return the addresses of a message.

        Raises: ApiError.
        """
        service = self._find_service(request)
        sender = self._read_sender(request, service)
        home = sender.text if sender else self._first_of(service)
        recipient = _read_recipient(request, sender, home)
        has_media = bool(request.form.all("MediaUrl"))
        _refuse_name(sender, recipient, has_media)
        if service and not sender and not service.numbers and (has_media or not takes_names(recipient.text)):
            problem = f"no phone number to send to {shown(recipient.text)}, only an Alpha Sender"
            raise ApiError(21703, f"The Messaging Service {service.sid} has {problem}.")
        return Addresses(service=service, sender=sender, recipient=recipient)

    def _find_service(self, request: MessageRequest) -> MessagingService | None:
        sid = "" if request.api.is_legacy else request.form.sid("MessagingServiceSid", "MG", 21705)
        if not sid:
            return None
        service = self._context.store.get(MessagingService, sid)
        if service is None or service.account_sid != request.account.sid:
            raise ApiError(21701, f"The Messaging Service {sid} does not exist.", status=404)
        if not service.numbers and not service.alpha_sender:
            raise ApiError(21704, f"The Messaging Service {sid} contains no phone numbers.")
        return service

    def _read_sender(self, request: MessageRequest, service: MessagingService | None) -> Address | None:
        """Return the From; None if the service picks it.

        Raises: ApiError.
        """
        text = request.form.text("From")
        if not text:
            return None
        sender = request.api.accept(read_sender(text))
        if sender is None:
            raise ApiError(21212, f"The 'From' {shown(text)} is not a valid phone number, shortcode, or sender ID.")
        check_magic(sender.text, "")
        if sender.kind == "name" and request.account.type == "Trial":
            raise ApiError(21267, "Alphanumeric Sender ID cannot be used by trial accounts.")
        if sender.kind in ("number", "short_code") and sender.text != MAGIC_SENDER:
            self._refuse_foreign(request.account, sender, service)
        if sender.channel == "whatsapp":
            self._refuse_unknown(request.account, sender)
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

    def _refuse_unknown(self, account: Account, sender: Address) -> None:
        """Refuse a WhatsApp sender of nobody; the sandbox is everybody's.

        Raises: ApiError.
        """
        number = self._context.find_number(sender.text)
        is_own = number.account_sid == account.sid if number else self._context.any_sender
        if not is_own and sender.text != SANDBOX:
            raise ApiError(63007, "Twilio could not find a Channel with the specified From address")

    def _first_of(self, service: MessagingService | None) -> str:
        """Return the first number of a service: a local To gets its country code."""
        numbers = self._context.numbers_of(service) if service else []
        return numbers[0].phone_number if numbers else ""


def _read_recipient(request: MessageRequest, sender: Address | None, home: str) -> Address:
    """Return the To; a local number gets the country code of ``home``.

    Raises: ApiError.
    """
    text = request.form.text("To")
    if text.strip().isdigit() and len(text.strip()) <= 6:
        raise ApiError(21265, f"The 'To' number {shown(text)} cannot be a Short Code.")
    recipient = request.api.accept(read_recipient(text, home))
    if recipient is None:
        raise ApiError(21211, f"The 'To' number {shown(text)} is not a valid phone number.")
    check_magic("", recipient.text)
    if sender and recipient.text == sender.text:
        raise ApiError(21266, "'To' and 'From' number cannot be the same.")
    if sender and sender.channel != recipient.channel:
        raise ApiError(21910, "'From' and 'To' must be of the same channel.")
    if request.account.type == "Trial" and recipient.text.rpartition(":")[2] not in request.account.verified:
        raise ApiError(21608, f"{shown(recipient.text)} is unverified. Trial accounts cannot send to it.")
    return recipient


def _refuse_name(sender: Address | None, recipient: Address, has_media: bool) -> None:
    """Refuse a name as sender where the recipient's country does not allow one, and with media.

    Raises: ApiError.
    """
    if sender is None or sender.kind != "name":
        return
    if not takes_names(recipient.text):
        raise ApiError(21612, f"{shown(recipient.text)} cannot be reached from the name {sender.text}.")
    if has_media:
        raise ApiError(21621, f"The 'From' {shown(sender.text)} has not been enabled for MMS.")
