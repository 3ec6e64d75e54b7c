"""Finding what somebody may change: for pages and for REST, by one rule."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from accounts.models import User
from providers.models import Provider, ProviderKey


def find_provider(user: User, pk: UUID) -> Provider:
    """The provider; raises ``Http404`` unless the person may change it."""
    provider: Provider = get_object_or_404(Provider.objects.editable_by(user), pk=pk)
    return provider


def find_key(user: User, pk: UUID, key_pk: UUID) -> ProviderKey:
    """A further key with its provider; raises ``Http404`` unless the person may change it."""
    keys = ProviderKey.objects.editable_by(user).select_related("provider")
    key: ProviderKey = get_object_or_404(keys, provider=pk, pk=key_pk)
    return key
