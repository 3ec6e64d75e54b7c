"""The JSON forms of conversations, messages and generations."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.rest import StrictSerializer
from agents.models import Agent
from conversations.answerer_serializers import AnswererFields, ParametersSerializer, check_named
from conversations.attachments import MOST
from conversations.models import Attachment, Conversation, Folder, Generation, Message
from conversations.shelf import LONGEST_TAG
from providers.generate_serializers import ProviderField


@extend_schema_field(serializers.UUIDField)
class AgentField(serializers.PrimaryKeyRelatedField[Agent]):
    """The id of an agent that the caller may use."""

    def get_queryset(self) -> Any:
        """Foreign agents do not exist for the caller."""
        return Agent.objects.visible_to(self.context["request"].user)


@extend_schema_field(serializers.UUIDField)
class FolderField(serializers.PrimaryKeyRelatedField[Folder]):
    """The id of one of the caller's folders."""

    def get_queryset(self) -> Any:
        """Foreign folders do not exist for the caller."""
        return Folder.objects.visible_to(self.context["request"].user)


class TagsField(serializers.ListField):
    """The names of a conversation's tags, in lower case."""

    child = serializers.CharField(max_length=LONGEST_TAG)

    def to_representation(self, tags: Any) -> list[str]:
        """From the rows."""
        return [tag.name for tag in tags.all()]


class FolderSerializer(StrictSerializer, serializers.ModelSerializer[Folder]):
    """A folder; ``instructions`` are added to the system prompt of the runs of its conversations."""

    class Meta:
        model = Folder
        fields = ("id", "name", "instructions", "position", "created_at")
        read_only_fields = ("id", "created_at")


class PieceSerializer(serializers.Serializer[Any]):
    """A stretch of a snippet: plain text, never HTML."""

    text = serializers.CharField()
    is_hit = serializers.BooleanField()


class HitSerializer(serializers.Serializer[Any]):
    """Where a search found its words: the message (null for the title) and the text around it."""

    message = serializers.UUIDField(allow_null=True)
    snippet = PieceSerializer(many=True)


class ConversationSerializer(AnswererFields, StrictSerializer, serializers.ModelSerializer[Conversation]):
    """A conversation without its messages. ``hit`` is there in the results of a search.

    An ``agent`` answers, or ``model`` of ``provider`` alone; naming one takes the other away. ``parameters`` are used
    instead of the agent's own from the next answer on; those that are given change, and null gives one back.
    """

    agent = AgentField(allow_null=True, required=False)
    provider = ProviderField(allow_null=True, required=False)
    parameters = ParametersSerializer(required=False)
    folder = FolderField(allow_null=True, required=False)
    tags = TagsField(required=False)
    is_trashed = serializers.BooleanField(required=False)
    hit = HitSerializer(read_only=True, allow_null=True, default=None)

    class Meta:
        model = Conversation
        fields = (
            "id", "agent", "provider", "model", "parameters", "title", "folder", "tags", "is_pinned", "is_archived",
            "is_trashed", "is_temporary", "created_at", "updated_at", "hit",
        )  # fmt: skip
        read_only_fields = ("id", "created_at", "updated_at")

    def validate_is_temporary(self, wanted: bool) -> bool:
        """It is decided at the beginning."""
        if self.instance is not None and wanted != self.instance.is_temporary:
            raise serializers.ValidationError(_("A conversation is temporary from its beginning or never."))
        return wanted

    def validate_is_trashed(self, wanted: bool) -> bool:
        """Nothing begins in the trash."""
        if self.instance is None and wanted:
            raise serializers.ValidationError(_("A new conversation cannot be in the trash."))
        return wanted


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


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    """A picture; ``url`` is where its bytes are."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = ("id", "conversation", "message", "name", "media_type", "width", "height", "size", "url", "created_at")
        read_only_fields = fields

    def get_url(self, attachment: Attachment) -> str:
        """A path on this Wiz; it opens with the same token or session."""
        return reverse("attachment-content", args=[attachment.pk])


class StoredCallSerializer(serializers.Serializer[Any]):
    """A call of a tool, which Wiz did not run; ``arguments`` as the model wrote them, ``result`` if one came along."""

    id = serializers.CharField()
    name = serializers.CharField()
    arguments = serializers.CharField()
    result = serializers.CharField(allow_null=True)


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message of the shown branch."""

    generation = RunSerializer(source="run", read_only=True, allow_null=True)
    attachments = AttachmentSerializer(many=True, read_only=True)
    tool_calls = StoredCallSerializer(many=True, read_only=True)
    siblings = serializers.ListField(source="sibling_ids", child=serializers.UUIDField(), read_only=True)

    class Meta:
        model = Message
        fields = (
            "id", "parent", "role", "content", "reasoning", "tool_calls", "agent", "agent_name", "attachments",
            "created_at", "generation", "siblings",
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
    """A new message. ``parent`` continues from an older answer.

    ``agent``, or ``provider`` and ``model``, let another one answer from now on.

    ``attachments`` are ids of pictures of one's own that were not sent yet; with some, ``content`` may be empty.
    """

    content = WordsField(required=False, default="")
    attachments = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST)
    parent = serializers.UUIDField(required=False, allow_null=True)  # type: ignore[assignment]
    agent = AgentField(required=False, allow_null=True)
    provider = ProviderField(required=False, allow_null=True)
    model = serializers.CharField(required=False, allow_blank=True, max_length=200)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """One of the two answers."""
        return check_named(given)


class EditSerializer(StrictSerializer, serializers.Serializer[Any]):
    """A new version. ``attachments`` are unsent pictures or those of the message; without the field these stay."""

    content = WordsField(required=False, default="")
    attachments = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST)


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
