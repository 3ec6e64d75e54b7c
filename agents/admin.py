"""Agents in the Django admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from agents.models import Agent


@admin.register(Agent)
class AgentAdmin(ModelAdmin):  # type: ignore[misc]
    """All agents of all people."""

    list_display = ("name", "owner", "provider", "model", "visibility", "is_active")
    list_filter = ("visibility", "is_active", "provider")
    search_fields = ("name", "slug", "owner__email", "model")
    list_select_related = ("owner", "provider")
    readonly_fields = ("slug", "created_at", "updated_at")
    filter_horizontal = ("groups",)
