"""The form of an agent."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.fallback_forms import fallback_rows
from agents.models import Agent
from agents.services import create_agent, update_agent
from providers.models import Provider

STARTERS_LIMIT = 3


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """Add or change an agent on behalf of a person."""

    starters = forms.CharField(
        label=_("Starter prompts"),
        required=False,
        max_length=2000,
        help_text=_("Up to three, one per line. They are offered when a conversation begins."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Agent
        fields = (
            "name",
            "description",
            "provider",
            "model",
            "system_prompt",
            "starters",
            "visibility",
            "is_active",
            "temperature",
            "top_p",
            "max_tokens",
        )
        labels: ClassVar = {
            "system_prompt": _("Instructions"),
            "visibility": _("Who can use it"),
            "is_active": _("Switched on"),
            "top_p": _("Top p"),
        }
        help_texts: ClassVar = {
            "description": _("One line for the people who choose it."),
            "model": _("Choose from the list, or write the name as the provider spells it."),
            "system_prompt": _("How it should answer: role, tone, what to leave out. Sent before every conversation."),
            "temperature": _("0 to 2; lower is steadier."),
            "top_p": _("0 to 1; usually left empty."),
            "max_tokens": _("In tokens."),
        }
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "model": forms.TextInput(attrs={"list": "models", "autocomplete": "off", "spellcheck": "false"}),
            "system_prompt": forms.Textarea(attrs={"rows": 6}),
            "visibility": forms.RadioSelect,
            "temperature": forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
            "top_p": forms.NumberInput(attrs={"step": "0.05", "inputmode": "decimal"}),
        }

    def __init__(self, *args: Any, user: User, agent: Agent | None = None, **kwargs: Any) -> None:
        self.user, self.agent = user, agent
        if agent is not None:
            kwargs["initial"] = {"starters": "\n".join(agent.starters)}
        kwargs["instance"] = agent
        super().__init__(*args, **kwargs)
        self.fallback_rows = fallback_rows(self.data if self.is_bound else None, user=user, agent=agent)
        self._offer_providers()
        self._offer_visibility()

    @property
    def has_fallbacks(self) -> bool:
        """Whether a row says something, right or wrong."""
        return any(row["provider"].value() or row["model"].value() for row in self.fallback_rows)

    def is_valid(self) -> bool:
        """With the rows of the fallbacks."""
        return all([super().is_valid(), *(row.is_valid() for row in self.fallback_rows if row.is_bound)])

    def clean_starters(self) -> list[str]:
        """One prompt per line."""
        lines = [line.strip() for line in self.cleaned_data["starters"].splitlines() if line.strip()]
        if len(lines) > STARTERS_LIMIT:
            raise ValidationError(_("Three at most: take some lines out."))
        return lines

    def _post_clean(self) -> None:
        """The service checks the values, so that forms, the API and commands have one judge."""

    def store(self) -> Agent | None:
        """The stored agent, or ``None`` when the service found something wrong; then the form says what."""
        changes: dict[str, Any] = {**self.cleaned_data}
        if all(row.is_bound for row in self.fallback_rows):
            changes["fallbacks"] = [row.fallback for row in self.fallback_rows if row.fallback]
        try:
            if self.agent is None:
                return create_agent(owner=self.user, **changes)
            if "provider" not in self.changed_data:
                del changes["provider"]
            return update_agent(agent=self.agent, **changes)
        except ValidationError as error:
            known = hasattr(error, "error_dict") and set(error.error_dict) <= set(self.fields)
            self.add_error(None, error if known else ValidationError(error.messages))
        return None

    def _offer_providers(self) -> None:
        field = self.fields["provider"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        offered = Provider.objects.visible_to(self.user).active()
        if self.agent is not None and self.agent.provider_id:
            offered |= Provider.objects.visible_to(self.user).filter(pk=self.agent.provider_id)
        field.queryset = offered
        field.required = True
        field.empty_label = None
        self.fields["model"].required = True
        if self.agent is None:
            first = offered.order_by("-is_default", "is_practice", "name").first()
            self.initial.setdefault("provider", first.pk if first else None)

    def _offer_visibility(self) -> None:
        field = self.fields["visibility"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker
        is_grouped = self.agent is not None and self.agent.visibility == Agent.Visibility.GROUPS
        left_out = None if is_grouped else Agent.Visibility.GROUPS
        field.choices = [(value, label) for value, label in Agent.Visibility.choices if value != left_out]
