"""The JSON forms of an agent's versions, and of an agent that travels."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import StrictSerializer
from agents.copying import FORMAT
from agents.differences import compare
from agents.models import AgentVersion
from agents.serializers import AgentSerializer
from agents.validation import FALLBACKS, LINES, PROMPT_LENGTH, STARTER_LENGTH, STARTERS
from providers.generate_serializers import ProviderField


class VersionSerializer(serializers.ModelSerializer[AgentVersion]):
    """One save: its number, when, by whom, what was said about it, and the version that it brought back."""

    author = serializers.SerializerMethodField()

    class Meta:
        model = AgentVersion
        fields: tuple[str, ...] = ("number", "created_at", "author", "note", "restored_from")
        read_only_fields = fields

    def get_author(self, version: AgentVersion) -> str | None:
        """The name of who saved it, if it was a person who is still here."""
        return version.author.label if version.author else None


class ChangeSerializer(serializers.Serializer[Any]):
    """A field that differs."""

    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class WholeVersionSerializer(VersionSerializer):
    """A version with what the agent was, and ``changes`` when it was asked what differs."""

    changes = serializers.SerializerMethodField()

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "snapshot", "changes")
        read_only_fields = fields

    @extend_schema_field(ChangeSerializer(many=True, allow_null=True))
    def get_changes(self, version: AgentVersion) -> Any:
        """What has changed since the version that was named; nothing was asked without one."""
        against = self.context.get("against")
        return ChangeSerializer(compare(against.snapshot, version.snapshot), many=True).data if against else None


class VersionFilters(serializers.Serializer[Any]):
    """What a version is compared with."""

    against = serializers.IntegerField(min_value=1, max_value=10**9, required=False, help_text="The other version.")


class ModelReferenceSerializer(StrictSerializer):
    """A model at a provider of this name and kind."""

    provider = serializers.CharField(max_length=100)
    kind = serializers.CharField(max_length=30)
    model = serializers.CharField(max_length=LINES["model"], allow_blank=True)


class AgentFileSerializer(StrictSerializer):
    """An agent as it travels from one Wiz to another."""

    wiz_agent = serializers.ChoiceField(choices=[FORMAT], help_text="The version of this form.")
    name = serializers.CharField(max_length=LINES["name"])
    description = serializers.CharField(max_length=LINES["description"], required=False, allow_blank=True)
    icon = serializers.CharField(max_length=20, required=False, allow_blank=True)
    colour = serializers.CharField(max_length=20, required=False, allow_blank=True)
    model = ModelReferenceSerializer(allow_null=True)
    fallbacks = serializers.ListField(child=ModelReferenceSerializer(), required=False, max_length=FALLBACKS)
    system_prompt = serializers.CharField(
        max_length=PROMPT_LENGTH, required=False, allow_blank=True, trim_whitespace=False
    )
    temperature = serializers.FloatField(min_value=0, max_value=2, required=False, allow_null=True)
    top_p = serializers.FloatField(min_value=0, max_value=1, required=False, allow_null=True)
    max_tokens = serializers.IntegerField(min_value=1, max_value=10_000_000, required=False, allow_null=True)
    reasoning_effort = serializers.CharField(max_length=20, required=False, allow_blank=True)
    response_schema = serializers.DictField(required=False, allow_null=True)
    starters = serializers.ListField(
        child=serializers.CharField(max_length=STARTER_LENGTH), required=False, max_length=STARTERS
    )


class ImportSerializer(StrictSerializer):
    """What ``export`` gave, and who answers here if nothing fits by name."""

    agent = AgentFileSerializer()
    provider = ProviderField(required=False, allow_null=True)


class ImportedSerializer(AgentSerializer):
    """The new agent, and the fallbacks that were left out."""

    left_out = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta(AgentSerializer.Meta):
        fields: tuple[str, ...] = (*AgentSerializer.Meta.fields, "left_out")
