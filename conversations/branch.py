"""The branch of a conversation that is shown: from the first message to the head."""

from uuid import UUID

from django.db.models import Q

from conversations.models import Conversation, Generation, Message


def dress(path: list[UUID], conversation_id: UUID) -> list[Message]:
    """These messages of a conversation, in this order, as ``active_branch`` gives them; no others are read."""
    messages = Message.objects.filter(conversation=conversation_id)
    parents: dict[UUID, UUID | None] = dict(messages.filter(pk__in=path).values_list("pk", "parent_id"))
    above = set(parents.values())
    beside = Q(parent__in=above - {None}) | (Q(parent=None) if None in above else Q(pk__in=[]))
    children: dict[UUID | None, list[UUID]] = {}
    for pk, parent in messages.filter(beside).order_by("created_at", "id").values_list("pk", "parent_id"):
        children.setdefault(parent, []).append(pk)
    return _load(path, parents, children)


def active_branch(conversation: Conversation) -> list[Message]:
    """The messages from the root to the head, oldest first, in four queries.

    Each has ``run`` (its latest generation or ``None``) and ``sibling_ids`` (its versions in order, itself included).
    """
    parents, children = _tree(conversation.pk)
    return _load(_path(conversation.head_id, parents), parents, children)


def branch_to(message: Message) -> list[Message]:
    """The messages from the root to this one, oldest first, without runs and versions."""
    parents, _children = _tree(message.conversation_id)
    path = _path(message.pk, parents)
    found = Message.objects.prefetch_related("attachments").in_bulk(path)
    return [found[pk] for pk in path]


def is_on_active_branch(conversation: Conversation, message_id: UUID) -> bool:
    """Whether a message is on the branch that is shown."""
    parents, _children = _tree(conversation.pk)
    return message_id in _path(conversation.head_id, parents)


def all_below(message: Message) -> list[UUID]:
    """This message and everything that was said below it, in every version."""
    _parents, children = _tree(message.conversation_id)
    found = [message.pk]
    for pk in found:
        found.extend(children.get(pk, []))
    return found


def newest_below(message: Message) -> UUID:
    """The newest message without children at or below this one."""
    parents, children = _tree(message.conversation_id)
    ends, waiting = set[UUID](), [message.pk]
    while waiting:
        pk = waiting.pop()
        below = children.get(pk, [])
        waiting.extend(below)
        if not below:
            ends.add(pk)
    return [pk for pk in parents if pk in ends][-1]


def _path(position: UUID | None, parents: dict[UUID, UUID | None]) -> list[UUID]:
    """From the root to ``position``."""
    path = []
    while position is not None and position in parents:
        path.append(position)
        position = parents[position]
    return path[::-1]


def _tree(conversation_id: UUID) -> tuple[dict[UUID, UUID | None], dict[UUID | None, list[UUID]]]:
    """Every message's parent, and every message's children in order."""
    rows = list(
        Message.objects.filter(conversation=conversation_id).order_by("created_at", "id").values_list("pk", "parent_id")
    )
    parents: dict[UUID, UUID | None] = dict(rows)
    children: dict[UUID | None, list[UUID]] = {}
    for pk, parent in rows:
        children.setdefault(parent, []).append(pk)
    return parents, children


def _load(path: list[UUID], parents: dict[UUID, UUID | None], children: dict[UUID | None, list[UUID]]) -> list[Message]:
    # The runs first: what a run that is over has written is in the message that is read afterwards.
    runs = {run.message_id: run for run in Generation.objects.filter(message__in=path).order_by("queued_at")}
    messages = Message.objects.select_related("agent").prefetch_related("attachments").in_bulk(path)
    branch = []
    for pk in path:
        message = messages[pk]
        message.run = runs.get(pk)
        message.sibling_ids = children[parents[pk]]
        branch.append(message)
    return branch
