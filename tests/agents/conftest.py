"""A site on a socket and a practice provider behind it."""

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from pytest_django import Settings

from accounts.models import User
from providers import bookings, engine
from providers.models import Provider
from providers.practice import running_practice
from tests.agents.gateway import bare_client, openai_client, token_of
from tests.factories import make_provider, make_user
from tests.live import serving_site


@pytest.fixture(scope="session")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield url


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving_site() as address:
        yield address


@pytest.fixture
def private_providers_allowed(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = True


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def provider(owner: User, practice_url: str, private_providers_allowed: None) -> Provider:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    return make_provider(owner, name="Practice", base_url=f"{practice_url}/v1", api_key="practice")


@pytest.fixture
def token(owner: User) -> str:
    return token_of(owner)


@pytest.fixture
def sdk(site: str, token: str, provider: Provider) -> Iterator[openai.OpenAI]:
    with openai_client(site, token) as sdk:
        yield sdk


@pytest.fixture
def bare(site: str, token: str, provider: Provider) -> Iterator[httpx2.Client]:
    with bare_client(site, token) as sdk:
        yield sdk


def asked(practice_url: str) -> list[dict[str, Any]]:
    """What the practice provider was asked, oldest first."""
    entries = httpx2.get(f"{practice_url}/log", trust_env=False).json()
    return [entry for entry in entries if entry["method"] == "POST"]


@pytest.fixture(autouse=True)
def everything_booked(request: pytest.FixtureRequest) -> Iterator[None]:
    """No entry of the ledger is still being written when the database is emptied."""
    if "site" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    engine.run(bookings.drain(), timeout=20)
