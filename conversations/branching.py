"""Writes on the tree of messages that start no run: showing another version, forking, deleting."""

import copy
import uuid
from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from conversations import publication
from conversations.attachments import carry_over
from conversations.branch import all_below, branch_to, newest_below
from conversations.log import delete_logs
from conversations.models import Conversation, Generation, Message
from conversations.services import lock_conversation, request_stop

TITLE_LIMIT = 200


def select_version(*, message: Message) -> Conversation:
    """Show the branch through this message, down to the newest message below it; returns the conversation.

    A run on another branch goes on. Open pages follow.
    """
    with transaction.atomic():
        conversation = lock_conversation(message.conversation_id)
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
            provider=conversation.provider,
            model=conversation.model,
            parameters=conversation.parameters,
            folder=conversation.folder,
            title=_fork_title(conversation.title),
            is_title_automatic=False,
        )
        branch = branch_to(message)
        copies = _copies(branch, fork)
        Message.objects.bulk_create(copies, batch_size=100)
        carry_over(copies={old.pk: twin for old, twin in zip(branch, copies, strict=True)}, user=user)
        Conversation.objects.filter(pk=fork.pk).update(head=copies[-1])
    fork.refresh_from_db()
    return fork


def delete_message(*, message: Message) -> Conversation:
    """Delete a message for good, with everything below it; returns the conversation.

    A run that writes there is stopped. What is shown then is the newest other version, else what is above.
    """
    for generation in Generation.objects.filter(message__in=all_below(message)).active():
        request_stop(generation=generation)
    with transaction.atomic():
        # First, as a send does: whoever locks messages first waits for the other for ever.
        conversation = lock_conversation(message.conversation_id)
        doomed = all_below(message)
        if conversation.head_id in doomed:
            conversation.head_id = _head_without(message)
        Conversation.objects.filter(pk=conversation.pk).update(head=conversation.head_id, updated_at=Now())
        runs = list(Generation.objects.filter(message__in=doomed).values_list("pk", flat=True))
        Message.objects.filter(pk__in=doomed).delete()
        transaction.on_commit(partial(delete_logs, runs), robust=True)
        transaction.on_commit(partial(publication.publish_change, conversation.pk), robust=True)
    return conversation


def _head_without(message: Message) -> uuid.UUID | None:
    """The end of the branch when the message is gone."""
    beside = Message.objects.filter(conversation=message.conversation_id, parent=message.parent_id)
    other = beside.exclude(pk=message.pk).order_by("created_at", "id").last()
    return newest_below(other) if other is not None else message.parent_id


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
