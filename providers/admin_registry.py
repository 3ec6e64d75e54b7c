"""The registry in the Django admin: what all processes have ready, and a way to have it made anew."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from providers import registry
from providers.errors import ProviderNotFound
from providers.sentences import in_readers_language

URL_NAME = "providers_provider_registry"


class RegistryView(UnfoldModelAdminViewMixin, TemplateView):  # type: ignore[misc]
    """The cached providers; posting clears one of them, or all."""

    title = _("Registry")
    permission_required = "providers.change_provider"
    template_name = "admin/providers/registry.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The list as it is now, last used first."""
        return super().get_context_data(cached=registry.cached_providers(), **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Every process makes its clients anew; running calls finish on the old ones."""
        provider_id = request.POST.get("provider", "")
        try:
            registry.clear_provider(provider_id) if provider_id else registry.clear_all()
        except ProviderNotFound as error:
            messages.error(request, in_readers_language(error.message))
        else:
            messages.success(request, _("Cleared: clients are made anew at the next use."))
        return redirect(f"admin:{URL_NAME}")
