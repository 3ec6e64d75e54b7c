"""The JSON forms of direct questions to a model, and of their answers."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.rest import StrictSerializer
from providers.message_forms import (
    ChatMessageSerializer,
    StopField,
    ToolCallSerializer,
    ToolChoiceField,
    ToolSerializer,
)
from providers.models import Provider
from providers.requests import EFFORTS, LARGEST_LIMIT, LARGEST_SEED, MODEL_LENGTH
from providers.types import FinishReason

REPAIRS = 5


@extend_schema_field(serializers.UUIDField)
class ProviderField(serializers.PrimaryKeyRelatedField[Provider]):
    """The id of a provider that the caller may use."""

    def get_queryset(self) -> Any:
        """Foreign providers do not exist for the caller."""
        return Provider.objects.visible_to(self.context["request"].user)


class QuestionSerializer(StrictSerializer):
    """What is asked of a model: a prompt or messages. ``null`` leaves a parameter to the provider; 0 is a value."""

    provider = ProviderField()
    model = serializers.CharField(max_length=MODEL_LENGTH)
    prompt = serializers.CharField(required=False, allow_null=True, allow_blank=True, trim_whitespace=False)
    messages = ChatMessageSerializer(many=True, required=False, allow_null=True)
    system_prompt = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    temperature = serializers.FloatField(min_value=0, max_value=2, required=False, allow_null=True)
    max_tokens = serializers.IntegerField(min_value=1, max_value=LARGEST_LIMIT, required=False, allow_null=True)
    top_p = serializers.FloatField(min_value=0, max_value=1, required=False, allow_null=True)
    stop = StopField(required=False, allow_null=True)
    seed = serializers.IntegerField(min_value=-LARGEST_SEED, max_value=LARGEST_SEED, required=False, allow_null=True)
    reasoning_effort = serializers.ChoiceField(choices=EFFORTS, required=False, allow_null=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Streamed text",
            value={
                "provider": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                "model": "practice",
                "prompt": "Hello",
                "stream": True,
            },
            request_only=True,
        )
    ]
)
class TextRequestSerializer(QuestionSerializer):
    """A question whose answer is text. With ``stream`` the answer comes as server-sent events."""

    tools = ToolSerializer(many=True, required=False, allow_null=True)
    tool_choice = ToolChoiceField(required=False, allow_null=True)
    stream = serializers.BooleanField(required=False, default=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An object",
            value={
                "provider": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                "model": "practice",
                "prompt": "Name a city.",
                "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
            },
            request_only=True,
        )
    ]
)
class ObjectRequestSerializer(QuestionSerializer):
    """A question whose answer is an object that is valid under ``schema`` (JSON Schema 2020-12)."""

    schema = serializers.DictField()
    max_repairs = serializers.IntegerField(min_value=0, max_value=REPAIRS, required=False, default=2)


class BookedUsageSerializer(serializers.Serializer[Any]):
    """Tokens and cost as they were booked; ``cost`` is in US dollars, ``certain`` whether the provider told them."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    cost = serializers.CharField(allow_null=True)
    certain = serializers.BooleanField()


class HopSerializer(serializers.Serializer[Any]):
    """A model that failed before any output, so that the next one was asked."""

    provider = serializers.CharField()
    model = serializers.CharField()
    error = serializers.DictField()


class TextAnswerSerializer(serializers.Serializer[Any]):
    """An answer. ``dropped`` names parameters that the model does not take; ``raw_reason`` is the provider's word."""

    text = serializers.CharField()
    reasoning = serializers.CharField()
    tool_calls = ToolCallSerializer(many=True)
    finish_reason = serializers.ChoiceField(choices=[reason.value for reason in FinishReason])
    raw_reason = serializers.CharField()
    usage = BookedUsageSerializer(allow_null=True)
    model = serializers.CharField()
    dropped = serializers.ListField(child=serializers.CharField())
    hops = HopSerializer(many=True)


class ObjectAnswerSerializer(serializers.Serializer[Any]):
    """An object, what all the calls for it took, the strategy that brought it, and how many calls were repairs."""

    object = serializers.JSONField()
    usage = BookedUsageSerializer()
    strategy = serializers.CharField()
    repairs = serializers.IntegerField()
    dropped = serializers.ListField(child=serializers.CharField())
