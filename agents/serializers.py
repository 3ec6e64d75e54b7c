"""The JSON forms of agents."""

from typing import Any

from rest_framework import serializers

from accounts.rest import StrictSerializer
from agents.models import Agent
from providers.generate_serializers import ProviderField


class AgentSerializer(StrictSerializer, serializers.ModelSerializer[Agent]):
    """An agent. The system prompt is shown to those who may edit it."""

    provider = ProviderField(allow_null=True, required=True)
    fallbacks = serializers.ListField(child=serializers.DictField(), required=False, max_length=10)
    starters = serializers.ListField(child=serializers.CharField(max_length=500), required=False, max_length=10)

    class Meta:
        model = Agent
        fields = (
            "id", "name", "slug", "description", "provider", "model", "system_prompt", "temperature", "max_tokens",
            "top_p", "reasoning_effort", "starters", "fallbacks", "visibility", "is_active", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("id", "slug", "created_at", "updated_at")
        extra_kwargs = {"model": {"required": True, "allow_blank": True}}

    def to_representation(self, instance: Agent) -> dict[str, Any]:
        """Others see what the agent is for, not how it is told."""
        shown = super().to_representation(instance)
        user = self.context["request"].user
        if instance.owner_id != user.pk and not (instance.owner_id is None and user.is_staff):
            shown["system_prompt"] = None
        return shown


class GenerateSerializer(StrictSerializer):
    """A message for an agent, outside any conversation."""

    message = serializers.CharField(max_length=200_000, trim_whitespace=False)
    history = serializers.ListField(child=serializers.DictField(), required=False, max_length=200)
    stream = serializers.BooleanField(required=False, default=False)
