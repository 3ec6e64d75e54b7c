"""Addresses of setting up and of one's own settings."""

from django.urls import path

from accounts import security_views, settings_views, token_views, views

app_name = "accounts"
urlpatterns = [
    path("setup/<str:token>/", views.setup, name="setup"),
    path("settings/", settings_views.profile, name="settings"),
    path("settings/appearance/", settings_views.appearance, name="appearance"),
    path("settings/look/", settings_views.look, name="look"),
    path("settings/language/", settings_views.language, name="language"),
    path("settings/security/", security_views.security, name="security"),
    path("settings/sessions/", security_views.sessions, name="sessions"),
    path("settings/sessions/others/", security_views.remove_other_sessions, name="remove-other-sessions"),
    path("settings/sessions/<int:pk>/end/", security_views.remove_session, name="remove-session"),
    path("settings/tokens/", token_views.tokens, name="tokens"),
    path("settings/tokens/<uuid:pk>/revoke/", token_views.remove_token, name="remove-token"),
    path("settings/data/", settings_views.own_data, name="data"),
]
