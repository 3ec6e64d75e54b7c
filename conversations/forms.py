"""The composer."""

import uuid

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.hops import is_reachable
from agents.models import Agent, AgentQuerySet
from conversations.attachment_forms import AttachmentsField
from conversations.models import Folder
from providers.models import ProviderModel
from providers.models.catalogue import ProviderModelQuerySet

KEY_LENGTH = 64


def new_key() -> str:
    """The idempotency key of one rendered composer."""
    return uuid.uuid4().hex


def ready_agents(user: User) -> AgentQuerySet:
    """The agents that can answer this person now."""
    agents = Agent.objects.visible_to(user).usable().exclude(model="")
    falling_back = agents.exclude(provider__is_active=True).exclude(fallbacks=[]).select_related("provider", "owner")
    others = [agent.pk for agent in falling_back if is_reachable(agent)]
    ready: AgentQuerySet = agents.filter(Q(provider__is_active=True) | Q(pk__in=others))
    return ready.select_related("provider")


def offered_models(user: User) -> ProviderModelQuerySet:
    """The models that can answer this person alone."""
    return ProviderModel.objects.visible_to(user).offered().select_related("provider")


class ComposerForm(forms.Form):
    """What a person says, to which agent, or to which model: a row of the catalogue. An agent goes before a model."""

    content = forms.CharField(
        label=_("Message"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 1, "autocomplete": "off", "aria-describedby": "composer-error"}),
    )
    starter = forms.CharField(required=False, strip=False, max_length=settings.MAX_MESSAGE_LENGTH)
    key = forms.CharField(required=False, max_length=KEY_LENGTH)
    agent = forms.ModelChoiceField(label=_("Agent"), queryset=Agent.objects.none(), required=False, empty_label=None)
    model = forms.ModelChoiceField(queryset=ProviderModel.objects.none(), required=False)
    folder = forms.ModelChoiceField(queryset=Folder.objects.none(), required=False)
    attachments = AttachmentsField()
    temporary = forms.BooleanField(required=False)

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choice = self.fields["agent"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        choice.queryset = ready_agents(user)
        model = self.fields["model"]
        assert isinstance(model, forms.ModelChoiceField)  # noqa: S101 - as above
        model.queryset = offered_models(user)
        folder = self.fields["folder"]
        assert isinstance(folder, forms.ModelChoiceField)  # noqa: S101 - as above
        folder.queryset = Folder.objects.visible_to(user)

    @property
    def words(self) -> str:
        """What is to be sent: a starter prompt if one was pressed, else what was written."""
        return str(self.cleaned_data.get("starter") or self.cleaned_data.get("content") or "")


class EditForm(forms.Form):
    """A new version of one's own message."""

    attachments = AttachmentsField()
    content = forms.CharField(required=False, strip=False)
    key = forms.CharField(required=False, max_length=KEY_LENGTH)


class RegenerateForm(forms.Form):
    """Who answers again: nothing chosen means the same as before. ``model`` is a row of the catalogue."""

    agent = forms.ModelChoiceField(
        queryset=Agent.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This agent cannot answer now. Choose another.")},
    )
    model = forms.ModelChoiceField(
        queryset=ProviderModel.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This model is not offered any more. Choose another.")},
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        agent, model = self.fields["agent"], self.fields["model"]
        assert isinstance(agent, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        assert isinstance(model, forms.ModelChoiceField)  # noqa: S101 - as above
        agent.queryset = ready_agents(user)
        model.queryset = offered_models(user)


class ChoiceForm(RegenerateForm):
    """Who answers from now on."""


class DefaultsForm(forms.Form):
    """How a person's new conversations begin."""

    agent = forms.ModelChoiceField(
        label=_("Agent"),
        queryset=Agent.objects.none(),
        required=False,
        empty_label=_("The one you talked to last"),
    )
    temporary = forms.BooleanField(
        label=_("Temporary unless you say otherwise"),
        required=False,
        help_text=_("Nothing of a temporary conversation is kept once you leave its page."),
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choice = self.fields["agent"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        choice.queryset = ready_agents(user)
