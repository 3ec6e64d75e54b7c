"""Django application configuration."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """The ``conversations`` package."""

    name = "conversations"
