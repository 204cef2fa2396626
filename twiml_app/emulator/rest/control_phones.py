"""Emulator-only endpoints for phones: show the messages they have sent and received, set their delivery outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...errors import ApiError
from ..context import Context
from ..numbers import read_sender
from ..phones import Phones
from ..quoting import shown
from ..resources import DELIVERY_OUTCOMES
from .representations import message_fields
from .request import CONTROL, ApiAnswer, ApiRequest, PlainDocument, Rule


class ControlPhones:
    """The phones of the emulator."""

    def __init__(self, context: Context, phones: Phones) -> None:
        self._context = context
        self._phones = phones

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        views = {"GET": self.show, "POST": self.update}
        yield Rule(path=f"{CONTROL}/phones/<contact>", views=views, is_json=True)

    def show(self, request: ApiRequest, contact: str) -> ApiAnswer:
        """Show a phone's settings, the texts that it sent and the messages that it has received, oldest first."""
        phone = self._phones.settings(read_address(contact))
        document = {
            "contact": phone.sid,
            "status": phone.status,
            "error_code": phone.error_code,
            "takes_media": phone.takes_media,
            "messages": [
                message_fields(message, self._context.profile, ".json") for message in self._phones.shown(phone.sid)
            ],
        }
        return PlainDocument(document=document)

    def update(self, request: ApiRequest, contact: str) -> ApiAnswer:
        """Set the delivery outcome of messages sent to a phone."""
        phone = self._phones.settings(read_address(contact))
        code = request.form.integer("ErrorCode", 1, 99_999, 20001)
        changed = replace(
            phone,
            status=request.form.choice("Status", DELIVERY_OUTCOMES) or phone.status,
            error_code=code if "Status" in request.form or code else phone.error_code,
            takes_media=request.form.flag("TakesMedia") if "TakesMedia" in request.form else phone.takes_media,
        )
        self._phones.save(changed)
        return self.show(request, contact)


def read_address(text: str) -> str:
    """Return an address in its stored form, however it is written.

    Raises: ApiError.
    """
    address = read_sender(text)
    if address is None or address.kind == "name":
        raise ApiError(20001, f"{shown(text)} is not a phone number: write it as +15558675310.")
    return address.text
