"""Twilio's side of the wire on this machine: the REST API, delivery, and webhooks as Twilio sends them."""

from .emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator
from .handsets import Handset
from .media import FetchedMedia
from .receiving import Turn

__all__ = ["ACCOUNT_SID", "AUTH_TOKEN", "Emulator", "FetchedMedia", "Handset", "Turn"]
