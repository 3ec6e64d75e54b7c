"""The form of what a conversation sets for itself."""

from collections.abc import Mapping
from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from agents.models import Agent
from agents.parameters import EFFORT_NAMES
from conversations.models import Conversation
from conversations.parameters import NAMES, Parameters, change_parameters, clean_parameters, read_parameters
from conversations.picking import find_row
from providers.fitting import taken_parameters

DEFAULT: Final = _("the provider's default")


class ParametersForm(forms.Form):
    """Only what the model takes; an empty field is the agent's, whose own value stands in its place."""

    temperature = forms.FloatField(
        label=_("Temperature"),
        required=False,
        help_text=_("0 to 2; lower is steadier."),
        widget=forms.NumberInput(attrs={"step": "0.1", "min": "0", "max": "2", "inputmode": "decimal"}),
    )
    top_p = forms.FloatField(
        label=_("Top p"),
        required=False,
        help_text=_("0 to 1; usually left empty."),
        widget=forms.NumberInput(attrs={"step": "0.05", "min": "0", "max": "1", "inputmode": "decimal"}),
    )
    max_tokens = forms.IntegerField(
        label=_("Longest answer"),
        required=False,
        help_text=_("In tokens."),
        widget=forms.NumberInput(attrs={"step": "1", "min": "1", "inputmode": "numeric"}),
    )
    reasoning_effort = forms.ChoiceField(label=_("Reasoning effort"), required=False)
    instructions = forms.CharField(
        label=_("Instructions for this conversation"),
        required=False,
        help_text=_("Added to what the agent is told."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        given: Mapping[str, object] | None = None,
        *,
        answerer: Agent | None,
        conversation: Conversation | None = None,
    ) -> None:
        self.conversation = conversation
        own: Parameters = read_parameters(conversation) if conversation else {}
        super().__init__(given, initial=dict(own), auto_id="parameters_%s")
        self._offer(answerer)
        self.is_set = any((given or own).get(name) not in {None, ""} for name in self.fields)

    def own_parameters(self) -> Parameters:
        """The values for a conversation that is about to begin; raises ``ValidationError``."""
        if not self.is_valid():
            raise ValidationError([text for texts in self.errors.values() for text in texts])
        return clean_parameters(self.cleaned_data)

    def save(self) -> bool:
        """Store what was offered and leave the rest; false when something is wrong, which the form then says."""
        if not self.is_valid() or self.conversation is None:
            return False
        try:
            change_parameters(conversation=self.conversation, changes=self.cleaned_data)
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name if name in self.fields else None, texts)
            return False
        return True

    def _offer(self, answerer: Agent | None) -> None:
        provider = answerer.provider if answerer else None
        if answerer is None or provider is None:
            return
        taken = taken_parameters(provider.kind, answerer.model, find_row(answerer)) | {"instructions"}
        for name in set(NAMES) - taken:
            del self.fields[name]
        for name in ("temperature", "top_p", "max_tokens"):
            if name in taken:
                value = getattr(answerer, name)
                self.fields[name].widget.attrs["placeholder"] = str(DEFAULT if value is None else localize(value))
        if "reasoning_effort" in taken:
            agents_own = EFFORT_NAMES.get(answerer.reasoning_effort, DEFAULT)
            self.fields["reasoning_effort"].choices = [  # type: ignore[attr-defined]
                ("", _("As the agent: %(value)s") % {"value": agents_own}),
                *EFFORT_NAMES.items(),
            ]
