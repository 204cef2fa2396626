"""Messages that the program sends first: stored with the answer of a handler, or at once, and sent at a pace."""

from .api import Answer, Api, SentMessage, TwilioApi, can_send, credentials_of
from .asking import Send, cancel, send
from .dispatcher import Dispatcher
from .sending import Sending, make_sending

__all__ = [
    "Answer",
    "Api",
    "Dispatcher",
    "Send",
    "Sending",
    "SentMessage",
    "TwilioApi",
    "can_send",
    "cancel",
    "credentials_of",
    "make_sending",
    "send",
]
