"""What models cost and how much they read, from the offline data of ``genai-prices``; all prices in US dollars."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from providers.models import Provider, ProviderModel
from providers.types import Usage

if TYPE_CHECKING:
    from genai_prices import types

# Kinds whose vendor the data knows; every other kind is recognised by its base URL alone.
VENDORS: Final = {"openai": "openai", "anthropic": "anthropic", "deepseek": "deepseek"}
MILLION: Final = Decimal(1_000_000)
PLACES: Final = Decimal("0.00000001")
HIGHEST: Final = Decimal(999_999)  # dollars of one call; the ledger's column holds no more


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What the data says about a model; prices per million tokens, the lowest tier."""

    id: str
    display_name: str
    context_length: int | None
    input_price: Decimal | None
    output_price: Decimal | None
    is_deprecated: bool


def find_known(kind: str, base_url: str, model_id: str) -> KnownModel | None:
    """What is known about a model at this address, if anything."""
    vendor = _vendor(kind, base_url)
    model = vendor.find_model(model_id, all_providers=_all_vendors()) if vendor else None
    return _known(model) if model else None


def known_models(kind: str, base_url: str) -> Iterator[KnownModel]:
    """Every model known at this address."""
    vendor = _vendor(kind, base_url)
    return (_known(model) for model in (vendor.models if vendor else ()))


def price_usage(provider: Provider, model: str, usage: Usage) -> Decimal | None:
    """What a call cost, in dollars; ``None`` when nobody knows.

    Prices that an administrator entered win; then the data with its cache prices and tiers; then the stored prices.
    """
    row = ProviderModel.objects.filter(provider=provider, model_id=model).first()
    if row is not None and {"input_price", "output_price"} & set(row.overrides):
        return _by_row(row, usage)
    cost = _by_data(provider, model, usage)
    return cost if cost is not None or row is None else _by_row(row, usage)


def _by_row(row: ProviderModel, usage: Usage) -> Decimal | None:
    if row.input_price is None and row.output_price is None:
        return None
    cost = (row.input_price or 0) * usage.input / MILLION + (row.output_price or 0) * usage.output / MILLION
    return _bounded(Decimal(cost))


def _by_data(provider: Provider, model: str, usage: Usage) -> Decimal | None:
    from genai_prices.types import Usage as Counts

    vendor = _vendor(provider.kind, provider.base_url)
    found = vendor.find_model(model, all_providers=_all_vendors()) if vendor else None
    if vendor is None or found is None:
        return None
    counts = Counts(
        input_tokens=max(usage.input, usage.cache_read + usage.cache_write),
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
    )
    try:
        return _bounded(found.calc_price(counts, vendor).total_price)
    except (LookupError, ValueError):
        return None


def _bounded(cost: Decimal) -> Decimal:
    return min(max(cost, Decimal(0)), HIGHEST).quantize(PLACES)


def _known(model: "types.ModelInfo") -> KnownModel:
    prices = model.get_prices(datetime.now(tz=UTC))
    return KnownModel(
        id=model.id,
        display_name=model.name or "",
        context_length=model.context_window,
        input_price=_lowest(prices.input_mtok),
        output_price=_lowest(prices.output_mtok),
        is_deprecated=bool(model.deprecated),
    )


def _lowest(price: "Decimal | types.TieredPrices | None") -> Decimal | None:
    return price if price is None or isinstance(price, Decimal) else price.base


@lru_cache(maxsize=256)
def _vendor(kind: str, base_url: str) -> "types.Provider | None":
    from genai_prices.data_snapshot import get_snapshot

    for by in ({"provider_api_url": base_url}, {"provider_id": VENDORS.get(kind)}):
        try:
            if any(by.values()):
                return get_snapshot().find_provider(None, by.get("provider_id"), by.get("provider_api_url"))
        except LookupError:
            continue
    return None


def _all_vendors() -> "list[types.Provider]":
    # Imported on first use: the data takes a noticeable part of a second, and most processes never need it.
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot().providers
