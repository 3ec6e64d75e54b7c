"""The navigation of the settings."""

from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.template import Context
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

# Address, name, and where else the section is at home.
SECTIONS: Final[tuple[tuple[str, Promise, tuple[str, ...]], ...]] = (
    ("/settings/", _("Profile"), ("/accounts/email/", "/accounts/confirm-email/")),
    ("/settings/appearance/", _("Appearance"), ()),
    ("/settings/language/", _("Language"), ()),
    ("/settings/defaults/", _("Conversations"), ()),
    ("/settings/security/", _("Security"), ("/accounts/2fa/", "/accounts/password/")),
    ("/settings/sessions/", _("Sessions"), ()),
    ("/settings/tokens/", _("API tokens"), ()),
    ("/settings/webhooks/", _("Webhooks"), ()),
    ("/settings/usage/", _("Usage"), ()),
    ("/settings/data/", _("Your data"), ()),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One entry."""

    url: str
    name: Promise
    is_current: bool


@register.inclusion_tag("accounts/_settings_nav.html", takes_context=True)
def settings_nav(context: Context) -> dict[str, Any]:
    """Every section that there is, the shown one marked."""
    path = context["request"].path
    sections = [
        Section(url, name, path == url or (url != "/settings/" and path.startswith(url)) or path.startswith(others))
        for url, name, others in SECTIONS
    ]
    return {"sections": sections}
