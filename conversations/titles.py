"""Titles: the first words at once, and later one by a cheap model, only where the operator has named one."""

import logging
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from conversations.models import Conversation, Generation, Message
from conversations.models.conversation import ConversationQuerySet
from conversations.publication import publish_change
from providers import broker, engine
from providers.errors import ProviderError, ProviderNotFound
from providers.fitting import fit_request
from providers.generation import complete
from providers.ledger import estimate_usage, record_usage
from providers.models import Provider
from providers.retry import NO_RETRY
from providers.types import ChatMessage, ChatRequest

logger = logging.getLogger(__name__)

TITLE_TASK = "conversations.tasks.write_title"
BOOKED_AS = "Title"
PROMPT = (
    "Give this conversation a title of two to six words in its own language. Answer with the title alone: "
    "no quotation marks, no full stop, no explanation."
)
EXCERPT = 2000  # characters of the question and of the answer that the title model reads
LONGEST = 80  # characters of a title
GUESS_LENGTH = 60  # characters of the title that the first words make
ROOM = 400  # tokens: some models think before they write six words
LIMIT = 15.0  # seconds for a title: less than a stopping worker waits


def make_title(content: str) -> str:
    """The first words of the first message."""
    words = " ".join(content.split())
    return words if len(words) <= GUESS_LENGTH else words[:GUESS_LENGTH].rsplit(" ", 1)[0] + "…"


def wish_for_title(conversation_id: UUID) -> None:
    """After the first completed answer, on commit, ask for a title where the operator wants one."""
    if not settings.TITLE_MODEL:
        return
    completed = Generation.objects.filter(conversation=conversation_id, status=Generation.Status.COMPLETED)
    if completed.count() == 1 and _untitled(conversation_id).exists():
        transaction.on_commit(partial(broker.send_task, TITLE_TASK, str(conversation_id)), robust=True)


def write_title(conversation_id: UUID) -> None:
    """Ask the model and store its title, unless the conversation has got another one meanwhile.

    A failure is logged and changes nothing.
    """
    conversation = _untitled(conversation_id).select_related("owner").first()
    talk = _beginning(conversation_id)
    if conversation is None or len(talk) < 2:
        return
    try:
        title = _ask(conversation, talk)
    except (ProviderError, TimeoutError) as error:
        logger.warning("The title model %s failed: %s", settings.TITLE_MODEL, str(error) or "too slow")
        return
    if title and _untitled(conversation_id).update(title=title, is_title_automatic=False):
        publish_change(conversation_id)


def _untitled(conversation_id: UUID) -> ConversationQuerySet:
    return Conversation.objects.filter(pk=conversation_id, is_title_automatic=True)


def _beginning(conversation_id: UUID) -> list[Message]:
    """The first completed answer, after its question."""
    answers = Message.objects.filter(conversation=conversation_id, generations__status=Generation.Status.COMPLETED)
    answer = answers.select_related("parent").first()
    return [answer.parent, answer] if answer is not None and answer.parent is not None else []


def _ask(conversation: Conversation, talk: list[Message]) -> str:
    slug, _, model = settings.TITLE_MODEL.partition("/")
    provider = Provider.objects.active().filter(slug=slug, is_shared=True).first()
    if provider is None:
        raise ProviderNotFound(provider=slug, model=model)
    text = "\n\n".join(f"{message.role}: {message.content[:EXCERPT]}" for message in talk)
    question = ChatRequest(
        model=model, messages=(ChatMessage("user", f"{PROMPT}\n\n{text}"),), max_tokens=ROOM, temperature=0
    )
    request, _dropped = fit_request(provider, question)
    completion = engine.run(complete(provider, request, policy=NO_RETRY), timeout=LIMIT)
    record_usage(
        user=conversation.owner,
        provider=provider,
        model=model,
        usage=completion.usage or estimate_usage(request, completion.text),
        agent_name=BOOKED_AS,
    )
    return clean_title(completion.text)


def clean_title(text: str) -> str:
    """The first line of what a model wrote, without the ornaments that models like; empty when nothing is left."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    words = " ".join("".join(char for char in line if char.isprintable()).split())
    return words.strip("\"'*#`_“”„«» ").removesuffix(".")[:LONGEST].strip()
