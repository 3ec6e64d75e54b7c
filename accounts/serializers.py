"""The JSON forms of people and tokens."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import ApiToken, User
from accounts.rest import StrictSerializer
from accounts.scopes import Scope


class MeSerializer(StrictSerializer, serializers.ModelSerializer[User]):
    """The caller, and what the caller may change of that."""

    groups = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False, allow_blank=True)
    default_agent = serializers.UUIDField(required=False, allow_null=True)

    class Meta:
        model = User
        fields = (
            "id", "email", "name", "is_staff", "groups", "language", "theme", "high_contrast", "single_keys",
            "default_agent", "temporary_by_default",
        )  # fmt: skip
        read_only_fields = ("id", "email", "is_staff", "groups")


class DeviceSerializer(serializers.Serializer[Any]):
    """One device on which the caller is logged in."""

    id = serializers.IntegerField(read_only=True)
    device = serializers.CharField(read_only=True)
    address = serializers.IPAddressField(read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_seen_at = serializers.DateTimeField(read_only=True)
    is_current = serializers.BooleanField(read_only=True)


class ScopesField(serializers.ListField):
    """What a token opens, as a list without order."""

    child = serializers.ChoiceField(choices=Scope.choices)

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty=False, max_length=len(Scope), **options)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For a script that only reads",
            value={"name": "nightly report", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00Z"},
            request_only=True,
        )
    ]
)
class TokenSerializer(StrictSerializer, serializers.ModelSerializer[ApiToken]):
    """A token without its value."""

    scopes = ScopesField(required=False)

    class Meta:
        model = ApiToken
        fields = ("id", "name", "scopes", "created_at", "expires_at", "last_used_at")
        read_only_fields = ("id", "created_at", "last_used_at")

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        """A token that is born dead helps nobody."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError(_("This moment has passed."))
        return value


class NewTokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token at its creation: the only time that its value is shown."""

    scopes = ScopesField(read_only=True)
    token = serializers.CharField(read_only=True)

    class Meta:
        model = ApiToken
        fields = ("id", "name", "scopes", "created_at", "expires_at", "last_used_at", "token")
        read_only_fields = fields
