"""Django application configuration."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """The ``agents`` package."""

    name = "agents"
