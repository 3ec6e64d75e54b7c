"""Messages and tools as they are sent to the API: the shape that OpenAI's clients know, read into typed parts."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import StrictSerializer
from providers.errors import RequestRefused
from providers.images import image_from_data_url
from providers.types import ChatMessage, ImagePart, TextPart, ToolCall, ToolDefinition

ROLES: Final = ("system", "user", "assistant", "tool")
CONTENT_SCHEMA: Final = {
    "oneOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "type": "object",
                        "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                        "required": ["type", "text"],
                    },
                    {
                        "type": "object",
                        "properties": {
                            "type": {"const": "image_url"},
                            "image_url": {
                                "type": "object",
                                "properties": {"url": {"type": "string", "description": "A data URL in base64."}},
                                "required": ["url"],
                            },
                        },
                        "required": ["type", "image_url"],
                    },
                ]
            },
        },
        {"type": "null"},
    ]
}
CHOICE_SCHEMA: Final = {
    "oneOf": [
        {"type": "string", "description": "auto, none, required, or the name of a tool."},
        {
            "type": "object",
            "properties": {
                "type": {"const": "function"},
                "function": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            },
            "required": ["type", "function"],
        },
    ]
}
NO_PARAMETERS: Final = {"type": "object", "properties": {}}
STOP_SCHEMA: Final = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


@extend_schema_field(CONTENT_SCHEMA)
class ContentField(serializers.JSONField):
    """Text, or a list of parts that are text or images."""

    def to_internal_value(self, data: Any) -> Any:
        """The text, or typed parts."""
        if data is None or isinstance(data, str):
            return data or ""
        if not isinstance(data, list):
            raise serializers.ValidationError(_("Content is a text or a list of parts."))
        return tuple(_part(item, number) for number, item in enumerate(data))


@extend_schema_field(CHOICE_SCHEMA)
class ToolChoiceField(serializers.JSONField):
    """A word, or the tool that has to be called."""

    def to_internal_value(self, data: Any) -> Any:
        """``auto``, ``none``, ``required`` or a tool's name."""
        named = data
        if isinstance(data, Mapping) and data.get("type") == "function":
            function = data.get("function")
            named = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(named, str):
            raise serializers.ValidationError(_("Send auto, none, required or the name of a tool."))
        return named


@extend_schema_field(STOP_SCHEMA)
class StopField(serializers.JSONField):
    """One text or several at which the answer ends."""

    def to_internal_value(self, data: Any) -> Any:
        """The texts."""
        texts = (data,) if isinstance(data, str) else data
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise serializers.ValidationError(_("Send a text or a list of texts."))
        return tuple(texts)


class CalledFunctionSerializer(StrictSerializer):
    """What the model calls; ``arguments`` is JSON text, as the model wrote it."""

    name = serializers.CharField(max_length=64)
    arguments = serializers.CharField(allow_blank=True, trim_whitespace=False)


class ToolCallSerializer(StrictSerializer):
    """A tool call, in questions and in answers."""

    id = serializers.CharField(max_length=200)
    type = serializers.ChoiceField(choices=["function"], default="function")
    function = CalledFunctionSerializer()


class ChatMessageSerializer(StrictSerializer):
    """One message; ``tool_call_id`` belongs to the role ``tool``, ``tool_calls`` to the assistant."""

    role = serializers.ChoiceField(choices=ROLES)
    content = ContentField(required=False, allow_null=True)
    tool_calls = ToolCallSerializer(many=True, required=False)
    tool_call_id = serializers.CharField(max_length=200, required=False)

    def to_internal_value(self, data: Any) -> ChatMessage:
        """The typed message."""
        given = super().to_internal_value(data)
        calls = (
            ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in given.get("tool_calls", ())
        )
        return ChatMessage(
            role=given["role"],
            content=given.get("content") or "",
            tool_calls=tuple(calls),
            tool_call_id=given.get("tool_call_id", ""),
        )


class FunctionSerializer(StrictSerializer):
    """A function that the model may call; ``parameters`` is a JSON schema."""

    name = serializers.CharField(max_length=64)
    description = serializers.CharField(max_length=10_000, required=False, default="", allow_blank=True)
    parameters = serializers.DictField(required=False, default=dict)


class ToolSerializer(StrictSerializer):
    """A tool that is offered to the model."""

    type = serializers.ChoiceField(choices=["function"], default="function")
    function = FunctionSerializer()

    def to_internal_value(self, data: Any) -> ToolDefinition:
        """The typed definition."""
        function = super().to_internal_value(data)["function"]
        return ToolDefinition(function["name"], function["description"], function["parameters"] or NO_PARAMETERS)


def _part(item: object, number: int) -> TextPart | ImagePart:
    fields = item if isinstance(item, Mapping) else {}
    if fields.get("type") == "text" and set(fields) == {"type", "text"} and isinstance(fields["text"], str):
        return TextPart(fields["text"])
    if fields.get("type") == "image_url" and set(fields) == {"type", "image_url"}:
        image = fields["image_url"]
        url = image.get("url") if isinstance(image, Mapping) and set(image) == {"url"} else image
        if isinstance(url, str):
            return _image(url, number)
    shapes = '{"type": "text", "text": …} or {"type": "image_url", "image_url": {"url": "data:…"}}'
    raise serializers.ValidationError(_("Part %(number)d is not %(shapes)s.") % {"number": number, "shapes": shapes})


def _image(url: str, number: int) -> ImagePart:
    try:
        return image_from_data_url(url)
    except RequestRefused as refusal:
        problem = {"number": number, "problem": refusal.detail}
        raise serializers.ValidationError(_("Part %(number)d: %(problem)s") % problem) from None
