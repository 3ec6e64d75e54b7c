"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from accounts.adapter import answer_later
from accounts.settings_views import address
from providers.usage_views import usage
from wizsite import health
from wizsite.manifest import manifest

handler429 = answer_later  # for django-allauth, which looks for it here
urlpatterns = [
    path("", include("conversations.urls")),
    path("", include("accounts.urls")),
    path("settings/webhooks/", include("providers.webhooks.urls")),
    path("settings/usage/", usage, name="usage"),
    path("providers/", include("providers.urls")),
    path("agents/", include("agents.urls")),
    path("accounts/2fa/", include("accounts.factor_urls")),
    path("accounts/email/", address, name="account_email"),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("wizsite.api_urls")),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("healthz/live", health.live, name="health-live"),
    path("healthz/ready", health.ready, name="health-ready"),
]
