"""The JSON forms of endpoints and deliveries."""

from typing import Any

from rest_framework import serializers

from accounts.rest import StrictSerializer
from providers.models import WebhookDelivery, WebhookEndpoint, WebhookEvent


class EndpointSerializer(StrictSerializer, serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint without its secret. Without ``events`` it hears all; with ``server_wide`` the whole server's."""

    url = serializers.CharField(max_length=1000)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=WebhookEvent.choices), required=False, max_length=len(WebhookEvent)
    )
    server_wide = serializers.BooleanField(required=False, default=False)
    off_reason = serializers.ChoiceField(
        choices=WebhookEndpoint.Reason.choices, read_only=True, help_text="Why it is switched off."
    )

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id",
            "url",
            "description",
            "events",
            "server_wide",
            "is_active",
            "off_reason",
            "failing_since",
            "old_secret_until",
            "created_at",
        )
        read_only_fields = ("id", "off_reason", "failing_since", "old_secret_until", "created_at")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Whose an endpoint is is said once, when it is made."""
        fields = super().get_fields()
        if self.instance is not None or self.partial:
            fields["server_wide"].read_only = True
        return fields

    def to_representation(self, instance: WebhookEndpoint) -> dict[str, Any]:
        """The row."""
        return {**super().to_representation(instance), "server_wide": instance.owner_id is None}


class SecretSerializer(serializers.Serializer[Any]):
    """A new signing secret, shown this once."""

    secret = serializers.CharField(read_only=True)
    old_secret_until = serializers.DateTimeField(read_only=True, help_text="Until then the old one signs too.")


class NewEndpointSerializer(EndpointSerializer):
    """An endpoint at its creation: the only time that its secret is shown."""

    secret = serializers.CharField(read_only=True)

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")  # type: ignore[assignment]


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event for one endpoint, and how far it has come."""

    message_id = serializers.CharField(read_only=True, help_text="The webhook-id.")

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "message_id",
            "event",
            "body",
            "status",
            "attempts",
            "response_code",
            "response_text",
            "problem",
            "created_at",
            "attempted_at",
            "next_attempt_at",
        )
        read_only_fields = fields
