"""Conversations, their messages, and the runs that produce answers."""

from conversations.models.conversation import Conversation
from conversations.models.generation import ACTIVE, Generation
from conversations.models.message import Message, SendKey

__all__ = ["ACTIVE", "Conversation", "Generation", "Message", "SendKey"]
