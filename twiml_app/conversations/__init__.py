"""Conversations: state for one contact and one sender, and dialogs that ask questions."""

from .answers import Location, choice
from .checking import check_dialogs, describe_dialog
from .conversation import Conversation
from .conversations import ConversationKeeper
from .engine import Dialogs
from .open_dialogs import OpenDialogs
from .questions import Dialog, Question, Reply, ask, step
from .runs import EARLY_S, Arrival, DialogTurn
from .stored import StoredDialog

__all__ = [
    "EARLY_S",
    "Arrival",
    "Conversation",
    "ConversationKeeper",
    "Dialog",
    "DialogTurn",
    "Dialogs",
    "Location",
    "OpenDialogs",
    "Question",
    "Reply",
    "StoredDialog",
    "ask",
    "check_dialogs",
    "choice",
    "describe_dialog",
    "step",
]
