"""Addresses of setting up and of one's own settings."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("setup/<str:token>/", views.setup, name="setup"),
    path("settings/", views.settings, name="settings"),
    path("settings/tokens/", views.add_token, name="add-token"),
    path("settings/tokens/<uuid:pk>/revoke/", views.remove_token, name="remove-token"),
]
