"""The form of an endpoint."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.models import WebhookEndpoint, WebhookEvent
from providers.webhooks.services import create_endpoint, update_endpoint


class EndpointForm(forms.Form):
    """Add or change an endpoint on behalf of a person."""

    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        help_text=_("Wiz sends a POST request there, with JSON."),
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hooks/wiz", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label=_("Description"), max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    events = forms.MultipleChoiceField(
        label=_("What it is told"),
        required=False,
        choices=WebhookEvent.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing ticked: everything."),
    )
    server_wide = forms.BooleanField(
        label=_("For the whole server"),
        required=False,
        help_text=_("Hears what happens to everybody. All administrators can see and change it."),
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, *args: Any, user: User, endpoint: WebhookEndpoint | None = None, **kwargs: Any) -> None:
        names = ("url", "description", "events", "is_active")
        kwargs["initial"] = {name: getattr(endpoint, name) for name in names} if endpoint else None
        super().__init__(*args, **kwargs)
        self._user = user
        self._endpoint = endpoint
        if endpoint is not None or not user.is_staff:
            del self.fields["server_wide"]
        if endpoint is None:
            del self.fields["is_active"]

    def save(self) -> tuple[WebhookEndpoint, str] | None:
        """The endpoint and, for a new one, its secret; ``None`` when the service found something wrong."""
        given = dict(self.cleaned_data)
        owner = None if given.pop("server_wide", False) else self._user
        try:
            if self._endpoint is None:
                return create_endpoint(owner=owner, **given)
            return update_endpoint(endpoint=self._endpoint, **given), ""
        except ValidationError as error:
            self.add_error(None, error)
            return None
