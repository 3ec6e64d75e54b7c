"""API tokens, and the keys with which programs repeat themselves safely."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.scopes import Scope, every_scope, opened_by


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reads of API tokens."""

    def visible_to(self, user: User) -> "ApiTokenQuerySet":
        """Only one's own."""
        return self.filter(user=user)

    def usable(self) -> "ApiTokenQuerySet":
        """Not expired, and of a person who may log in."""
        alive = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(alive, user__is_active=True)


class ApiToken(models.Model):
    """A bearer token. Only the SHA-256 of its value is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=every_scope)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    def opens(self, scope: str) -> bool:
        """Whether the token may be used for this."""
        return scope in opened_by(self.scopes)

    @property
    def scope_labels(self) -> list[str]:
        """The scopes' names for people."""
        return [str(Scope(name).label) for name in self.scopes]


class MakingKey(models.Model):
    """An idempotency key: the same key of the same person makes one object of a kind. Kept for 7 days."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    made = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "kind", "key"), name="making_key_once_per_user"),)

    def __str__(self) -> str:
        return self.key
