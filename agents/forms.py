"""The form of an agent."""

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar, Final, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.fallback_forms import fallback_rows
from agents.form_fields import RowsField, SchemaField
from agents.marks import COLOURS, ICONS
from agents.models import Agent
from agents.parameters import EFFORT_NAMES, KEPT, NAMES, refused_parameters
from agents.services import AgentChanges, apply_changes, create_agent, update_agent
from agents.validation import LINES, STARTERS, clean_agent
from providers.discovery import list_user_models
from providers.models import Provider

OF_NO_MATTER: Final = {"name", "description", "starters"}
"""Fields that a trial does without."""
EMPTY_ROWS: Final = 3
SCHEMA_LENGTH: Final = 100_000  # characters as they are typed; the schema itself has a limit of its own


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """Add or change an agent on behalf of a person. A parameter that the form does not speak of stays as it is."""

    icon = forms.ChoiceField(label=_("Icon"), required=False, choices=list(ICONS.items()), widget=forms.RadioSelect)
    colour = forms.ChoiceField(
        label=_("Colour"), required=False, choices=list(COLOURS.items()), widget=forms.RadioSelect
    )
    starters = RowsField(
        label=_("Starter prompts"),
        required=False,
        help_text=_("The first three are offered when a conversation begins."),
    )
    groups = forms.ModelMultipleChoiceField(
        label=_("Groups"), queryset=Group.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    reasoning_effort = forms.ChoiceField(
        label=_("Reasoning effort"),
        required=False,
        choices=[("", _("As the provider likes")), *EFFORT_NAMES.items()],
        help_text=_("How long it thinks before it answers."),
    )
    response_schema = SchemaField(
        label=_("Response schema"),
        required=False,
        max_length=SCHEMA_LENGTH,
        help_text=_("A JSON Schema that every answer has to fit, for programs that read the answers."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
    )
    note = forms.CharField(
        label=_("What changes"),
        required=False,
        max_length=LINES["note"],
        help_text=_("For the history. Leave it empty if the change speaks for itself."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Agent
        fields = (
            "name", "description", "icon", "colour", "provider", "model", "system_prompt", "starters", "visibility",
            "groups", "is_active", "temperature", "top_p", "max_tokens", "reasoning_effort", "response_schema",
        )  # fmt: skip
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
            "system_prompt": forms.Textarea(attrs={"rows": 8}),
            "visibility": forms.RadioSelect,
            "temperature": forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
            "top_p": forms.NumberInput(attrs={"step": "0.05", "inputmode": "decimal"}),
        }

    def __init__(self, *args: Any, user: User, agent: Agent | None = None, **kwargs: Any) -> None:
        self.user, self.agent = user, agent
        kwargs["instance"] = agent
        super().__init__(*args, **kwargs)
        self.fallback_rows = fallback_rows(self.data if self.is_bound else None, user=user, agent=agent)
        self._offer_providers()
        self._offer_visibility()

    @property
    def has_fallbacks(self) -> bool:
        """Whether a row says something, right or wrong."""
        return any(row["provider"].value() or row["model"].value() for row in self.fallback_rows)

    @property
    def starter_rows(self) -> list[str]:
        """The texts of the rows, and empty rows to write into."""
        filled = [str(text) for text in self["starters"].value() or () if str(text).strip()]
        return [*filled, *[""] * min(max(EMPTY_ROWS - len(filled), 1), max(STARTERS - len(filled), 0))]

    @property
    def parameters(self) -> list[tuple[forms.BoundField, str]]:
        """The fields of the parameters, each with the reason why the chosen model does not take it."""
        chosen = str(self["provider"].value() or "")
        provider = next((row for row in self._providers if str(row.pk) == chosen), None)
        refused = refused_parameters(provider, str(self["model"].value() or ""))
        return [(self[name], refused.get(name, "")) for name in NAMES]

    @property
    def has_parameters(self) -> bool:
        """Whether a parameter is set, or set wrongly."""
        return any(self[name].value() not in (None, "") or self[name].errors for name in NAMES)

    def is_valid(self) -> bool:
        """With the rows of the fallbacks."""
        return all([super().is_valid(), *(row.is_valid() for row in self.fallback_rows if row.is_bound)])

    def _post_clean(self) -> None:
        """The service checks the values, so that forms, the API and commands have one judge."""

    def store(self) -> Agent | None:
        """The stored agent, or ``None`` when the service found something wrong; then the form says what."""
        changes, note = self._changes(), self.cleaned_data["note"]
        try:
            if self.agent is None:
                made: Any = changes
                return create_agent(owner=self.user, note=note, **made)
            return update_agent(agent=self.agent, author=self.user, note=note, **changes)
        except ValidationError as error:
            known = hasattr(error, "error_dict") and set(error.error_dict) <= set(self.fields)
            self.add_error(None, error if known else ValidationError(error.messages))
        return None

    def draft(self) -> Agent | None:
        """The agent as the form describes it, never saved, or ``None`` when it could not answer; the form says why.

        For trying: a name, a description and starter prompts may be missing.
        """
        self.is_valid()
        if set(self.errors) - OF_NO_MATTER or not all(row.is_valid() for row in self.fallback_rows if row.is_bound):
            return None
        draft = copy(self.agent) if self.agent else Agent(owner=self.user)
        kept = draft.provider_id
        changes = self._changes()
        changes.pop("groups", None)
        apply_changes(draft, changes)
        try:
            clean_agent(draft, kept_provider_id=kept)
        except ValidationError as error:
            if wrong := {name: words for name, words in error.error_dict.items() if name not in OF_NO_MATTER}:
                self.add_error(None, ValidationError(wrong))
                return None
        return draft

    def _changes(self) -> AgentChanges:
        """What the form says, without what it does not speak of."""
        changes: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if name != "note"}
        for name in (*NAMES, "icon", "colour", "starters"):
            if name not in self.data and f"{KEPT}{name}" not in self.data:
                changes.pop(name, None)
        if all(row.is_bound for row in self.fallback_rows):
            changes["fallbacks"] = [row.fallback for row in self.fallback_rows if row.fallback]
        if self.agent is not None and "provider" not in self.changed_data:
            changes.pop("provider", None)
        return cast("AgentChanges", changes)

    def _offer_providers(self) -> None:
        field = self.fields["provider"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        offered = Provider.objects.visible_to(self.user).active()
        if self.agent is not None and self.agent.provider_id:
            offered |= Provider.objects.visible_to(self.user).filter(pk=self.agent.provider_id)
        field.queryset = offered
        field.required = True
        field.empty_label = None
        self._providers = offered
        self.fields["model"].required = True
        if self.agent is None:
            first = offered.order_by("-is_default", "is_practice", "name").first()
            self.initial.setdefault("provider", first.pk if first else None)
            listed = list_user_models(self.user).filter(provider=first).first() if first else None
            self.initial.setdefault("model", listed.model_id if listed else "")

    def _offer_visibility(self) -> None:
        visibility, groups = self.fields["visibility"], self.fields["groups"]
        assert isinstance(visibility, forms.ChoiceField)  # noqa: S101 - tells the type checker
        assert isinstance(groups, forms.ModelMultipleChoiceField)  # noqa: S101 - as above
        is_nobody_s = self.agent is not None and self.agent.owner_id is None
        offered = Group.objects.all() if is_nobody_s else self.user.groups.all()
        if self.agent is not None:
            offered = (offered | Group.objects.filter(agents=self.agent)).distinct()
        groups.queryset = offered.order_by("name")
        is_grouped = self.agent is not None and self.agent.visibility == Agent.Visibility.GROUPS
        if not offered.exists():
            del self.fields["groups"]
            left_out = None if is_grouped else Agent.Visibility.GROUPS
            visibility.choices = [choice for choice in Agent.Visibility.choices if choice[0] != left_out]


def with_kept_values(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The form's data with the parameters that it carries for another model, so that they come back with that one."""
    filled: Any = data.copy()  # type: ignore[attr-defined]  # a QueryDict
    for name in NAMES:
        if name not in data and f"{KEPT}{name}" in data:
            filled[name] = data[f"{KEPT}{name}"]
    return cast("Mapping[str, Any]", filled)
