"""Conversations: state for one contact and one sender, and dialogs that ask questions."""

from .answers import Location, choice
from .checking import check_dialogs, describe_dialog
from .conversation import Conversation
from .conversations import ConversationKeeper
from .engine import Dialogs
from .later import LaterTurns, answer_postponed
from .open_dialogs import OpenDialogs
from .postponing import postponing
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
    "LaterTurns",
    "Location",
    "OpenDialogs",
    "Question",
    "Reply",
    "StoredDialog",
    "answer_postponed",
    "ask",
    "check_dialogs",
    "choice",
    "describe_dialog",
    "postponing",
    "step",
]
