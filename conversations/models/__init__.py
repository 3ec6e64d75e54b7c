"""Conversations, their messages, and the runs that produce answers."""

from conversations.models.attachment import Attachment
from conversations.models.conversation import Conversation, Folder, Tag
from conversations.models.generation import ACTIVE, Generation
from conversations.models.message import Message, SendKey
from conversations.models.prompt import Prompt
from conversations.models.search import Query, SearchEntry
from conversations.models.share import Share

__all__ = [
    "ACTIVE",
    "Attachment",
    "Conversation",
    "Folder",
    "Generation",
    "Message",
    "Prompt",
    "Query",
    "SearchEntry",
    "SendKey",
    "Share",
    "Tag",
]
