"""Model servers on this machine: looked for at the usual ports, so that nobody has to know an address."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx2
import msgspec
from django.conf import settings

from providers import engine
from providers.errors import AddressRefused
from providers.network import create_http_client
from providers.types import Timeouts

HOST: Final = "127.0.0.1"
USUAL_PORTS: Final = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))
"""Each server's own default, after its documentation."""
LIMIT: Final = 0.8  # seconds for all of them: what runs on this machine answers at once or is busy
BODY_LIMIT: Final = 1_000_000  # bytes of a list


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    """The answer to ``GET /models`` in OpenAI's dialect, which all of them speak."""

    data: list[_Model]


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that has answered, with the number of models that it lists."""

    name: str
    base_url: str
    models: int


def find_local_servers(ports: Sequence[tuple[str, int]] = USUAL_PORTS) -> list[LocalServer]:
    """Those that answer now; none where private addresses are not allowed. Ends within a second, never raises."""
    if not settings.PRIVATE_PROVIDERS:
        return []
    return engine.run(_ask_all(ports), timeout=LIMIT + 2)


async def _ask_all(ports: Sequence[tuple[str, int]]) -> list[LocalServer]:
    client = create_http_client(Timeouts(connect=LIMIT))
    async with client:
        found = await asyncio.gather(*(_ask(client, name, f"http://{HOST}:{port}/v1") for name, port in ports))
    return [server for server in found if server is not None]


async def _ask(client: httpx2.AsyncClient, name: str, base_url: str) -> LocalServer | None:
    """The server at this address; ``None`` when nothing, or something else, answers there."""
    try:
        async with asyncio.timeout(LIMIT), client.stream("GET", f"{base_url}/models") as response:
            if response.status_code != 200:
                return None
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > BODY_LIMIT:
                    return None
        listed = msgspec.json.decode(body, type=_List)
    except (httpx2.HTTPError, AddressRefused, TimeoutError, msgspec.MsgspecError, UnicodeError):
        return None
    return LocalServer(name, base_url, len(listed.data))
