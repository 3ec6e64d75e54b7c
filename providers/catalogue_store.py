"""Writing the catalogue: one statement for all models of a provider, and what an administrator set survives."""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from providers.catalogue_facts import Facts, apply_overrides, build_row
from providers.models import Provider, ProviderModel
from providers.practice.catalogue import PLEASANT

ID_LENGTH: Final = 200
BATCH: Final = 500
FACT_COLUMNS: Final = (
    "display_name",
    "capabilities",
    "context_length",
    "max_output_tokens",
    "input_price",
    "output_price",
    "cache_read_price",
    "cache_write_price",
    "is_chat",
    "lifecycle",
    "ends_on",
    "source",
    "position",
    "fetched_at",
)


@transaction.atomic
def store_models(provider: Provider, found: Iterable[Facts], source: ProviderModel.Source) -> None:
    """Make the stored models of ``provider`` those that were found; hidden marks and overrides stay.

    A provider that was deleted meanwhile gets none.
    """
    # The provider's row is the lock: two writers at once would take each other's rows for gone.
    if Provider.objects.select_for_update().filter(pk=provider.pk).first() is None:
        return
    overrides = dict(ProviderModel.objects.filter(provider=provider).values_list("model_id", "overrides"))
    rows: dict[str, ProviderModel] = {}
    for position, facts in enumerate(facts for facts in found if len(facts.id) <= ID_LENGTH):
        row = build_row(provider, facts, source)
        row.position = position
        # The practice provider's other models play faults: hidden until somebody wants to rehearse one.
        row.is_hidden = provider.is_practice and facts.id not in PLEASANT
        row.overrides = overrides.get(facts.id, {})
        apply_overrides(row)
        rows.setdefault(facts.id, row)
    ProviderModel.objects.bulk_create(
        rows.values(),
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["provider", "model_id"],
        update_fields=FACT_COLUMNS,
    )
    if gone := set(overrides) - set(rows):
        _remove(provider, gone)


def _remove(provider: Provider, gone: set[str]) -> None:
    """What an administrator has worked on stays, in case the provider lists it again."""
    missing = ProviderModel.objects.filter(provider=provider, model_id__in=gone)
    missing.filter(overrides={}, is_hidden=False).delete()
    missing.update(lifecycle=ProviderModel.Lifecycle.RETIRED)
