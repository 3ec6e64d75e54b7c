"""The JSON forms of providers and models. The key goes in and never comes out."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.rest import StrictSerializer
from providers.models import Provider, ProviderKey, ProviderModel
from providers.types import Capability
from providers.usage import GROUPS

CAPABILITIES = {
    "supports_images": Capability.VISION,
    "supports_tools": Capability.TOOLS,
    "supports_streaming": Capability.STREAMING,
    "supports_json_schema": Capability.JSON_SCHEMA,
    "reasoning": Capability.REASONING,
}


class HealthSerializer(serializers.Serializer[Provider]):
    """What the last real call showed."""

    status = serializers.CharField(source="health")
    code = serializers.CharField(source="health_code")
    message = serializers.CharField(source="health_message")
    detail = serializers.CharField(source="health_detail", help_text="The provider's own words, without secrets.")
    checked_at = serializers.DateTimeField(allow_null=True)


class CatalogueSerializer(serializers.Serializer[Provider]):
    """How fresh the list of models is: when one was last had, when one was last asked for, and what went wrong then."""

    fetched_at = serializers.DateTimeField(source="models_fetched_at", allow_null=True)
    checked_at = serializers.DateTimeField(source="models_checked_at", allow_null=True)
    error = serializers.CharField(source="models_error")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A server that speaks OpenAI's API",
            value={
                "name": "Our server",
                "kind": "openai-compatible",
                "base_url": "https://llm.example.org/v1",
                "api_key": "sk-example",
            },
            request_only=True,
        )
    ]
)
class ProviderSerializer(StrictSerializer):
    """A provider. What may be in the fields is checked by the services, for every door alike."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=100)
    slug = serializers.CharField(read_only=True)
    kind = serializers.CharField(max_length=30)
    base_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    api_key = serializers.CharField(
        max_length=4000, required=False, allow_blank=True, write_only=True, style={"input_type": "password"}
    )
    headers = serializers.DictField(
        child=serializers.CharField(max_length=4000, trim_whitespace=False),
        required=False,
        write_only=True,
        help_text="Further request headers. All of them at once: what is left out is removed.",
    )
    header_names = serializers.ListField(child=serializers.CharField(), read_only=True)
    organization = serializers.CharField(max_length=200, required=False, allow_blank=True)
    project = serializers.CharField(max_length=200, required=False, allow_blank=True)
    key_weight = serializers.IntegerField(required=False)
    connect_timeout = serializers.IntegerField(required=False, allow_null=True, help_text="In seconds.")
    first_event_timeout = serializers.IntegerField(required=False, allow_null=True, help_text="In seconds.")
    idle_timeout = serializers.IntegerField(required=False, allow_null=True, help_text="In seconds.")
    total_timeout = serializers.IntegerField(required=False, allow_null=True, help_text="In seconds.")
    max_concurrency = serializers.IntegerField(
        required=False, allow_null=True, help_text="Calls at the same time, over all processes."
    )
    shared = serializers.BooleanField(source="is_shared", required=False)
    is_active = serializers.BooleanField(required=False)
    is_default = serializers.BooleanField(required=False)
    has_api_key = serializers.BooleanField(read_only=True)
    key_hint = serializers.CharField(read_only=True)
    health = HealthSerializer(source="*", read_only=True)
    catalogue = CatalogueSerializer(source="*", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


class ProviderFilters(serializers.Serializer[Any]):
    """Which providers are listed."""

    q = serializers.CharField(source="name__icontains", required=False, allow_blank=True, help_text="Part of the name.")
    kind = serializers.ChoiceField(choices=Provider.Kind.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    shared = serializers.BooleanField(source="is_shared", required=False)


class ModelFilters(serializers.Serializer[Any]):
    """Which models are listed."""

    q = serializers.CharField(
        source="model_id__icontains", required=False, allow_blank=True, help_text="Part of the model's id."
    )
    provider = serializers.UUIDField(source="provider_id", required=False)


class KeyChangeSerializer(StrictSerializer):
    """What can be changed of a further key: another secret is another key."""

    id = serializers.UUIDField(read_only=True)
    label = serializers.CharField(max_length=100, required=False, allow_blank=True)  # type: ignore[assignment]
    weight = serializers.IntegerField(required=False)
    key_hint = serializers.CharField(read_only=True)
    resting_until = serializers.SerializerMethodField()
    resting_code = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(read_only=True)

    def get_resting_until(self, key: ProviderKey) -> datetime | None:
        """When a refused key is tried again."""
        rest = self.context["rests"].get(str(key.pk))
        return datetime.fromtimestamp(rest.until, tz=UTC) if rest else None

    def get_resting_code(self, key: ProviderKey) -> str | None:
        """The code of the error that sent it to rest."""
        rest = self.context["rests"].get(str(key.pk))
        return rest.code if rest else None


class KeySerializer(KeyChangeSerializer):
    """A further key of a provider. It goes in and never comes out."""

    api_key = serializers.CharField(max_length=4000, write_only=True, style={"input_type": "password"})


class ModelSerializer(serializers.Serializer[Any]):
    """One model of the catalogue, in the contract's form. ``pk`` names the row for changes."""

    def to_representation(self, row: ProviderModel) -> dict[str, Any]:
        """Capabilities that nobody told are ``null``; prices are per million tokens, in US dollars."""
        able = row.capabilities
        return {
            "id": row.model_id,
            "pk": row.pk,
            "display_name": row.display_name or row.model_id,
            "provider_id": str(row.provider_id),
            "provider_name": row.provider.name,
            "capabilities": {
                **{name: able.get(capability.value) for name, capability in CAPABILITIES.items()},
                "context_length": row.context_length,
                "max_output_tokens": row.max_output_tokens,
            },
            "source": row.source,
            "lifecycle": row.stage,
            "ends_on": row.ends_on and row.ends_on.isoformat(),
            "is_hidden": row.is_hidden,
            "pricing": _pricing(row),
        }


def _pricing(row: ProviderModel) -> dict[str, str | None] | None:
    if row.input_price is None and row.output_price is None:
        return None
    prices = {
        "input": row.input_price,
        "output": row.output_price,
        "cache_read": row.cache_read_price,
        "cache_write": row.cache_write_price,
    }
    return {name: None if price is None else str(price) for name, price in prices.items()} | {"currency": "USD"}


class ModelChangeSerializer(StrictSerializer):
    """What an owner may change of a model. Prices in dollars per million tokens; ``null`` takes a change back."""

    display_name = serializers.CharField(max_length=200, required=False)
    is_hidden = serializers.BooleanField(required=False)
    context_length = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    max_output_tokens = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    capabilities = serializers.DictField(child=serializers.BooleanField(), required=False)
    input_price = serializers.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, required=False, allow_null=True
    )
    output_price = serializers.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, required=False, allow_null=True
    )

    def validate_capabilities(self, value: dict[str, bool]) -> dict[str, bool]:
        """The names that the answers use."""
        if unknown := sorted(set(value) - set(CAPABILITIES)):
            raise serializers.ValidationError({name: [_("Unknown field.")] for name in unknown})
        return {CAPABILITIES[name].value: told for name, told in value.items()}


class TestRequestSerializer(StrictSerializer):
    """Which model to ask; never an address."""

    __test__ = False
    model = serializers.CharField(max_length=200, required=False, allow_blank=True)


class TestResultSerializer(serializers.Serializer[Any]):
    """What a real call showed."""

    __test__ = False
    ok = serializers.BooleanField()
    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField()
    model = serializers.CharField()
    latency_ms = serializers.IntegerField()
    detail = serializers.CharField(help_text="The provider's own words, without secrets.")


class CachedProviderSerializer(serializers.Serializer[Any]):
    """A provider that some process has ready."""

    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField(source="kind")
    last_used = serializers.DateTimeField()
    processes = serializers.ListField(child=serializers.CharField())


class UsageQuerySerializer(serializers.Serializer[Any]):
    """What is summed: days in UTC, both included."""

    to = serializers.DateField(required=False)
    group_by = serializers.CharField(required=False, default="", help_text=", ".join(GROUPS) + "; comma-separated")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """``from`` is a word of Python's."""
        return {"from": serializers.DateField(required=False), **super().get_fields()}

    def validate_group_by(self, value: str) -> list[str]:
        """Each name once."""
        names = list(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        if unknown := [name for name in names if name not in GROUPS]:
            raise serializers.ValidationError(
                _("%(names)s is not one of: %(known)s.") % {"names": unknown[0][:40], "known": ", ".join(GROUPS)}
            )
        return names


class UsageSerializer(serializers.Serializer[Any]):
    """Sums of one group. ``cost`` is in US dollars; ``certainty`` is the share of calls whose figures were told."""

    day = serializers.DateField(required=False)
    model = serializers.CharField(required=False)
    provider = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    user = serializers.CharField(required=False)
    calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=20, decimal_places=8, allow_null=True)
    certainty = serializers.FloatField()
