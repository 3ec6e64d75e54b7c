"""The form of a prompt."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from conversations.models import Prompt
from conversations.prompts import change_prompt, create_prompt


class PromptForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """Add or change a prompt; the service judges the values, so that the form and the API have one judge."""

    class Meta:
        model = Prompt
        fields = ("name", "description", "text", "visibility")
        labels: ClassVar = {
            "name": _("Name"),
            "description": _("Description"),
            "text": _("Text"),
            "visibility": _("Who can use it"),
        }
        help_texts: ClassVar = {
            "name": _("Typed after a slash, such as /summary. Lower-case letters, digits and hyphens."),
            "description": _("One line for the people who choose it."),
            "text": _("{{name}} asks for a value, {{name:default}} suggests one, {{date}} becomes the day."),
        }
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
            "text": forms.Textarea(attrs={"rows": 8}),
            "visibility": forms.RadioSelect,
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        visibility = self.fields["visibility"]
        assert isinstance(visibility, forms.ChoiceField)  # noqa: S101 - tells the type checker
        is_grouped = self.instance.visibility == Prompt.Visibility.GROUPS or user.groups.exists()
        left_out = None if is_grouped else Prompt.Visibility.GROUPS
        visibility.choices = [(value, label) for value, label in Prompt.Visibility.choices if value != left_out]

    def _post_clean(self) -> None:
        """Left to the service."""

    def store(self) -> Prompt | None:
        """The stored prompt, or ``None`` when something is wrong, which the form then says."""
        if not self.is_valid():
            return None
        given: dict[str, Any] = {**self.cleaned_data}
        try:
            if self.instance._state.adding:
                return create_prompt(owner=self.user, **given)
            return change_prompt(prompt=Prompt.objects.get(pk=self.instance.pk), **given)
        except ValidationError as error:
            self.add_error(None, error)
            return None
