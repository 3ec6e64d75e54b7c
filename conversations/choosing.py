"""Who answers in a conversation from the next message on."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from agents.models import Agent
from conversations.models import Conversation
from providers.models import Provider
from providers.validation import clean_line

MODEL_LENGTH = 200


def choose_answerer(
    *, conversation: Conversation, agent: Agent | None = None, provider: Provider | None = None, model: str = ""
) -> None:
    """An agent, or a provider's model that answers alone. What is being written is left alone.

    The caller has looked up both through ``visible_to``. Raises ``ValidationError`` (``model``).
    """
    model = check_answerer(agent, provider, model)
    Conversation.objects.filter(pk=conversation.pk).update(agent=agent, provider=provider, model=model)


def check_answerer(agent: Agent | None, provider: Provider | None, model: str) -> str:
    """The model's name as it is stored; raises ``ValidationError`` (``model``) unless just one of them can answer."""
    try:
        model = clean_line(model, MODEL_LENGTH)
    except ValidationError as error:
        raise ValidationError({"model": error.messages}) from None
    if bool(model) != (provider is not None):
        raise ValidationError({"model": _("A provider and a model belong together: give both or neither.")})
    if agent is not None and model:
        raise ValidationError({"model": _("Either an agent answers or a model does: name one of them.")})
    return model
