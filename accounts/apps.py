"""Django application configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The ``accounts`` package."""

    name = "accounts"
