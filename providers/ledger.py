"""What every call used and cost, made sane before it is booked."""

import json
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from providers.budgets.standing import note_records
from providers.models import Provider, ProviderModel, UsageRecord
from providers.pricing import price_by_row
from providers.types import ChatRequest, ImagePart, JSONSchema, Usage

LARGEST: Final = 1_000_000_000  # tokens of one call; anything above is nonsense
CHARACTERS_PER_TOKEN: Final = 4  # of English; the rule of thumb of https://platform.openai.com/tokenizer
BYTES_PER_TOKEN: Final = 2  # of UTF-8 for everything else: 1.5 tokens for a Chinese character, 1 for a Cyrillic letter
IMAGE_TOKENS: Final = 800  # about what one picture costs


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that is to be booked."""

    user: User | None
    provider: Provider | None
    model: str
    usage: Usage
    agent_name: str = ""
    generation_id: UUID | None = None


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
    (record,) = record_entries([Entry(user, provider, model, usage, agent_name, generation_id)])
    return record


def record_entries(entries: Iterable[Entry]) -> list[UsageRecord]:
    """Book several calls in one write, as ``record_usage`` does; each model is looked up once.

    A person or provider that was deleted during the call is left out; its entry keeps the names and the cost.
    """
    entries = list(entries)

    @cache
    def row_of(provider_id: UUID, model: str) -> ProviderModel | None:
        return ProviderModel.objects.filter(provider=provider_id, model_id=model).first()

    with transaction.atomic():
        there = _still_there(entries)
        records = UsageRecord.objects.bulk_create([_record(entry, row_of, there) for entry in entries])
    note_records(records)
    return records


def _still_there(entries: Sequence[Entry]) -> set[UUID]:
    """The ids of all people and providers among these entries that have their row."""
    people = User.objects.filter(pk__in={entry.user.pk for entry in entries if entry.user})
    providers = Provider.objects.filter(pk__in={entry.provider.pk for entry in entries if entry.provider})
    return {*people.values_list("pk", flat=True), *providers.values_list("pk", flat=True)}


def _record(entry: Entry, row_of: Callable[[UUID, str], ProviderModel | None], there: Container[UUID]) -> UsageRecord:
    user, provider = entry.user, entry.provider
    sane = sanitize_usage(entry.usage)
    return UsageRecord(
        user=user if user and user.pk in there else None,
        provider=provider if provider and provider.pk in there else None,
        provider_name=provider.name if provider else "",
        model=entry.model[:200],
        agent_name=entry.agent_name[:100],
        is_shared=provider is not None and provider.is_shared,
        generation_id=entry.generation_id,
        input_tokens=sane.input,
        output_tokens=sane.output,
        cache_read_tokens=sane.cache_read,
        cache_write_tokens=sane.cache_write,
        reasoning_tokens=sane.reasoning,
        cost=price_by_row(provider, entry.model, row_of(provider.pk, entry.model), sane) if provider else None,
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
    texts, images = [request.system_prompt], 0
    for tool in request.tools:
        texts += [tool.name, tool.description, _written(tool.parameters)]
    if request.response_schema is not None:
        texts.append(_written(request.response_schema))
    for message in request.messages:
        for call in message.tool_calls:
            texts += [call.name, call.arguments]
        if isinstance(message.content, str):
            texts.append(message.content)
            continue
        images += sum(isinstance(part, ImagePart) for part in message.content)
        texts += [part.text for part in message.content if not isinstance(part, ImagePart)]
    return Usage(
        input=estimate_tokens(*texts) + images * IMAGE_TOKENS,
        output=estimate_tokens(text),
        certain=False,
    )


def _written(schema: JSONSchema) -> str:
    return json.dumps(dict(schema), ensure_ascii=False, separators=(",", ":"))


def estimate_tokens(*texts: str) -> int:
    """About how many tokens these texts are together; rather too many than too few, in every script."""
    quarters = sum(_weight(text) for text in texts)
    return -(-quarters // CHARACTERS_PER_TOKEN)


def _weight(text: str) -> int:
    """Estimated tokens times ``CHARACTERS_PER_TOKEN``."""
    if text.isascii():
        return len(text)
    plain = len(text.encode("ascii", "ignore"))
    other = len(text.encode("utf-8", "surrogatepass")) - plain
    return plain + other * CHARACTERS_PER_TOKEN // BYTES_PER_TOKEN


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
