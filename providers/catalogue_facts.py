"""What is known about one model, put together: told by the provider, then the price data, then the family rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from providers import families, pricing
from providers.models import Provider, ProviderModel
from providers.models.catalogue import today
from providers.pricing import KnownModel
from providers.types import Capability, ModelInfo

LARGEST_COUNT: Final = 2**31 - 1
HIGHEST_PRICE: Final = Decimal(999_999)  # dollars per million tokens
TEXTS: Final = ("display_name",)
COUNTS: Final = ("context_length", "max_output_tokens")
PRICES: Final = ("input_price", "output_price")
ALL_PRICES: Final = (*PRICES, "cache_read_price", "cache_write_price")
FLAGS: Final = ("is_chat",)
CAPABILITIES: Final = "capabilities"


@dataclass(frozen=True, slots=True)
class Facts:
    """One model; prices in dollars per million tokens, ``None`` where nobody knows."""

    id: str
    display_name: str = ""
    capabilities: Mapping[Capability, bool] = field(default_factory=dict)
    context_length: int | None = None
    max_output_tokens: int | None = None
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    cache_read_price: Decimal | None = None
    cache_write_price: Decimal | None = None
    is_chat: bool = True
    lifecycle: str = "active"
    ends_on: date | None = None


def from_list(provider: Provider, listed: Iterable[ModelInfo]) -> Iterator[Facts]:
    """The facts about models that the provider listed."""
    return (_merge(provider, model) for model in listed)


def from_vendor(provider: Provider) -> Iterator[Facts]:
    """The models that the vendor at this address is known to offer and has not ended."""
    for known in pricing.known_models(provider.kind, provider.base_url):
        facts = _merge(provider, ModelInfo(id=known.id))
        if facts.is_chat and facts.lifecycle == "active" and not families.is_ended(known.id):
            yield facts


def build_row(provider: Provider, facts: Facts, source: ProviderModel.Source) -> ProviderModel:
    """The unsaved row."""
    return ProviderModel(
        provider=provider,
        model_id=facts.id,
        display_name=facts.display_name[:200],
        capabilities={str(name): told for name, told in facts.capabilities.items()},
        context_length=facts.context_length,
        max_output_tokens=facts.max_output_tokens,
        input_price=facts.input_price,
        output_price=facts.output_price,
        cache_read_price=facts.cache_read_price,
        cache_write_price=facts.cache_write_price,
        is_chat=facts.is_chat,
        lifecycle=facts.lifecycle,
        ends_on=facts.ends_on,
        source=source,
        fetched_at=timezone.now(),
    )


def apply_overrides(row: ProviderModel) -> None:
    """Put the administrator's words over what was found; does not save."""
    for name, value in clean_overrides(row.overrides).items():
        if value is None:
            continue
        if name == CAPABILITIES and isinstance(value, dict):
            row.capabilities = {**row.capabilities, **value}
        else:
            setattr(row, name, Decimal(str(value)) if name in PRICES else value)


def clean_overrides(overrides: Mapping[str, object]) -> dict[str, object]:
    """The overrides in the JSON form that is stored; raises ``ValidationError`` with field names."""
    errors: dict[str, list[str]] = {}
    cleaned: dict[str, object] = {}
    for name, value in overrides.items():
        try:
            cleaned[name] = None if value is None else _clean_override(name, value)
        except ValidationError as error:
            errors[name] = error.messages
    if errors:
        raise ValidationError(errors)
    return cleaned


def _clean_override(name: str, value: object) -> object:
    if name in TEXTS and isinstance(value, str) and len(value) <= 200:
        return value
    if name in COUNTS and type(value) is int and 0 < value <= LARGEST_COUNT:
        return value
    if name in FLAGS and isinstance(value, bool):
        return value
    if name in PRICES:
        return str(_clean_price(value))
    if name == CAPABILITIES and isinstance(value, Mapping):
        return _clean_capabilities(value)
    raise ValidationError(_("This cannot be set to that."))


def _clean_price(value: object) -> Decimal:
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        raise ValidationError(_("A price is a number.")) from None
    if not price.is_finite() or not 0 <= price <= HIGHEST_PRICE:
        raise ValidationError(_("A price is between 0 and %s.") % HIGHEST_PRICE)
    return price.quantize(Decimal("0.000001"))


def _clean_capabilities(value: Mapping[object, object]) -> dict[str, bool]:
    known = {str(capability) for capability in Capability}
    cleaned = {str(name): told for name, told in value.items() if isinstance(told, bool) and str(name) in known}
    if len(cleaned) != len(value):
        raise ValidationError(_("Capabilities are yes or no, and one of: %s.") % ", ".join(sorted(known)))
    return cleaned


def _merge(provider: Provider, model: ModelInfo) -> Facts:
    known = pricing.find_known(provider.kind, provider.base_url, model.id)
    ends_on = _day(model.shutdown_date)
    return Facts(
        id=model.id,
        display_name=model.display_name or (known.display_name if known and known.id == model.id else ""),
        capabilities={**families.known_capabilities(model.id), **model.capabilities},
        context_length=_count(model.context_length) or _count(known.context_length if known else None),
        max_output_tokens=_count(model.max_output_tokens),
        is_chat=_is_chat(provider, model, known),
        lifecycle=_lifecycle(model, known, ends_on),
        ends_on=ends_on,
        **_prices(model, known),
    )


def _is_chat(provider: Provider, model: ModelInfo, known: KnownModel | None) -> bool:
    """What the provider tells wins; then what its vendor is paid for; then the name."""
    if model.is_chat is not None:
        return model.is_chat
    if known is not None and not known.is_paid_for_text:
        return False
    responses_only = provider.kind == Provider.Kind.OPENAI and families.is_responses_only(model.id)
    return families.is_chat(model.id) and not responses_only


def _lifecycle(model: ModelInfo, known: KnownModel | None, ends_on: date | None) -> str:
    if ends_on is not None and ends_on < today():
        return ProviderModel.Lifecycle.RETIRED
    if model.lifecycle == "active" and (ends_on or (known and known.is_deprecated)):
        return ProviderModel.Lifecycle.DEPRECATED
    return model.lifecycle


def _prices(model: ModelInfo, known: KnownModel | None) -> dict[str, Decimal | None]:
    """Those that the provider tells, all of them or none: prices from two sources do not go together."""
    source = model if known is None or model.input_price is not None or model.output_price is not None else known
    return {name: _price(getattr(source, name)) for name in ALL_PRICES}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 < value <= LARGEST_COUNT else None


def _price(value: Decimal | None) -> Decimal | None:
    return None if value is None else min(value, HIGHEST_PRICE).quantize(Decimal("0.000001"))
