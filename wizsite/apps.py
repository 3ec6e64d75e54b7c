"""Django application configuration."""

from django.apps import AppConfig


class WizsiteConfig(AppConfig):
    """The composition root."""

    name = "wizsite"
