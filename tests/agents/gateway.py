"""Official clients of the gateway, over a real socket, for its tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
import openai

from accounts.models import User
from accounts.services import create_token
from tests.live import LIMIT


def token_of(user: User) -> str:
    """A new token."""
    return create_token(user=user, name="gateway")[1]


@contextmanager
def openai_client(site: str, token: str, **options: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's client with nothing changed but key and base URL; it does not try again."""
    with httpx2.Client(trust_env=False, timeout=LIMIT) as http:
        yield openai.OpenAI(api_key=token, base_url=f"{site}/v1", max_retries=0, http_client=http, **options)


@contextmanager
def anthropic_client(site: str, **credentials: Any) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client, with ``api_key`` or ``auth_token``."""
    with httpx2.Client(trust_env=False, timeout=LIMIT) as http:
        yield anthropic.Anthropic(base_url=site, max_retries=0, http_client=http, **credentials)


@contextmanager
def bare_client(site: str, token: str) -> Iterator[httpx2.Client]:
    """Plain HTTP with the token; paths are below /v1/."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{site}/v1/", headers=headers, trust_env=False, timeout=LIMIT) as client:
        yield client
