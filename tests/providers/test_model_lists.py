"""What is read from the model lists of this year's servers. The bodies follow their documentation."""

import json
from decimal import Decimal

import pytest

from providers.adapters.anthropic_models import read_page
from providers.adapters.openai_models import read_models
from providers.types import Capability, ClientConfig, ModelInfo

CONFIG = ClientConfig("1", "Mine", "openai-compatible", "https://llm.example.org/v1", "key")


def read(**fields: object) -> ModelInfo:
    """The one model that a list with these fields tells."""
    (model,) = read_models(json.dumps({"data": [{"id": "m", **fields}]}).encode(), CONFIG)
    return model


def test_openrouter_tells_prices_limits_capabilities_and_the_end() -> None:
    model = read(
        name="Maker: M",
        context_length=1_000_000,
        architecture={"input_modalities": ["text", "image"], "output_modalities": ["text"]},
        pricing={
            "prompt": "0.000003",
            "completion": "0.000015",
            "input_cache_read": "0.0000003",
            "input_cache_write": "0.00000375",
            "request": "0",
        },
        top_provider={"context_length": 1_000_000, "max_completion_tokens": 64_000, "is_moderated": True},
        supported_parameters=["tools", "reasoning", "response_format"],
        expiration_date="2026-12-11",
    )
    assert (model.display_name, model.context_length, model.max_output_tokens) == ("Maker: M", 1_000_000, 64_000)
    assert (model.input_price, model.output_price) == (Decimal(3), Decimal(15))
    assert (model.cache_read_price, model.cache_write_price) == (Decimal("0.3"), Decimal("3.75"))
    assert (model.lifecycle, model.shutdown_date) == ("deprecated", "2026-12-11")
    assert model.capabilities == {
        Capability.TOOLS: True,
        Capability.JSON_SCHEMA: False,
        Capability.JSON_MODE: True,
        Capability.REASONING: True,
        Capability.SAMPLING: False,
        Capability.VISION: True,
    }


@pytest.mark.parametrize("price", ["-1", "NaN", "Infinity", "much", None, True, [], "1e9", ""])
def test_a_price_that_varies_or_makes_no_sense_is_not_told(price: object) -> None:
    assert read(pricing={"prompt": price, "completion": price}).input_price is None


def test_a_free_model_costs_nothing_rather_than_an_unknown_sum() -> None:
    assert read(pricing={"prompt": "0", "completion": "0"}).output_price == 0


def test_together_counts_in_millions_and_says_what_a_model_is_for() -> None:
    body = [
        {"id": "chats", "type": "chat", "context_length": 131_072, "pricing": {"input": 0.88, "output": 0.9}},
        {"id": "embeds", "type": "embedding", "pricing": {"input": 0.01, "output": 0}},
        {"id": "ranks", "type": "rerank"},
        {"id": "completes", "type": "language"},
    ]
    chats, embeds, ranks, completes = read_models(json.dumps(body).encode(), CONFIG)
    assert (chats.is_chat, embeds.is_chat, ranks.is_chat, completes.is_chat) == (True, False, False, None)
    assert (chats.input_price, chats.output_price, chats.context_length) == (Decimal("0.88"), Decimal("0.9"), 131_072)


def test_vercel_counts_in_tokens_under_the_same_names() -> None:
    model = read(type="language", context_window=200_000, pricing={"input": "0.000003", "output": "0.000015"})
    assert (model.input_price, model.output_price, model.context_length) == (Decimal(3), Decimal(15), 200_000)


def test_mistral_tells_capabilities_and_the_day_of_the_end() -> None:
    flags = {"completion_chat": True, "function_calling": True, "vision": False}
    model = read(
        name="m", type="base", capabilities=flags, max_context_length=131_072, deprecation="2026-12-31T12:00:00Z"
    )
    assert (model.is_chat, model.context_length) == (True, 131_072)
    assert (model.lifecycle, model.shutdown_date) == ("deprecated", "2026-12-31")
    assert model.capabilities == {Capability.TOOLS: True, Capability.VISION: False}
    assert read(capabilities={"completion_chat": False}).is_chat is False
    assert read(capabilities={"completion_chat": True, "ocr": True}).is_chat is None


@pytest.mark.parametrize(
    ("fields", "context"),
    [
        ({"max_model_len": 32_768, "root": "m"}, 32_768),  # vLLM
        ({"context_window": 131_072, "active": True, "max_completion_tokens": 8}, 131_072),  # Groq
        ({"max_context_length": 40_960, "loaded_context_length": 4_096, "type": "llm"}, 4_096),  # LM Studio
        ({"meta": {"n_ctx_train": 131_072, "n_vocab": 1}}, 131_072),  # llama.cpp
        ({"meta": {"n_ctx_train": 131_072, "n_ctx": 8_192}}, 8_192),
        ({"owned_by": "library"}, None),  # Ollama
    ],
)
def test_local_and_fast_servers_tell_their_context(fields: dict[str, object], context: int | None) -> None:
    assert read(**fields).context_length == context


def test_a_model_that_groq_has_switched_off_is_retired() -> None:
    assert read(active=False).lifecycle == "retired"
    assert read(active=True).lifecycle == "active"


def test_lm_studio_tells_embedders_from_models_that_see() -> None:
    assert read(type="embeddings").is_chat is False
    seeing = read(type="vlm", capabilities=["tool_use"])
    assert (seeing.is_chat, seeing.capabilities) == (True, {Capability.VISION: True, Capability.TOOLS: True})
    assert read(type="llm").capabilities == {Capability.VISION: False}


def test_azure_tells_chat_models_and_their_end_in_seconds() -> None:
    model = read(capabilities={"chat_completion": True, "embeddings": False}, deprecation={"inference": 1_797_120_000})
    assert (model.is_chat, model.shutdown_date, model.lifecycle) == (True, "2026-12-13", "deprecated")
    assert read(capabilities={"chat_completion": False}).is_chat is False


def test_fireworks_tells_by_flags() -> None:
    model = read(supports_chat=False, supports_tools=True, supports_image_input=False)
    assert (model.is_chat, model.capabilities) == (False, {Capability.TOOLS: True, Capability.VISION: False})


@pytest.mark.parametrize(
    ("outputs", "is_chat"), [(["text"], None), (["text", "image"], None), (["image"], False), (["embeddings"], False)]
)
def test_what_does_not_write_text_does_not_chat(outputs: list[str], is_chat: bool | None) -> None:
    assert read(architecture={"output_modalities": outputs}).is_chat is is_chat


def test_openai_tells_the_day_and_nothing_when_none_is_announced() -> None:
    assert read(shutdown_date="2026-12-11").shutdown_date == "2026-12-11"
    assert (read(shutdown_date=None).lifecycle, read(shutdown_date="soon").lifecycle) == ("active", "active")


@pytest.mark.parametrize(
    "fields",
    [
        {"pricing": "free"}, {"architecture": []}, {"capabilities": 5}, {"meta": "big"}, {"top_provider": None},
        {"supported_parameters": {"tools": 1}}, {"expiration_date": 10**30}, {"deprecation": {"inference": "never"}},
        {"type": ["chat"]}, {"type": {"a": 1}}, {"capabilities": ["tool_use", 5, None]}, {"context_length": 1e400},
    ],
)  # fmt: skip
def test_fields_of_another_shape_tell_nothing(fields: dict[str, object]) -> None:
    model = read(**fields)
    assert (model.id, model.lifecycle, model.input_price, model.context_length) == ("m", "active", None, None)


def test_anthropic_s_overdue_day_is_no_day() -> None:
    """Its reference: a past date on a model that is not retired yet means overdue, and the model still answers."""
    items = [
        {"id": "overdue", "lifecycle": "deprecated", "retires_at": "2025-01-01T00:00:00Z"},
        {"id": "gone", "lifecycle": "retired", "retires_at": "2025-01-01T00:00:00Z"},
        {"id": "fine", "lifecycle": "active", "retires_at": None},
    ]
    models, _ = read_page(json.dumps({"data": items}).encode(), CONFIG)
    assert [(model.lifecycle, model.shutdown_date) for model in models] == [
        ("deprecated", ""),
        ("retired", "2025-01-01"),
        ("active", ""),
    ]
