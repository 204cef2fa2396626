"""Conversations: state for one contact and one sender, and dialogs that ask questions."""

from .answers import Location, choice
from .checking import check_dialogs, describe_dialog
from .conversation import Conversation
from .conversations import ConversationKeeper
from .engine import Dialogs
from .later import LaterTurns, answer_postponed, follow_up_dialog, resume_dialog, start_dialog
from .open_dialogs import OpenDialogs
from .postponing import postponing
from .questions import Dialog, Question, Reply, ask, step, wait_for
from .runs import EARLY_S, Arrival, DialogTurn
from .starting import start
from .stored import DialogStart, StoredDialog

__all__ = [
    "EARLY_S",
    "Arrival",
    "Conversation",
    "ConversationKeeper",
    "Dialog",
    "DialogStart",
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
    "follow_up_dialog",
    "postponing",
    "resume_dialog",
    "start",
    "start_dialog",
    "step",
    "wait_for",
]
