"""Django application configuration."""

from django.apps import AppConfig


class WizsiteConfig(AppConfig):
    """The composition root."""

    name = "wizsite"

    def ready(self) -> None:
        """Connect the system checks, the signs of life and the OpenAPI descriptions."""
        from wizsite import checks, heartbeat, openapi  # noqa: F401
