"""The practice provider over HTTP, and settings that let tests reach it."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from providers.practice import running_practice


@pytest.fixture(scope="session")
def practice() -> Iterator[str]:
    """The base URL of a practice provider, without ``/v1``."""
    with running_practice() as base:
        yield base


@pytest.fixture(autouse=True)
def _private_providers_allowed(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = True
