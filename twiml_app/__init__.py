"""Receive and answer Twilio messages: the router, the events and the TwiML verbs that handlers use."""

from .alerts import Alert as Alert
from .conversations import Conversation as Conversation
from .conversations import Dialog as Dialog
from .conversations import DialogStart as DialogStart
from .conversations import Location as Location
from .conversations import ask as ask
from .conversations import choice as choice
from .conversations import start as start
from .conversations import step as step
from .conversations import wait_for as wait_for
from .enqueueing import EnqueuedWork as EnqueuedWork
from .enqueueing import enqueue as enqueue
from .enqueueing import enqueue_at as enqueue_at
from .enqueueing import enqueue_in as enqueue_in
from .events import InboundMedia as InboundMedia
from .events import InboundMessage as InboundMessage
from .events import StatusCallback as StatusCallback
from .reactions import Reaction as Reaction
from .routing import Router as Router
from .sending import cancel as cancel
from .sending import send as send
from .twiml import MessagingResponse as MessagingResponse
from .verbs import Body as Body
from .verbs import Media as Media
from .verbs import Message as Message
from .verbs import Redirect as Redirect

__all__ = [
    "Alert",
    "Body",
    "Conversation",
    "Dialog",
    "DialogStart",
    "EnqueuedWork",
    "InboundMedia",
    "InboundMessage",
    "Location",
    "Media",
    "Message",
    "MessagingResponse",
    "Reaction",
    "Redirect",
    "Router",
    "StatusCallback",
    "ask",
    "cancel",
    "choice",
    "enqueue",
    "enqueue_at",
    "enqueue_in",
    "send",
    "start",
    "step",
    "wait_for",
]
