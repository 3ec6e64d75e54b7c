"""Whether a run may begin: the words, who answers, the limits of a conversation and a person, what can go on."""

from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from agents.hops import check_reachable, check_switched_on, read_hops
from agents.models import Agent
from conversations.attachments import check_count
from conversations.models import Conversation, Generation, Message
from providers.budgets.gate import check_budget
from providers.errors import BudgetExceeded

RETRY_AFTER = 5  # seconds after which a person who was refused may ask again


class RunActive(Exception):
    """The conversation is waiting for an answer already."""

    def __init__(self) -> None:
        super().__init__(_("An answer is still being written here. Wait for it or stop it first."))


class TooManyRuns(Exception):
    """The person has as many answers under way as are allowed. ``retry_after`` is in seconds."""

    retry_after = RETRY_AFTER

    def __init__(self, limit: int) -> None:
        message = ngettext(
            "You have %(limit)d answer under way, as many as are allowed. Wait for it to finish or stop it.",
            "You have %(limit)d answers under way, as many as are allowed. Wait for one to finish or stop one.",
            limit,
        )
        super().__init__(message % {"limit": limit})


class NothingToContinue(Exception):
    """The answer is whole, is empty, or has been answered already."""


def check_content(content: str, attachments: Sequence[object] = ()) -> None:
    """Raise ``ValidationError`` unless these words can be sent; with pictures there may be none."""
    check_count(attachments)
    if not content.strip() and not attachments:
        raise ValidationError({"content": _("Write something first.")})
    if len(content) > settings.MAX_MESSAGE_LENGTH:
        problem = _("This message has %(length)s characters; %(limit)s are allowed. Shorten it or split it.")
        figures = {"length": f"{len(content):,}", "limit": f"{settings.MAX_MESSAGE_LENGTH:,}"}
        raise ValidationError({"content": problem % figures})
    if "\0" in content or any("\ud800" <= char <= "\udfff" for char in content):
        raise ValidationError({"content": _("The message contains characters that cannot be stored.")})


def choose_agent(agent: Agent | None, user: User) -> Agent:
    """The agent, if the person may use it and its own provider or one of its fallbacks can be asked.

    Raises ``ValidationError`` or ``ProviderError`` with the reason otherwise.
    """
    if agent is None or not (agent.is_bare or Agent.objects.visible_to(user).filter(pk=agent.pk).exists()):
        raise ValidationError({"agent": _("Choose an agent first.")})
    check_switched_on(agent)
    if not agent.model:
        message = _("%(agent)s has no model yet. Choose one in the agent's settings.")
        raise ValidationError({"agent": message % {"agent": agent.name}})
    check_reachable(agent)
    check_budgets(agent, user)
    return agent


def check_budgets(agent: Agent, user: User) -> None:
    """Raise ``BudgetExceeded`` if all that the agent could ask now counts to a budget that is used up."""
    refusal: BudgetExceeded | None = None
    for hop in read_hops(agent):
        if not hop.provider.is_active:
            continue
        try:
            check_budget(user, hop.provider)
        except BudgetExceeded as error:
            refusal = refusal or error
        else:
            return
    if refusal is not None:
        raise refusal


def refuse_second_run(conversation: Conversation) -> None:
    """Raise ``RunActive`` while an answer is being written."""
    if Generation.objects.filter(conversation=conversation).active().exists():
        raise RunActive


def admit_run(user: User) -> None:
    """Raise ``TooManyRuns`` if the person may not have another run. Call it in the transaction that queues the run.

    The person's row is locked until then: parallel sends are counted one after the other.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Generation.objects.visible_to(user).active().count() >= settings.USER_RUNS:
        raise TooManyRuns(settings.USER_RUNS)


def check_continuable(generation: Generation) -> None:
    """Raise ``NothingToContinue``, with the reason, unless the answer of a run that is over was cut off."""
    message = generation.message
    if message.children.exists():
        raise NothingToContinue(_("The conversation went on after this answer. Regenerate it instead."))
    if message.generations.latest("queued_at").pk != generation.pk:
        raise NothingToContinue(_("This answer has been continued already."))
    if not is_cut_off(generation, message):
        raise NothingToContinue(_("This answer is complete: there is nothing to continue."))


def is_cut_off(generation: Generation, message: Message) -> bool:
    """Whether a run ended before its answer did, with something to go on from."""
    match generation.status:
        case Generation.Status.INTERRUPTED:
            return True
        case Generation.Status.FAILED | Generation.Status.CANCELLED:
            return bool(message.content.strip())
        case Generation.Status.COMPLETED:
            return generation.finish_reason == "length" and bool(message.content.strip())
    return False
