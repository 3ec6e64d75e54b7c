"""One adapter per wire dialect, and the table that says which kind speaks which."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from providers.adapters.base import ProviderClient
from providers.errors import AddressRefused, KeyMissing, UnsupportedKind
from providers.network import HOP_HEADER, BaseURLError, check_base_url
from providers.types import ChatRequest, ClientConfig

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

__all__ = [
    "FORBIDDEN_HEADERS",
    "KINDS",
    "Kind",
    "ProviderClient",
    "create_client",
    "dropped_fields",
    "effective_base_url",
    "load_dialects",
]

CHAT_FIELDS = frozenset({"temperature", "top_p", "reasoning_effort", "stop", "seed", "json_mode", "logprobs"})
# What a person may not set by hand: these would bend routing, framing or the loop guard, or carry the key.
FORBIDDEN_HEADERS = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "cookie",
        "accept",
        "accept-encoding",
        "authorization",
        "x-api-key",
        "proxy-authorization",
        HOP_HEADER.lower(),
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table. ``base_url`` is the default, empty where the person must give one."""

    label: str
    factory: Callable[[ClientConfig], ProviderClient]
    base_url: str
    key_required: bool
    about: "StrPromise"
    """A few words for whoever chooses among the kinds."""
    key_page: str = ""
    """Where the vendor hands out keys."""
    takes: frozenset[str] = CHAT_FIELDS
    """The optional ``ChatRequest`` fields that the dialect can express."""
    needs_max_tokens: bool = False
    """Whether the dialect demands a limit, so that one has to be chosen where the caller leaves it open."""


# The vendors' SDKs take a second to import, and most processes never make a client.


@cache
def load_dialects() -> None:
    """Import them; for a thread beside the event loop, before the first client is created.

    They are half of what a process holds, and never garbage: from now on the collector does not walk through them.
    """
    for name in ("anthropic", "openai"):
        import_module(f"{__name__}.{name}")
    gc.freeze()


def _openai_client(config: ClientConfig) -> ProviderClient:
    from providers.adapters.openai import OpenAIClient

    return OpenAIClient(config)


def _anthropic_client(config: ClientConfig) -> ProviderClient:
    from providers.adapters.anthropic import AnthropicClient

    return AnthropicClient(config)


KINDS: Mapping[str, Kind] = {
    "openai": Kind(
        "OpenAI",
        _openai_client,
        "https://api.openai.com/v1",
        key_required=True,
        about=_("The GPT models"),
        key_page="https://platform.openai.com/api-keys",
    ),
    "anthropic": Kind(
        "Anthropic",
        _anthropic_client,
        "https://api.anthropic.com",
        key_required=True,
        about=_("The Claude models"),
        key_page="https://console.anthropic.com/settings/keys",
        takes=frozenset({"reasoning_effort", "stop"}),
        needs_max_tokens=True,
    ),
    "deepseek": Kind(
        "DeepSeek",
        _openai_client,
        "https://api.deepseek.com",
        key_required=True,
        about=_("The DeepSeek models"),
        key_page="https://platform.deepseek.com/api_keys",
    ),
    "openai-compatible": Kind(
        "OpenAI-compatible",
        _openai_client,
        "",
        key_required=False,
        about=_("Any other vendor or server"),
    ),
}


def create_client(config: ClientConfig) -> ProviderClient:
    """A ready client on the running event loop.

    Raises ``UnsupportedKind``, ``KeyMissing`` and, for a base URL that is not allowed, ``AddressRefused``.
    """
    kind = KINDS.get(config.kind)
    if kind is None:
        raise UnsupportedKind(provider=config.provider_name)
    if kind.key_required and not config.api_key:
        raise KeyMissing(provider=config.provider_name)
    return kind.factory(_prepared(config))


def effective_base_url(kind: str, base_url: str = "") -> str:
    """The base URL to use: the given one, else the kind's default; empty when neither exists."""
    row = KINDS.get(kind)
    return base_url or (row.base_url if row else "")


def dropped_fields(kind: str, request: ChatRequest) -> tuple[str, ...]:
    """The fields the request sets that this kind's dialect does not take, for a notice to the reader."""
    row = KINDS.get(kind)
    takes = row.takes if row else CHAT_FIELDS
    return tuple(
        name
        for name in sorted(CHAT_FIELDS - takes)
        if (value := getattr(request, name)) is not None and value is not False and value != ()
    )


def _prepared(config: ClientConfig) -> ClientConfig:
    """The configuration with its base URL filled in and judged, and without headers that a person may not set."""
    base_url = effective_base_url(config.kind, config.base_url)
    try:
        base_url = check_base_url(base_url, resolve=False)
    except BaseURLError as error:
        failure = AddressRefused(detail=str(error), provider=config.provider_name)
    except AddressRefused as error:
        failure = AddressRefused(detail=error.detail, provider=config.provider_name)
    else:
        headers = {name: value for name, value in config.headers.items() if name.lower() not in FORBIDDEN_HEADERS}
        return replace(config, base_url=base_url, headers=headers)
    raise failure
