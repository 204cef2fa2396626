"""Conversations: state for one contact and one sender, whose messages are answered one after the other."""

from .conversation import Conversation
from .conversations import ConversationKeeper

__all__ = ["Conversation", "ConversationKeeper"]
