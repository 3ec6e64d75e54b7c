"""Django application configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The ``accounts`` package."""

    name = "accounts"

    def ready(self) -> None:
        """Connect the signals."""
        from accounts import factor_receivers, receivers  # noqa: F401
