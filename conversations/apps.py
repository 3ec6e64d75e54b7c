"""Django application configuration."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """The ``conversations`` package."""

    name = "conversations"

    def ready(self) -> None:
        """Connect the signals."""
        from conversations import access, attachments, words  # noqa: F401
