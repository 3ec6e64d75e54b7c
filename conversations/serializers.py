"""The JSON forms of conversations, messages and generations."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.rest import StrictSerializer
from agents.models import Agent
from conversations.models import Conversation, Generation, Message
from providers.generate_serializers import ProviderField


@extend_schema_field(serializers.UUIDField)
class AgentField(serializers.PrimaryKeyRelatedField[Agent]):
    """The id of an agent that the caller may use."""

    def get_queryset(self) -> Any:
        """Foreign agents do not exist for the caller."""
        return Agent.objects.visible_to(self.context["request"].user)


class ConversationSerializer(StrictSerializer, serializers.ModelSerializer[Conversation]):
    """A conversation without its messages."""

    agent = AgentField(allow_null=True, required=False)

    class Meta:
        model = Conversation
        fields = ("id", "agent", "title", "is_pinned", "is_archived", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")


class GenerationSerializer(serializers.ModelSerializer[Generation]):
    """A run: status, usage, times, error, whom it asked, its receipt and its place in the queue."""

    timings = serializers.SerializerMethodField()
    queue_position = serializers.SerializerMethodField()

    class Meta:
        model = Generation
        fields = (
            "id", "conversation", "message", "status", "attempt", "provider_name", "model", "finish_reason", "usage",
            "error", "timings", "hops", "receipt", "queue_position", "next_attempt_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_timings(self, generation: Generation) -> dict[str, str | None]:
        """When what happened, in UTC."""
        names = ("queued_at", "started_at", "first_token_at", "finished_at")
        times = {name: getattr(generation, name) for name in names}
        return {name: time.isoformat().replace("+00:00", "Z") if time else None for name, time in times.items()}

    def get_queue_position(self, generation: Generation) -> int | None:
        """0 for the one that is next; null for one that is not queued or waits for its retry."""
        if generation.status != Generation.Status.QUEUED:
            return None
        return Generation.objects.all().places().get(generation.pk)


class RunSerializer(serializers.ModelSerializer[Generation]):
    """What a message tells of the run that writes it."""

    class Meta:
        model = Generation
        fields = ("id", "status", "attempt", "finish_reason", "usage", "error")
        read_only_fields = fields


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message of the shown branch."""

    generation = RunSerializer(source="run", read_only=True, allow_null=True)
    siblings = serializers.ListField(source="sibling_ids", child=serializers.UUIDField(), read_only=True)

    class Meta:
        model = Message
        fields = (
            "id", "parent", "role", "content", "reasoning", "agent", "agent_name", "created_at", "generation",
            "siblings",
        )  # fmt: skip
        read_only_fields = fields


class WordsField(serializers.CharField):
    """Text exactly as it was sent; the service says what is wrong with it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            trim_whitespace=False, allow_blank=True, max_length=10 * settings.MAX_MESSAGE_LENGTH, **options
        )

    def to_internal_value(self, data: Any) -> str:
        """A number is not a message."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_serializer(
    examples=[OpenApiExample("A message", value={"content": "What is a monad?"}, request_only=True)]
)
class SendSerializer(StrictSerializer, serializers.Serializer[Any]):
    """A new message. ``parent`` continues from an older answer, ``agent`` lets another one answer."""

    content = WordsField()
    parent = serializers.UUIDField(required=False, allow_null=True)  # type: ignore[assignment]
    agent = AgentField(required=False, allow_null=True)


class EditSerializer(StrictSerializer, serializers.Serializer[Any]):
    """A new version of a message."""

    content = WordsField()


class RegenerateSerializer(StrictSerializer, serializers.Serializer[Any]):
    """Another answer, by another agent if one is named; with ``provider`` and ``model`` from another model."""

    agent = AgentField(required=False, allow_null=True)
    provider = ProviderField(required=False, allow_null=True)
    model = serializers.CharField(required=False, allow_blank=True, max_length=200)


class ForkSerializer(StrictSerializer, serializers.Serializer[Any]):
    """The last message that a fork takes along."""

    message = serializers.UUIDField()


class SentSerializer(serializers.Serializer[Any]):
    """What a send made."""

    message = MessageSerializer()
    reply = MessageSerializer()
    generation = GenerationSerializer()
