"""Writes on conversations: send, edit, regenerate, stop. A send is one transaction; the task follows its commit."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from agents.models import Agent
from conversations import publication
from conversations.admission import NothingToContinue, admit_run, check_continuable
from conversations.control import publish_stop
from conversations.log import delete_logs
from conversations.models import Conversation, Folder, Generation, Message, SendKey
from conversations.reaper import end_queued
from providers.errors import ProviderInactive, ProviderNotFound
from providers.models import Provider

KEY_LIFETIME = timedelta(days=7)
TITLE_LENGTH = 60


class RunActive(Exception):
    """The conversation is waiting for an answer already."""

    def __init__(self) -> None:
        super().__init__(_("An answer is still being written here. Wait for it or stop it first."))


class KeyReused(Exception):
    """The same idempotency key came with another message."""

    def __init__(self) -> None:
        super().__init__(_("This Idempotency-Key was used for another message. Use a new key for a new message."))


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send made: the person's message, the answer to come, and the run that writes it."""

    message: Message
    reply: Message
    generation: Generation


class Override(NamedTuple):
    """A model that one answer is asked of instead of its agent's own; none without a ``model``."""

    provider: Provider | None = None
    model: str = ""

    def of(self, agent: Agent | None) -> Agent | None:
        """The agent over that model; never saved."""
        return agent.over(self.provider, self.model) if agent is not None and self.model else agent


OWN_MODEL = Override()


def start_conversation(
    *,
    user: User,
    agent: Agent | None,
    title: str = "",
    folder: Folder | None = None,
    is_temporary: bool = False,
) -> Conversation:
    """An empty conversation. A temporary one keeps its title: no other model hears of it."""
    title = title.strip()[:200] or (_("Temporary conversation") if is_temporary else "")
    return Conversation.objects.create(
        owner=user,
        agent=agent,
        folder=folder,
        title=title,
        is_title_automatic=not title,
        is_temporary=is_temporary,
    )


def send_message(
    *,
    user: User,
    conversation: Conversation,
    content: str,
    parent: Message | None = None,
    agent: Agent | None = None,
    key: str = "",
) -> Sent:
    """Append a message to the shown branch (or below ``parent``) and queue its answer.

    The same ``key`` sends once: a repetition returns what the first call made. Raises ``ValidationError`` (``content``,
    ``agent``, ``parent``), ``ProviderError``, ``RunActive``, ``TooManyRuns``, ``KeyReused``.
    """
    _check_content(content)
    if parent is not None and (parent.conversation_id != conversation.pk or parent.role != Message.Role.ASSISTANT):
        raise ValidationError({"parent": _("The parent must be an answer in this conversation.")})
    digest = _digest("send", str(conversation.pk), content, str(parent.pk if parent else ""))
    with transaction.atomic():
        conversation = _lock(conversation)
        if (earlier := _earlier(user, key, digest)) is not None:
            return earlier
        chosen = _usable(agent or conversation.agent, user)
        _refuse_second_run(conversation)
        above = parent or _end_of(conversation)
        message = Message.objects.create(
            conversation=conversation, parent=above, role=Message.Role.USER, content=content
        )
        return _queue_reply(user, conversation, message, chosen, key=key, digest=digest)


def edit_message(*, user: User, message: Message, content: str, key: str = "") -> Sent:
    """A new version of one's own message, beside the old one, with a new answer. Raises as ``send_message``."""
    _check_content(content)
    if message.role != Message.Role.USER:
        raise ValidationError({"message": _("Only your own messages can be edited.")})
    digest = _digest("edit", str(message.pk), content)
    with transaction.atomic():
        conversation = _lock(message.conversation)
        if (earlier := _earlier(user, key, digest)) is not None:
            return earlier
        agent = _usable(conversation.agent, user)
        _refuse_second_run(conversation)
        version = Message.objects.create(
            conversation=conversation, parent=message.parent, role=Message.Role.USER, content=content
        )
        return _queue_reply(user, conversation, version, agent, key=key, digest=digest)


def regenerate(
    *,
    user: User,
    message: Message,
    agent: Agent | None = None,
    provider: Provider | None = None,
    model: str = "",
) -> Sent:
    """Another answer to the same message, beside the old one. Raises as ``send_message``.

    With ``provider`` and ``model`` this one answer comes from there instead of the agent's own model.
    """
    if message.role != Message.Role.ASSISTANT or message.parent is None:
        raise ValidationError({"message": _("Only answers can be regenerated.")})
    if bool(model) != (provider is not None):
        raise ValidationError({"model": _("A provider and a model belong together: give both or neither.")})
    with transaction.atomic():
        conversation = _lock(message.conversation)
        wanted = agent or message.agent or conversation.agent
        override = Override(provider, model)
        chosen = _usable(override.of(wanted), user)
        _refuse_second_run(conversation)
        return _queue_reply(user, conversation, message.parent, chosen, override=override)


def continue_generation(*, user: User, generation: Generation) -> Sent:
    """Let the model go on with an answer that was cut off: another run of the same message, from the text it has.

    Raises as ``send_message``, and ``NothingToContinue``.
    """
    with transaction.atomic():
        conversation = _lock(generation.conversation)
        message = Message.objects.select_related("parent", "agent").get(pk=generation.message_id)
        _refuse_second_run(conversation)
        generation = Generation.objects.select_related("message").get(pk=generation.pk)
        check_continuable(generation)
        override = Override(generation.override_provider, generation.override_model)
        agent = _usable(override.of(message.agent or conversation.agent), user)
        if message.parent is None:
            raise NothingToContinue(_("There is no question above this answer."))
        run = _queue_run(
            user,
            conversation,
            message,
            prefix=message.content,
            reasoning_prefix=message.reasoning,
            override=override,
        )
        Message.objects.filter(pk=message.pk).update(agent=agent, agent_name=agent.name)
        Conversation.objects.filter(pk=conversation.pk).update(head=message, updated_at=Now())
        return Sent(message.parent, message, run)


def request_stop(*, generation: Generation) -> None:
    """Stop a run: at once when it is queued, within a second when it is running; its text is kept."""
    Generation.objects.filter(pk=generation.pk).active().update(cancel_requested=True)
    if not end_queued(generation.pk):
        publish_stop(generation.pk)


def rename_conversation(*, conversation: Conversation, title: str) -> None:
    """Give a conversation a title; raises ``ValidationError``."""
    title = " ".join(title.split())
    if not title or len(title) > 200:
        raise ValidationError({"title": _("A title has 1 to 200 characters.")})
    Conversation.objects.filter(pk=conversation.pk).update(title=title, is_title_automatic=False)


def delete_conversation(*, conversation: Conversation) -> None:
    """Delete for good, with the logs of its runs; a run that is still going is stopped."""
    for generation in Generation.objects.filter(conversation=conversation).active():
        request_stop(generation=generation)
    with transaction.atomic():
        _lock(conversation)  # first, as a send does: whoever locks messages first waits for the other for ever
        runs = list(Generation.objects.filter(conversation=conversation).values_list("pk", flat=True))
        conversation.delete()
        transaction.on_commit(partial(delete_logs, runs), robust=True)


def _check_content(content: str) -> None:
    if not content.strip():
        raise ValidationError({"content": _("Write something first.")})
    if len(content) > settings.MAX_MESSAGE_LENGTH:
        problem = _("This message has %(length)s characters; %(limit)s are allowed. Shorten it or split it.")
        figures = {"length": f"{len(content):,}", "limit": f"{settings.MAX_MESSAGE_LENGTH:,}"}
        raise ValidationError({"content": problem % figures})
    if "\0" in content or any("\ud800" <= char <= "\udfff" for char in content):
        raise ValidationError({"content": _("The message contains characters that cannot be stored.")})


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _lock(conversation: Conversation) -> Conversation:
    """The row as it is now, locked: two sends to one conversation come one after the other."""
    return Conversation.objects.select_for_update(of=("self",)).get(pk=conversation.pk)


def _earlier(user: User, key: str, digest: str) -> Sent | None:
    """What an earlier send with this key made; claims the key when there was none."""
    if not key:
        return None
    if len(key) > 200:
        raise ValidationError({"key": _("An Idempotency-Key has at most 200 characters.")})
    SendKey.objects.filter(user=user, key=key, created_at__lt=timezone.now() - KEY_LIFETIME).delete()
    claimed, is_new = SendKey.objects.get_or_create(user=user, key=key, defaults={"digest": digest})
    if is_new:
        return None
    if claimed.digest != digest or claimed.reply is None or claimed.reply.parent is None:
        raise KeyReused
    return Sent(claimed.reply.parent, claimed.reply, claimed.reply.generations.latest("queued_at"))


def _usable(agent: Agent | None, user: User) -> Agent:
    """The agent, if the person may use it and it can answer; raises with the reason otherwise."""
    if agent is None or not Agent.objects.visible_to(user).filter(pk=agent.pk).exists():
        raise ValidationError({"agent": _("Choose an agent first.")})
    if not agent.is_active:
        raise ValidationError({"agent": _("%(agent)s is switched off. Choose another agent.") % {"agent": agent.name}})
    if agent.provider is None:
        raise ProviderNotFound
    if not agent.provider.is_active:
        raise ProviderInactive(provider=agent.provider.name)
    if not agent.model:
        message = _("%(agent)s has no model yet. Choose one in the agent's settings.")
        raise ValidationError({"agent": message % {"agent": agent.name}})
    return agent


def _end_of(conversation: Conversation) -> Message | None:
    """What a new message follows: the last answer. Words that have none, as in a fork, are left to their own branch."""
    head = conversation.head
    return head.parent if head is not None and head.role == Message.Role.USER else head


def _refuse_second_run(conversation: Conversation) -> None:
    if Generation.objects.filter(conversation=conversation).active().exists():
        raise RunActive


def _queue_reply(
    user: User,
    conversation: Conversation,
    message: Message,
    agent: Agent,
    *,
    key: str = "",
    digest: str = "",
    override: Override = OWN_MODEL,
) -> Sent:
    """The empty answer and its run, and on commit the task."""
    reply = Message.objects.create(
        conversation=conversation, parent=message, role=Message.Role.ASSISTANT, agent=agent, agent_name=agent.name
    )
    generation = _queue_run(user, conversation, reply, override=override)
    if key:
        SendKey.objects.filter(user=user, key=key, digest=digest).update(reply=reply)
    Conversation.objects.filter(pk=conversation.pk).update(
        head=reply, agent=agent, updated_at=Now(), title=conversation.title or make_title(message.content), draft=""
    )
    return Sent(message, reply, generation)


def _queue_run(
    user: User,
    conversation: Conversation,
    reply: Message,
    *,
    prefix: str = "",
    reasoning_prefix: str = "",
    override: Override = OWN_MODEL,
) -> Generation:
    """The run that writes ``reply``, and on commit its task; raises ``TooManyRuns``."""
    admit_run(user)
    generation = Generation.objects.create(
        conversation=conversation,
        message=reply,
        prefix=prefix,
        reasoning_prefix=reasoning_prefix,
        override_provider=override.provider,
        override_model=override.model,
        published_at=Now(),
        publications=1,
    )
    transaction.on_commit(partial(publication.publish_run, generation.pk), robust=True)
    transaction.on_commit(partial(publication.publish_change, conversation.pk), robust=True)
    return generation


def make_title(content: str) -> str:
    """The first words of the first message."""
    words = " ".join(content.split())
    return words if len(words) <= TITLE_LENGTH else words[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"
