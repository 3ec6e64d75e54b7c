"""How models stand with their providers: going on, ending, ended, or gone from the list.

What people call a model is not always what its provider lists: Ollama lists ``name:latest``, Google ``models/name``,
Anthropic the dated name, and OpenRouter takes ``name:online`` for every name.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from providers.models import ProviderModel

Named = tuple[UUID | None, str]
"""A provider's id and what a model is called there; without either nothing is known."""

COLUMNS: Final = ("provider_id", "model_id", "lifecycle", "ends_on")
VARIANTS: Final = re.compile(r":(online|nitro|floor|exacto)$")
DAY: Final = r"-(\d{8}|\d{4}-\d{2}-\d{2}|\d{4})"


class ModelStatus(TextChoices):
    """One word for it."""

    ACTIVE = "active", _("active")
    DEPRECATED = "deprecated", _("deprecated")
    RETIRED = "retired", _("retired")
    UNLISTED = "unlisted", _("not listed any more")
    UNKNOWN = "unknown", _("unknown")


@dataclass(frozen=True, slots=True)
class Standing:
    """The status, and the last day if one is known."""

    status: ModelStatus
    ends_on: date | None = None

    @property
    def needs_care(self) -> bool:
        """Whether whoever uses the model should choose another."""
        return self.status in {ModelStatus.DEPRECATED, ModelStatus.RETIRED, ModelStatus.UNLISTED}


UNKNOWN: Final = Standing(ModelStatus.UNKNOWN)


def standings(models: Iterable[Named]) -> dict[Named, Standing]:
    """How each of these models stands, in two queries at most.

    ``unlisted`` means that the provider has told its list and that this model is not in it; as long as only what is
    known beforehand is stored, a missing model is ``unknown``.
    """
    wanted: set[tuple[UUID, str]] = {(provider_id, model) for provider_id, model in models if provider_id and model}
    rows = _rows(wanted)
    found: dict[Named, Standing] = {named: standing_of(rows[named]) for named in wanted if named in rows}
    missing = wanted - found.keys()
    listed = _listed({provider_id for provider_id, _model in missing})
    for provider_id, model in missing:
        found[provider_id, model] = _by_another_name(model, listed.get(provider_id, {}))
    return found


def find_listed(model: str, listed: Collection[str]) -> str | None:
    """The name in a provider's list that a request for ``model`` reaches, if there is one."""
    plain = VARIANTS.sub("", model)
    candidates = (model, f"{model}:latest", f"models/{model}", model.removeprefix("models/"), plain)
    if (exact := next((name for name in candidates if name in listed), None)) is not None:
        return exact
    dated = re.compile(re.escape(model.removesuffix("-latest")) + DAY)
    return max((name for name in listed if dated.fullmatch(name)), default=None)


def _rows(wanted: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], ProviderModel]:
    if not wanted:
        return {}
    providers, models = zip(*wanted, strict=True)
    rows = ProviderModel.objects.filter(provider__in=set(providers), model_id__in=set(models)).only(*COLUMNS)
    return {(row.provider_id, row.model_id): row for row in rows}


def _listed(providers: Collection[UUID]) -> dict[UUID, dict[str, ProviderModel]]:
    """The live lists of those providers that have one."""
    if not providers:
        return {}
    found: dict[UUID, dict[str, ProviderModel]] = {}
    rows = ProviderModel.objects.filter(source=ProviderModel.Source.LIVE, provider__in=providers)
    for row in rows.only(*COLUMNS):
        found.setdefault(row.provider_id, {})[row.model_id] = row
    return found


def _by_another_name(model: str, listed: Mapping[str, ProviderModel]) -> Standing:
    if not listed:
        return UNKNOWN
    name = find_listed(model, listed)
    return Standing(ModelStatus.UNLISTED) if name is None else standing_of(listed[name])


def standing_of(row: ProviderModel) -> Standing:
    """How a listed model stands today."""
    return Standing(ModelStatus(row.stage), row.ends_on)
