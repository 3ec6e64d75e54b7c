"""Usage figures and finish reasons in the chat completions dialect (P17)."""

import json

import pytest

from providers.types import (
    Finish,
    FinishReason,
    Usage,
)
from tests.providers.wire import answering, ask, config, events_of, http

FINISHED = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def delta(**fields: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": fields}]}).encode() + b"\n\n"


def said(text: str) -> bytes:
    return delta(content=text)


async def read(body: bytes, **server: str) -> list[object]:
    async with answering(http(body, **server)) as base:
        return list(await events_of(config(base), ask("hi")))


USAGES: list[tuple[object, Usage | None]] = [
    (None, None),
    ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}, Usage(5, 7)),
    (
        {
            "prompt_tokens": 50,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 8},
        },
        Usage(50, 20, cache_read=40, reasoning=8),
    ),
    ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_cache_hit_tokens": 3}, Usage(5, 7, cache_read=3)),
    (
        {
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "total_tokens": 112,
            "completion_tokens_details": {"reasoning_tokens": 100},
        },
        Usage(5, 107, reasoning=100),
    ),
    ({"prompt_tokens": -1, "completion_tokens": "many"}, Usage(certain=False)),
    ({"prompt_tokens": 1e12, "completion_tokens": 3}, Usage(0, 3, certain=False)),
    ({"prompt_tokens": 5}, Usage(5, 0, certain=False)),
    (
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}},
        Usage(5, 1, cache_read=5, certain=False),
    ),
    ({"prompt_tokens": True, "completion_tokens": 1.0}, Usage(0, 1, certain=False)),
    ("lots", Usage(certain=False)),
]


@pytest.mark.parametrize(("told", "expected"), USAGES)
async def test_usage_figures_are_made_sane_and_the_last_ones_count(told: object, expected: Usage | None) -> None:
    early = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
    late = b"data: " + json.dumps({"choices": [], "usage": told}).encode() + b"\n\n"
    events = await read(said("a") + (early if told else b"") + FINISHED + late + DONE)
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.usage == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("insufficient_system_resource", FinishReason.ERROR),
        ("new_reason", FinishReason.OTHER),
    ],
)
async def test_finish_reasons_are_unified_and_kept_raw(raw: str, reason: FinishReason) -> None:
    body = b"data: " + json.dumps({"choices": [{"delta": {}, "finish_reason": raw}]}).encode() + b"\n\n"
    finish = (await read(body))[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.raw_reason) == (reason, raw)
