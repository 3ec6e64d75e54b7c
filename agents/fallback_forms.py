"""The rows of an agent's form that say who is asked next: one per fallback, and empty ones up to the limit."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent
from agents.validation import FALLBACKS, LINES, Fallback
from providers.models import Provider


class FallbackForm(forms.Form):
    """One row; an empty one is no fallback."""

    provider = forms.ModelChoiceField(
        label=_("Provider"), queryset=Provider.objects.none(), required=False, empty_label=_("Nobody")
    )
    model = forms.CharField(
        label=_("Model"),
        required=False,
        max_length=LINES["model"],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Mapping[str, Any] | None, *, user: User, number: int, initial: Mapping[str, Any]) -> None:
        super().__init__(data, prefix=f"fallback-{number}", initial=dict(initial))
        self.number = number
        choice = self.fields["provider"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        choice.queryset = Provider.objects.visible_to(user)
        self.fields["model"].widget.attrs["list"] = f"fallback-{number}"

    def clean(self) -> dict[str, Any]:
        """Both or neither."""
        given = self.cleaned_data
        if given.get("model") and not given.get("provider") and "provider" not in self.errors:
            self.add_error("provider", ValidationError(_("Choose who is asked for this model, or empty the row.")))
        if given.get("provider") and not given.get("model"):
            self.add_error("model", ValidationError(_("Name the model, or choose nobody.")))
        return given

    @property
    def fallback(self) -> Fallback | None:
        """What the row says, once it is valid."""
        provider, model = self.cleaned_data["provider"], self.cleaned_data["model"]
        return Fallback(provider=str(provider.pk), model=model) if provider else None


def fallback_rows(data: Mapping[str, Any] | None, *, user: User, agent: Agent | None) -> list[FallbackForm]:
    """All rows, filled from ``data`` or from what the agent has; unbound when ``data`` does not speak of fallbacks."""
    if data is not None and not any(name.startswith("fallback-") for name in data):
        data = None
    known: list[dict[str, Any]] = [
        {"provider": provider, "model": model} for provider, model in (agent.named_models()[1:] if agent else [])
    ]
    known += [{}] * (FALLBACKS - len(known))
    return [
        FallbackForm(data, user=user, number=number, initial=initial)
        for number, initial in enumerate(known[:FALLBACKS], start=1)
    ]
