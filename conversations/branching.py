"""Writes on the tree of messages that start no run: showing another version, forking."""

import copy
import uuid
from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from conversations import publication
from conversations.branch import branch_to, newest_below
from conversations.models import Conversation, Message

TITLE_LIMIT = 200


def select_version(*, message: Message) -> Conversation:
    """Show the branch through this message, down to the newest message below it; returns the conversation.

    A run on another branch goes on. Open pages follow.
    """
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update(of=("self",)).get(pk=message.conversation_id)
        head = newest_below(message)
        if conversation.head_id != head:
            Conversation.objects.filter(pk=conversation.pk).update(head=head)
            transaction.on_commit(partial(publication.publish_change, conversation.pk), robust=True)
    conversation.head_id = head
    return conversation


def fork_conversation(*, user: User, conversation: Conversation, message: Message) -> Conversation:
    """A new conversation of ``user`` with copies of the messages from the first to this one, without their runs.

    Raises ``ValidationError`` (``message``) when the message is not of this conversation.
    """
    if message.conversation_id != conversation.pk:
        raise ValidationError({"message": _("The message must be of this conversation.")})
    with transaction.atomic():
        fork = Conversation.objects.create(
            owner=user,
            agent=conversation.agent,
            folder=conversation.folder,
            title=_fork_title(conversation.title),
            is_title_automatic=False,
        )
        copies = _copies(branch_to(message), fork)
        Message.objects.bulk_create(copies, batch_size=100)
        Conversation.objects.filter(pk=fork.pk).update(head=copies[-1])
    fork.refresh_from_db()
    return fork


def _fork_title(title: str) -> str:
    suffix = " " + _("(fork)")
    return (title or _("New conversation"))[: TITLE_LIMIT - len(suffix)] + suffix


def _copies(branch: list[Message], fork: Conversation) -> list[Message]:
    """Unsaved messages in the same order: a parent has to be inserted before its children."""
    copies: list[Message] = []
    for message in branch:
        twin = copy.copy(message)
        twin.pk, twin.conversation, twin.parent = uuid.uuid4(), fork, copies[-1] if copies else None
        twin._state.adding = True
        copies.append(twin)
    return copies
