"""Writes on conversations: send, edit, regenerate, continue, stop. A send is one transaction; its task follows."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from agents.models import Agent
from conversations.admission import (
    NothingToContinue,
    check_content,
    check_continuable,
    choose_agent,
    refuse_second_run,
)
from conversations.attachments import give_to_message
from conversations.choosing import choose_answerer
from conversations.control import publish_stop
from conversations.idempotency import Once, claim_key, once, remember_reply
from conversations.log import delete_logs
from conversations.models import Conversation, Folder, Generation, Message
from conversations.parameters import Parameters
from conversations.queueing import Override, Sent, queue_reply, queue_run
from conversations.reaper import end_queued
from providers.models import Provider


def start_conversation(
    *,
    user: User,
    agent: Agent | None,
    provider: Provider | None = None,
    model: str = "",
    parameters: Parameters | None = None,
    title: str = "",
    folder: Folder | None = None,
    is_temporary: bool = False,
) -> Conversation:
    """An empty conversation with an agent, or with a model that answers alone.

    A temporary one keeps its title: no other model hears of it.
    """
    title = title.strip()[:200] or (_("Temporary conversation") if is_temporary else "")
    return Conversation.objects.create(
        owner=user,
        agent=agent,
        provider=None if agent else provider,
        model="" if agent else model,
        parameters=parameters or {},
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
    provider: Provider | None = None,
    model: str = "",
    key: str = "",
    attachments: Sequence[UUID] = (),
) -> Sent:
    """Append a message to the shown branch (or below ``parent``) and queue its answer.

    Whoever is named, an agent or a provider's model, answers from now on. ``attachments`` are unsent ones of the
    person's. The same ``key`` sends once: a repetition returns what the first call made. Raises ``ValidationError``
    (``content``, ``agent``, ``model``, ``parent``, ``attachments``), ``ProviderError``, ``RunActive``, ``TooManyRuns``,
    ``KeyReused``.
    """
    check_content(content, attachments)
    if parent is not None and (parent.conversation_id != conversation.pk or parent.role != Message.Role.ASSISTANT):
        raise ValidationError({"parent": _("The parent must be an answer in this conversation.")})
    named = (provider, model) if model else ()
    request = once(key, "send", conversation, content, parent, agent, *named, *map(str, attachments))
    with transaction.atomic():
        conversation = lock_conversation(conversation.pk)
        if (earlier := _earlier(user, request)) is not None:
            return earlier
        if model and agent is None:
            choose_answerer(conversation=conversation, provider=provider, model=model)
            conversation = lock_conversation(conversation.pk)
        chosen = choose_agent(agent or conversation.answerer, user)
        refuse_second_run(conversation)
        above = parent or _end_of(conversation)
        message = Message.objects.create(
            conversation=conversation, parent=above, role=Message.Role.USER, content=content
        )
        give_to_message(message=message, user=user, attachments=attachments)
        sent = queue_reply(user, conversation, message, chosen)
        Conversation.objects.filter(pk=conversation.pk).update(draft="")
        remember_reply(user, request, sent.reply)
        return sent


def edit_message(
    *, user: User, message: Message, content: str, key: str = "", attachments: Sequence[UUID] | None = None
) -> Sent:
    """A new version of one's own message, beside the old one, with a new answer. Raises as ``send_message``.

    ``attachments`` may also be those of the message; ``None`` keeps them all.
    """
    if message.role != Message.Role.USER:
        raise ValidationError({"message": _("Only your own messages can be edited.")})
    if attachments is None:
        attachments = list(message.attachments.values_list("pk", flat=True))
    check_content(content, attachments)
    request = once(key, "edit", message, content, *map(str, attachments))
    with transaction.atomic():
        conversation = lock_conversation(message.conversation_id)
        if (earlier := _earlier(user, request)) is not None:
            return earlier
        agent = choose_agent(conversation.answerer, user)
        refuse_second_run(conversation)
        version = Message.objects.create(
            conversation=conversation, parent=message.parent, role=Message.Role.USER, content=content
        )
        give_to_message(message=version, user=user, attachments=attachments, source=message)
        sent = queue_reply(user, conversation, version, agent)
        remember_reply(user, request, sent.reply)
        return sent


def regenerate(
    *,
    user: User,
    message: Message,
    agent: Agent | None = None,
    provider: Provider | None = None,
    model: str = "",
    key: str = "",
) -> Sent:
    """Another answer to the same message, beside the old one. Raises as ``send_message``.

    With ``provider`` and ``model`` this one answer comes from there instead of the agent's own model.
    """
    if message.role != Message.Role.ASSISTANT or message.parent is None:
        raise ValidationError({"message": _("Only answers can be regenerated.")})
    if bool(model) != (provider is not None):
        raise ValidationError({"model": _("A provider and a model belong together: give both or neither.")})
    request = once(key, "regenerate", message, agent, provider, model)
    with transaction.atomic():
        conversation = lock_conversation(message.conversation_id)
        if (earlier := _earlier(user, request)) is not None:
            return earlier
        override = Override(provider, model)
        chosen = choose_agent(override.of(agent or _answerer_of(message, user) or conversation.answerer, user), user)
        refuse_second_run(conversation)
        sent = queue_reply(user, conversation, message.parent, chosen, override=override)
        remember_reply(user, request, sent.reply)
        return sent


def continue_generation(*, user: User, generation: Generation, key: str = "") -> Sent:
    """Let the model go on with an answer that was cut off: another run of the same message, from the text it has.

    Raises as ``send_message``, and ``NothingToContinue``.
    """
    request = once(key, "continue", generation)
    with transaction.atomic():
        conversation = lock_conversation(generation.conversation_id)
        if (earlier := _earlier(user, request)) is not None:
            return earlier
        message = Message.objects.select_related("parent", "agent").get(pk=generation.message_id)
        refuse_second_run(conversation)
        generation = Generation.objects.select_related("message").get(pk=generation.pk)
        check_continuable(generation)
        override = Override(generation.override_provider, generation.override_model)
        agent = choose_agent(override.of(message.agent, user) or conversation.answerer, user)
        if message.parent is None:
            raise NothingToContinue(_("There is no question above this answer."))
        if agent.is_bare:
            override = Override(agent.provider, agent.model)
        run = queue_run(user, message, prefix=message.content, reasoning_prefix=message.reasoning, override=override)
        saved = None if agent.is_bare else agent
        Message.objects.filter(pk=message.pk).update(agent=saved, agent_name=agent.name)
        Conversation.objects.filter(pk=conversation.pk).update(head=message, updated_at=Now())
        remember_reply(user, request, message)
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
    if "\0" in title:
        raise ValidationError({"title": _("The title contains characters that cannot be stored.")})
    Conversation.objects.filter(pk=conversation.pk).update(title=title, is_title_automatic=False)


def delete_conversation(*, conversation: Conversation) -> None:
    """Delete for good, with the logs of its runs; a run that is still going is stopped."""
    for generation in Generation.objects.filter(conversation=conversation).active():
        request_stop(generation=generation)
    with transaction.atomic():
        # First, as a send does: whoever locks messages first waits for the other for ever.
        lock_conversation(conversation.pk)
        runs = list(Generation.objects.filter(conversation=conversation).values_list("pk", flat=True))
        conversation.delete()
        transaction.on_commit(partial(delete_logs, runs), robust=True)


def lock_conversation(conversation_id: UUID) -> Conversation:
    """The row as it is now, locked: two sends to one conversation come one after the other.

    Its key is left alone: an answer that ends enters itself in the search, which refers to the conversation.
    """
    return Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation_id)


def _earlier(user: User, request: Once) -> Sent | None:
    """What the same request has made before, with the answer's latest run."""
    reply = claim_key(user, request)
    if reply is None:
        return None
    assert reply.parent is not None  # noqa: S101 - an answer has a question
    return Sent(reply.parent, reply, reply.generations.latest("queued_at"))


def _answerer_of(message: Message, user: User) -> Agent | None:
    """Whoever gave this answer: its agent, or the model that was asked alone."""
    if message.agent is not None:
        return message.agent
    run = message.generations.select_related("override_provider").order_by("-queued_at").first()
    return Override(run.override_provider, run.override_model).of(None, user) if run else None


def _end_of(conversation: Conversation) -> Message | None:
    """What a new message follows: the last answer. Words that have none, as in a fork, are left to their own branch."""
    head = conversation.head
    return head.parent if head is not None and head.role == Message.Role.USER else head
