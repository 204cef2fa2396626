"""Twilio's side of the wire on this machine: the REST API, delivery, and webhooks as Twilio sends them.

A text that comes in goes this way::

    phones -> inbound -> webhooks -> twiml_execution -> replying -> composing -> delivery

and a message that a client sends this one::

    rest.api -> rest.messages -> rest.create_message -> composing -> delivery -> webhooks (its status)

What goes wrong on the way is in ``debugger``; ``parts`` puts it together, ``emulator`` is what users hold.
"""

from .emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions
from .inbound import EmulatedReply
from .media import FetchedMedia
from .numbers import read_sender
from .phones import EmulatedPhone
from .resources import DebuggerEntry, IncomingNumber
from .rest.request_log import LoggedRequest
from .webhook_log import LoggedWebhook

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "DebuggerEntry",
    "EmulatedPhone",
    "EmulatedReply",
    "Emulator",
    "EmulatorOptions",
    "FetchedMedia",
    "IncomingNumber",
    "LoggedRequest",
    "LoggedWebhook",
    "read_sender",
]
