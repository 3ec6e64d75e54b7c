"""The JSON forms of agents."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.rest import StrictSerializer
from agents.models import Agent
from agents.standing import AgentStanding, agent_standings
from providers.generate_serializers import ProviderField
from providers.standing import Standing
from providers.types import ChatMessage

MESSAGE_LENGTH: Final = 200_000


class GroupField(serializers.SlugRelatedField[Group]):
    """A group by its name: one of the caller's own, or any for an administrator."""

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="name", **options)

    def get_queryset(self) -> Any:
        """Other people's groups do not exist for the caller."""
        user = self.context["request"].user
        return Group.objects.all() if user.is_staff else user.groups.all()


class AgentListSerializer(serializers.ListSerializer[Any]):
    """Looks up how the models stand once for all agents of a page."""

    def to_representation(self, data: Any) -> list[Any]:
        """The agents, each with what its serializer would have to ask for."""
        agents = list(data)
        self.child.standings = agent_standings(agents)  # type: ignore[union-attr]
        return super().to_representation(agents)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An agent",
            value={
                "name": "Poet",
                "provider": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                "model": "practice",
                "system_prompt": "Answer in rhyme.",
                "temperature": 0.7,
            },
            request_only=True,
        )
    ]
)
class AgentSerializer(StrictSerializer, serializers.ModelSerializer[Agent]):
    """An agent. The system prompt, the response schema and the groups are shown to those who may edit it.

    ``groups`` are names of one's own groups; they count with the visibility ``groups``.
    ``model_status`` is active, deprecated, retired, unlisted (not in its provider's list any more) or unknown.
    """

    standings: dict[UUID, AgentStanding] | None = None

    provider = ProviderField(allow_null=True, required=True)
    fallbacks = serializers.ListField(child=serializers.DictField(), required=False, max_length=10)
    starters = serializers.ListField(child=serializers.CharField(max_length=500), required=False, max_length=10)

    response_schema = serializers.DictField(required=False, allow_null=True)
    groups = GroupField(many=True, required=False)
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=200, write_only=True, help_text="What changes, for the history."
    )

    model_status = serializers.SerializerMethodField()
    model_ends_on = serializers.SerializerMethodField()

    class Meta:
        model = Agent
        list_serializer_class = AgentListSerializer
        fields: tuple[str, ...] = (
            "id", "name", "slug", "description", "icon", "colour", "provider", "model", "system_prompt", "temperature",
            "max_tokens", "top_p", "reasoning_effort", "response_schema", "starters", "fallbacks", "visibility",
            "groups", "is_active", "note", "created_at", "updated_at", "model_status", "model_ends_on",
        )  # fmt: skip
        read_only_fields = ("id", "slug", "created_at", "updated_at")
        extra_kwargs = {"model": {"required": True, "allow_blank": True}}

    def get_model_status(self, agent: Agent) -> str:
        """One of ``ModelStatus``."""
        return self._standing(agent).status

    def get_model_ends_on(self, agent: Agent) -> date | None:
        """The model's last day, if one is known."""
        return self._standing(agent).ends_on

    def _standing(self, agent: Agent) -> Standing:
        if self.standings is None or agent.pk not in self.standings:
            self.standings = agent_standings([agent])
        return self.standings[agent.pk].model

    def to_representation(self, instance: Agent) -> dict[str, Any]:
        """Others see what the agent is for, not how it is told."""
        shown = super().to_representation(instance)
        if not instance.is_editable_by(self.context["request"].user):
            shown |= {"system_prompt": None, "response_schema": None, "groups": []}
        return shown


class AgentFilters(serializers.Serializer[Any]):
    """Which agents are listed."""

    q = serializers.CharField(source="name__icontains", required=False, allow_blank=True, help_text="Part of the name.")
    provider = serializers.UUIDField(source="provider_id", required=False)
    visibility = serializers.ChoiceField(choices=Agent.Visibility.choices, required=False)
    is_active = serializers.BooleanField(required=False)


class GenerateSerializer(StrictSerializer):
    """A message for an agent, outside any conversation."""

    message = serializers.CharField(max_length=MESSAGE_LENGTH, trim_whitespace=False)
    history = serializers.ListField(child=serializers.DictField(), required=False, max_length=200)
    stream = serializers.BooleanField(required=False, default=False)


def read_history(items: list[dict[str, Any]]) -> list[ChatMessage]:
    """The earlier messages; raises ``ValidationError`` for anything but role and content as text."""
    history = []
    for item in items:
        role, content = item.get("role"), item.get("content")
        if set(item) != {"role", "content"} or role not in ("user", "assistant") or not isinstance(content, str):
            raise serializers.ValidationError({"history": ["Each item is {role: user or assistant, content: text}."]})
        history.append(ChatMessage(role, content))
    return history
