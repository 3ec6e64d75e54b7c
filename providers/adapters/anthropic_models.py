"""The model list of the messages dialect, which tells capabilities, limits and lifecycle."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, cast

from providers.adapters import failures
from providers.adapters.model_fields import day_of
from providers.adapters.openai_models import ANYTHING, items_of
from providers.adapters.text import clean, count_of, decode, name_of
from providers.errors import ProviderError
from providers.types import Capability, ClientConfig, ModelInfo

Fields = Mapping[str, object]
CAPABILITIES = {
    "image_input": Capability.VISION,
    "structured_outputs": Capability.JSON_SCHEMA,
    "thinking": Capability.REASONING,
}
# The list does not mention what every model can do, nor what no model takes.
ALWAYS = {Capability.STREAMING: True, Capability.TOOLS: True, Capability.JSON_MODE: False, Capability.SAMPLING: False}


def read_page(body: bytes, config: ClientConfig) -> tuple[list[ModelInfo], str]:
    """The models of one page and the id after which the next page begins. Raises ``ProviderError``."""
    try:
        models = [model for item in items_of(body) if (model := _model(item))]
        page = decode(body, ANYTHING)
    except ProviderError as error:
        failure = failures.from_exception(error, config=config)
    else:
        more = isinstance(page, Mapping) and page.get("has_more") is True
        return models, models[-1].id if more and models else ""
    raise failure


def _model(fields: Fields) -> ModelInfo | None:
    identity = name_of(fields.get("id"))
    if not identity:
        return None
    name = fields.get("display_name")
    lifecycle = _lifecycle(fields.get("lifecycle"))
    return ModelInfo(
        id=identity,
        display_name=clean(name)[:200] if isinstance(name, str) else "",
        capabilities=_capabilities(fields.get("capabilities")),
        context_length=count_of(fields.get("max_input_tokens")) or None,
        max_output_tokens=count_of(fields.get("max_tokens")) or None,
        lifecycle=lifecycle,
        shutdown_date=_end(fields.get("retires_at"), lifecycle),
        is_chat=True,
    )


def _capabilities(value: object) -> dict[Capability, bool]:
    told = dict(ALWAYS)
    given = cast("Fields", value) if isinstance(value, Mapping) else {}
    for name, capability in CAPABILITIES.items():
        support = given.get(name)
        if isinstance(support, Mapping) and isinstance(support.get("supported"), bool):
            told[capability] = support["supported"] is True
    return told


def _end(value: object, lifecycle: str) -> str:
    """A day that has passed although the model is not retired means that the end is overdue: no day is known."""
    day = day_of(value)
    return "" if lifecycle != "retired" and day < datetime.now(tz=UTC).date().isoformat() else day


def _lifecycle(value: object) -> Literal["active", "deprecated", "retired"]:
    if value == "retired":
        return "retired"
    return "deprecated" if value == "deprecated" else "active"
