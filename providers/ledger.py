"""What every call used and cost, made sane before it is booked."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from accounts.models import User
from providers.models import Provider, UsageRecord
from providers.pricing import price_usage
from providers.types import ChatRequest, ImagePart, Usage

LARGEST: Final = 1_000_000_000  # tokens of one call; anything above is nonsense
CHARACTERS_PER_TOKEN: Final = 4  # the rule of thumb of https://platform.openai.com/tokenizer
IMAGE_TOKENS: Final = 800  # about what one picture costs


def record_usage(
    *,
    user: User | None,
    provider: Provider | None,
    model: str,
    usage: Usage,
    agent_name: str = "",
    generation_id: UUID | None = None,
) -> UsageRecord:
    """Book one call. Nonsensical figures are clamped and the record is marked as uncertain."""
    sane = sanitize_usage(usage)
    return UsageRecord.objects.create(
        user=user,
        provider=provider,
        provider_name=provider.name if provider else "",
        model=model[:200],
        agent_name=agent_name[:100],
        generation_id=generation_id,
        input_tokens=sane.input,
        output_tokens=sane.output,
        cache_read_tokens=sane.cache_read,
        cache_write_tokens=sane.cache_write,
        reasoning_tokens=sane.reasoning,
        cost=price_usage(provider, model, sane) if provider else None,
        is_certain=sane.certain,
    )


def usage_form(*records: UsageRecord) -> dict[str, object]:
    """What readers and callers are told of entries, summed up; ``cost`` is in US dollars, ``None`` if unknown."""
    costs = [record.cost for record in records if record.cost is not None]
    return {
        "input_tokens": sum(record.input_tokens for record in records),
        "output_tokens": sum(record.output_tokens for record in records),
        "cache_read_tokens": sum(record.cache_read_tokens for record in records),
        "cache_write_tokens": sum(record.cache_write_tokens for record in records),
        "reasoning_tokens": sum(record.reasoning_tokens for record in records),
        "cost": str(sum(costs)) if costs else None,
        "certain": all(record.is_certain for record in records),
    }


def estimate_usage(request: ChatRequest, text: str) -> Usage:
    """About what a call used, for providers that do not tell."""
    characters = len(request.system_prompt)
    images = 0
    for message in request.messages:
        if isinstance(message.content, str):
            characters += len(message.content)
            continue
        for part in message.content:
            if isinstance(part, ImagePart):
                images += 1
            else:
                characters += len(part.text)
    return Usage(
        input=-(-characters // CHARACTERS_PER_TOKEN) + images * IMAGE_TOKENS,
        output=-(-len(text) // CHARACTERS_PER_TOKEN),
        certain=False,
    )


def sanitize_usage(usage: Usage) -> Usage:
    """Whole numbers from 0 to ``LARGEST``, parts no larger than their whole; uncertain if anything had to change."""
    whole_input, whole_output = _bounded(usage.input), _bounded(usage.output)
    cache_read = min(_bounded(usage.cache_read), whole_input)
    sane = Usage(
        input=whole_input,
        output=whole_output,
        cache_read=cache_read,
        cache_write=min(_bounded(usage.cache_write), whole_input - cache_read),
        reasoning=min(_bounded(usage.reasoning), whole_output),
        certain=usage.certain,
    )
    return sane if sane == usage else replace(sane, certain=False)


def _bounded(figure: object) -> int:
    return min(max(figure, 0), LARGEST) if type(figure) is int else 0
