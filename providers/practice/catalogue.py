"""The models that the practice provider lists: the pleasant ones first, then one per fault."""

from collections.abc import Iterator

from providers.practice.faults import REFUSALS, WRONG_BODIES
from providers.practice.plans import FAULTS

EMPTY_LIST = "empty-list"

Fields = dict[str, object]
PLEASANT = {
    "practice": "Practice",
    "practice-fast": "Practice (unpaced)",
    "practice-slow": "Practice (slow)",
    "practice-reasoning": "Practice (reasoning)",
}
CONTEXT = 128_000
MAX_OUTPUT = 32_000
FAULT_NAMES = tuple(sorted({*REFUSALS, *WRONG_BODIES, *FAULTS, EMPTY_LIST}))


def fault_of(model: str, message: str) -> str:
    """The fault that a model name or a message selects; empty for none."""
    named = message.partition("fault:")[2].split(maxsplit=1)[:1] if "fault:" in message else []
    for candidate in (*named, model.removeprefix("practice-")):
        if candidate in FAULT_NAMES:
            return candidate
    return ""


def knows(model: str) -> bool:
    """Whether a model of this name exists."""
    return model in PLEASANT or model.removeprefix("practice-") in FAULT_NAMES


def listing(*, anthropic: bool, is_empty: bool = False) -> Fields:
    """The body of ``GET /v1/models`` in the dialect asked for."""
    if is_empty:
        return {"object": "list", "data": [], "has_more": False}
    return anthropic_list() if anthropic else openai_list()


def openai_list() -> Fields:
    """The body of ``GET /v1/models`` for OpenAI's dialect, with the fields that compatible servers add."""
    data = [
        {
            "id": identity,
            "object": "model",
            "created": 1_767_225_600,
            "owned_by": "wiz",
            "name": name,
            "context_length": CONTEXT,
            "max_completion_tokens": MAX_OUTPUT,
            "supported_parameters": ["temperature", "tools", "structured_outputs", "response_format"]
            + (["reasoning"] if "reasoning" in identity else []),
            "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
        }
        for identity, name in _models()
    ]
    return {"object": "list", "data": data}


def anthropic_list() -> Fields:
    """The body of ``GET /v1/models`` for Anthropic's dialect."""
    data = [
        {
            "id": identity,
            "type": "model",
            "display_name": name,
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": CONTEXT,
            "max_tokens": MAX_OUTPUT,
            "capabilities": {
                "image_input": {"supported": True},
                "structured_outputs": {"supported": True},
                "thinking": {"supported": "reasoning" in identity},
            },
        }
        for identity, name in _models()
    ]
    return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}


def _models() -> Iterator[tuple[str, str]]:
    yield from PLEASANT.items()
    for name in FAULT_NAMES:
        yield f"practice-{name}", f"Practice fault: {name}"
