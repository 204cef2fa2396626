"""Recorded conversations under every fault that the emulator knows: does a person notice?

``recorded`` reads what people texted, ``trials`` says which faults there are and what must be true in spite of them,
``program`` is the application next to an emulator, ``runs`` plays a conversation to it, and ``judging`` compares.
"""

from .chaos import RESULTS, UNDISTURBED, Limits, Result, try_all
from .program import TriedApp
from .recorded import Conversation, RecordedText, read_conversations
from .trials import RESTART, TRIALS, Trial

__all__ = [
    "RESTART",
    "RESULTS",
    "TRIALS",
    "UNDISTURBED",
    "Conversation",
    "Limits",
    "RecordedText",
    "Result",
    "Trial",
    "TriedApp",
    "read_conversations",
    "try_all",
]
