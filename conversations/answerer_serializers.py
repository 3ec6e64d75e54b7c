"""The JSON forms of who answers in a conversation, and with which parameters."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from accounts.rest import StrictSerializer
from conversations.choosing import check_answerer
from conversations.models import Conversation
from conversations.parameters import INSTRUCTIONS_LENGTH, clean_parameters, read_parameters
from providers.requests import EFFORTS, LARGEST_LIMIT


class ParametersSerializer(StrictSerializer):
    """What a conversation sets for itself; what is absent or null is the agent's. 0 is a value."""

    temperature = serializers.FloatField(min_value=0, max_value=2, required=False, allow_null=True)
    top_p = serializers.FloatField(min_value=0, max_value=1, required=False, allow_null=True)
    max_tokens = serializers.IntegerField(min_value=1, max_value=LARGEST_LIMIT, required=False, allow_null=True)
    reasoning_effort = serializers.ChoiceField(choices=EFFORTS, required=False, allow_null=True, allow_blank=True)
    instructions = serializers.CharField(
        max_length=INSTRUCTIONS_LENGTH, required=False, allow_null=True, allow_blank=True
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Only what is set."""
        return dict(instance)


class AnswererFields:
    """How a conversation's serializer judges the answerer and the parameters together with what there is."""

    instance: Any

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """One of the two answers; whichever is named takes the other away."""
        given = check_named(given)
        if "parameters" in given:
            own = read_parameters(self.instance) if isinstance(self.instance, Conversation) else {}
            given["parameters"] = _cleaned({**own, **given["parameters"]})
        return given


def check_named(given: dict[str, Any]) -> dict[str, Any]:
    """The given fields with the other answerer taken away; raises ``ValidationError``."""
    if not {"provider", "model"} & set(given):
        return {**given, "provider": None, "model": ""} if given.get("agent") else given
    try:
        model = check_answerer(given.get("agent"), given.get("provider"), given.get("model", ""))
    except ValidationError as error:
        raise serializers.ValidationError(error.message_dict) from None
    named = {**given, "provider": given.get("provider"), "model": model}
    return {**named, "agent": None} if model else named


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(clean_parameters(values))
    except ValidationError as error:
        raise serializers.ValidationError({"parameters": error.message_dict}) from None
