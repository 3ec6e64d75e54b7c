"""Django application configuration."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """The ``providers`` package."""

    name = "providers"
