"""Twilio's side of the wire on this machine: the REST API, delivery, and webhooks as Twilio sends them.

A text that comes in goes this way::

    handsets -> receiving -> webhooks -> execution -> replying -> composing -> delivery

and a message that a client sends this one::

    rest.api -> rest.messages -> rest.sending -> composing -> delivery -> webhooks (its status)

What goes wrong on the way is in ``debugger``; ``assembly`` puts the parts together, ``emulator`` is what users hold.
"""

from .emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator
from .handsets import Handset
from .media import FetchedMedia
from .receiving import Turn

__all__ = ["ACCOUNT_SID", "AUTH_TOKEN", "Emulator", "FetchedMedia", "Handset", "Turn"]
