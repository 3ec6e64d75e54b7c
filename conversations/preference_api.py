"""REST: the caller's preferences, with what only conversations know about them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from accounts.models import User
from agents.models import Agent
from providers.budgets.api import MeWithBudgetsView


class MeView(MeWithBudgetsView):
    """Who is calling, and what they may still use."""

    def check_preferences(self, user: User, wanted: Mapping[str, Any]) -> None:
        """The default agent is one that the person may use."""
        agent = wanted.get("default_agent")
        if agent is not None and not Agent.objects.visible_to(user).filter(pk=agent).exists():
            raise ValidationError({"default_agent": [_("There is no such agent, or you may not use it.")]})
