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
    """What the data says about a model; prices per million tokens, the lowest tier. ``None`` means not known."""

    id: str
    display_name: str
    context_length: int | None
    input_price: Decimal | None
    output_price: Decimal | None
    cache_read_price: Decimal | None
    cache_write_price: Decimal | None
    is_deprecated: bool
    is_paid_for_text: bool
    """False when there are prices, but none for words that it writes: it embeds, ranks, transcribes."""


def find_known(kind: str, base_url: str, model_id: str) -> KnownModel | None:
    """What is known about a model at this address, if anything."""
    vendor = _vendor(kind, base_url)
    model = _find(vendor, model_id) if vendor else None
    return _known(model) if model else None


def known_models(kind: str, base_url: str) -> Iterator[KnownModel]:
    """Every model known at this address."""
    vendor = _vendor(kind, base_url)
    return (_known(model) for model in (vendor.models if vendor else ()))


def price_usage(provider: Provider, model: str, usage: Usage) -> Decimal | None:
    """What a call cost, in dollars; ``None`` when nobody knows.

    The stored prices win: an administrator's, or the provider's own. Where they are those of the data, the data says
    more: its tiers and times of day.
    """
    return price_by_row(provider, model, ProviderModel.objects.filter(provider=provider, model_id=model).first(), usage)


def price_by_row(provider: Provider, model: str, row: ProviderModel | None, usage: Usage) -> Decimal | None:
    """As ``price_usage``, for callers that hold the model's row of the catalogue, if there is one; reads nothing."""
    if row is not None and not _is_from_data(provider, row) and (cost := _by_row(row, usage)) is not None:
        return cost
    return _by_data(provider, model, usage)


def _is_from_data(provider: Provider, row: ProviderModel) -> bool:
    if {"input_price", "output_price"} & set(row.overrides):
        return False
    known = find_known(provider.kind, provider.base_url, row.model_id)
    return known is not None and (known.input_price, known.output_price) == (row.input_price, row.output_price)


def _by_row(row: ProviderModel, usage: Usage) -> Decimal | None:
    """Cached words cost what other words cost where nobody says otherwise."""
    if row.input_price is None and row.output_price is None:
        return None
    plain = row.input_price or Decimal(0)
    is_override = "input_price" in row.overrides
    read = plain if is_override or row.cache_read_price is None else row.cache_read_price
    write = plain if is_override or row.cache_write_price is None else row.cache_write_price
    cost = plain * max(usage.input - usage.cache_read - usage.cache_write, 0)
    cost += read * usage.cache_read + write * usage.cache_write + (row.output_price or 0) * usage.output
    return _bounded(cost / MILLION)


def _by_data(provider: Provider, model: str, usage: Usage) -> Decimal | None:
    from genai_prices.types import Usage as Counts

    vendor = _vendor(provider.kind, provider.base_url)
    found = _find(vendor, model) if vendor else None
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


def _find(vendor: "types.Provider", model_id: str) -> "types.ModelInfo | None":
    # Google's chat completions endpoint lists its models with the name of the collection before theirs.
    return vendor.find_model(model_id.removeprefix("models/"), all_providers=_all_vendors())


def _bounded(cost: Decimal) -> Decimal:
    return min(max(cost, Decimal(0)), HIGHEST).quantize(PLACES)


def _known(model: "types.ModelInfo") -> KnownModel:
    prices = model.get_prices(datetime.now(tz=UTC))
    priced = {name for name, price in vars(prices).items() if price is not None}
    return KnownModel(
        id=model.id,
        display_name=model.name or "",
        context_length=model.context_window,
        input_price=_lowest(prices.input_mtok),
        output_price=_lowest(prices.output_mtok),
        cache_read_price=_lowest(prices.cache_read_mtok),
        cache_write_price=_lowest(prices.cache_write_mtok),
        is_deprecated=bool(model.deprecated),
        is_paid_for_text=not priced or "output_mtok" in priced,
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
