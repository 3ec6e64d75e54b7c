"""Agents in the Django admin."""

from typing import cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts.models import User
from agents.models import Agent
from agents.standing import agent_standings
from agents.versions import record_version
from providers.standing import Standing


@admin.register(Agent)
class AgentAdmin(ModelAdmin):  # type: ignore[misc]
    """All agents of all people."""

    list_display = ("name", "owner", "provider", "model", "model_status", "visibility", "is_active")
    list_filter = ("visibility", "is_active", "provider")
    search_fields = ("name", "slug", "owner__email", "model")
    list_select_related = ("owner", "provider")
    readonly_fields = ("slug", "created_at", "updated_at")
    filter_horizontal = ("groups",)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The page's agents, with one look at how their models stand for all of them."""
        page: ChangeList = super().get_changelist_instance(request)
        found = agent_standings(page.result_list)
        for agent in page.result_list:
            agent.standing = found[agent.pk]
        return page

    def save_model(self, request: HttpRequest, obj: Agent, form: "ModelForm[Agent]", change: bool) -> None:
        """What is changed here is a version, too."""
        with transaction.atomic():
            if change:
                Agent.objects.select_for_update().only("pk").get(pk=obj.pk)
            super().save_model(request, obj, form, change)
            record_version(agent=obj, author=cast("User", request.user))

    @admin.display(description=_("how the model stands"))
    def model_status(self, agent: Agent) -> str:
        """The status, and the last day if there is one."""
        standing: Standing = agent.standing.model  # type: ignore[attr-defined]
        day = date_format(standing.ends_on) if standing.ends_on else ""
        return f"{standing.status.label} · {day}" if day else str(standing.status.label)
