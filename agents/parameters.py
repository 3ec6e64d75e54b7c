"""Which of an agent's parameters a model takes, for the form that sets them."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers import adapters
from providers.fitting import NEEDS, told_capabilities
from providers.models import Provider
from providers.types import Capability

NAMES: Final = ("temperature", "top_p", "max_tokens", "reasoning_effort", "response_schema")
EFFORT_NAMES: Final[Mapping[str, Promise]] = {
    "none": gettext_lazy("none"),
    "minimal": gettext_lazy("minimal"),
    "low": gettext_lazy("low"),
    "medium": gettext_lazy("medium"),
    "high": gettext_lazy("high"),
    "xhigh": gettext_lazy("very high"),
    "max": gettext_lazy("all that it can"),
}
"""The reasoning efforts of ``providers.requests.EFFORTS``, for a reader."""
KEPT: Final = "kept-"
"""Begins the name under which the form carries the value of a parameter that the chosen model does not take."""
REQUIRED: Final[Mapping[str, Capability]] = {**NEEDS, "response_schema": Capability.JSON_SCHEMA}


def refused_parameters(provider: Provider | None, model: str) -> dict[str, str]:
    """Why the model does not take a parameter, by the parameter's name; empty where nothing is known against it."""
    if provider is None or not model:
        return {}
    told = told_capabilities(provider.pk, model)
    by_model = {name for name, capability in REQUIRED.items() if told.get(str(capability)) is False}
    dialect = adapters.KINDS.get(provider.kind)
    by_dialect = set(NAMES) & (adapters.CHAT_FIELDS - dialect.takes) if dialect else set()
    return {
        **{name: _("%s does not take this.") % model for name in by_model},
        **{name: _("%s does not take this.") % provider.get_kind_display() for name in by_dialect},
    }
