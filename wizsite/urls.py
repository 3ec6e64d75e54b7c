"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from accounts.adapter import answer_later
from wizsite import health

handler429 = answer_later  # for django-allauth, which looks for it here
urlpatterns = [
    path("", include("conversations.urls")),
    path("", include("accounts.urls")),
    path("providers/", include("providers.urls")),
    path("agents/", include("agents.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("wizsite.api_urls")),
    path("healthz/live", health.live, name="health-live"),
    path("healthz/ready", health.ready, name="health-ready"),
]
