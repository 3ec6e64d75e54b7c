"""An object that fits a JSON schema, from a (provider, model), by the best way the model knows."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final, Unpack
from uuid import UUID

from providers import families, registry
from providers.adapters import KINDS
from providers.answers import AnswerInvalid, read_answer
from providers.database import in_thread
from providers.errors import ContentFiltered, InvalidRequest, ObjectInvalid, RequestRefused
from providers.generation import complete, prepare_request
from providers.models import Provider, ProviderModel
from providers.requests import Question
from providers.retry import DEFAULT, RetryPolicy
from providers.schemas import JSON, CheckedSchema, check_schema
from providers.types import (
    Capability,
    ChatMessage,
    ChatRequest,
    Completion,
    FinishReason,
    JSONSchema,
    ToolDefinition,
    Usage,
)

ANSWER_LIMIT: Final = 20_000  # characters of a wrong answer that are shown to the model again
TOOL: Final = "give_answer"
TOOL_PURPOSE: Final = "Give the final answer."
INSTRUCTION: Final = (
    "Answer with one JSON value and nothing else: no explanation and no code fence. "
    "It must be valid under this JSON schema:\n{schema}"
)
REPAIR: Final = (
    "This answer cannot be used. At {path}: {problem}\n"
    "Answer again, with the whole corrected JSON value and nothing else."
)
CUT_OFF: Final = " (The answer was cut off at its length limit: be shorter.)"
# What is taken for granted where neither the catalogue nor the model's family says anything. Compatible servers differ
# most, and some ignore what they do not know: JSON mode, which also shows the schema in the prompt, survives that.
KIND_DEFAULTS: Final[Mapping[str, frozenset[Capability]]] = {
    "openai": frozenset({Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE}),
    "anthropic": frozenset({Capability.TOOLS}),
    "deepseek": frozenset({Capability.TOOLS, Capability.JSON_MODE}),
    "openai-compatible": frozenset({Capability.JSON_MODE}),
}

logger = logging.getLogger(__name__)


class Strategy(StrEnum):
    """How a model is brought to answer with an object, best first."""

    NATIVE = "native"
    """The provider enforces the schema."""
    TOOL = "tool"
    """The model must call a tool whose parameters are the schema."""
    JSON_MODE = "json_mode"
    """The provider enforces JSON; the schema stands in the system prompt."""
    PROMPT = "prompt"
    """The schema stands in the system prompt."""


@dataclass(frozen=True, slots=True)
class GeneratedObject:
    """A valid object, what all the calls for it took together, and how many of them were repairs."""

    object: JSON
    usage: Usage
    strategy: Strategy
    repairs: int
    dropped: tuple[str, ...] = ()
    """Parameters that were asked for and not sent, because the model does not take them."""


Ask = Callable[[ChatRequest], Awaitable[Completion]]
"""Makes one call."""


async def generate_object(
    provider: Provider | UUID | str,
    model: str,
    *,
    schema: JSONSchema,
    max_repairs: int = 2,
    policy: RetryPolicy = DEFAULT,
    **question: Unpack[Question],
) -> GeneratedObject:
    """Ask as ``generate_text`` does until an answer is valid under ``schema``, ``max_repairs`` times again.

    Raises what ``complete_object`` raises, and ``RequestRefused`` before any call.
    """
    request, dropped = await prepare_request(provider, model, **question)
    ask = partial(complete, provider, policy=policy)
    return replace(await complete_object(provider, request, schema, ask=ask, max_repairs=max_repairs), dropped=dropped)


async def complete_object(
    provider: Provider | UUID | str, request: ChatRequest, schema: JSONSchema, *, ask: Ask, max_repairs: int = 2
) -> GeneratedObject:
    """Ask until an answer is valid under ``schema`` (Draft 2020-12, formats unchecked), ``max_repairs`` times again.

    A strategy that the provider refuses as a wrong request gives way to the next. Tools of the request are offered but
    not to be called; its ``response_schema`` and ``json_mode`` are replaced. Raises ``SchemaRefused`` before any call,
    ``ObjectInvalid`` when no answer was valid, and what ``ask`` raises, which makes the calls.
    """
    checked = await asyncio.to_thread(check_schema, schema)
    client = await registry.get_client(provider.pk if isinstance(provider, Provider) else provider)
    able = await in_thread(_capabilities, client.config.provider_id, client.config.kind, request.model)
    run = _Run(client.config.provider_name, checked, max_repairs, ask)
    *better, last = _strategies(able, client.config.kind, is_object=checked.is_object)
    for strategy in better:
        try:
            return await run.ask(request, strategy)
        except InvalidRequest as error:
            if error.code != InvalidRequest.code or isinstance(error, RequestRefused) or not error.concerns_question:
                raise
            logger.info("%s refused structured output by %s: %s", request.model, strategy, error.code)
    return await run.ask(request, last)


class _Run:
    """The calls for one object, and what they took."""

    def __init__(self, provider_name: str, schema: CheckedSchema, max_repairs: int, ask: Ask) -> None:
        self._provider_name = provider_name
        self._schema = schema
        self._max_repairs = max(max_repairs, 0)
        self._ask = ask
        self._usage = Usage()

    async def ask(self, request: ChatRequest, strategy: Strategy) -> GeneratedObject:
        """The object by one strategy. Raises ``ObjectInvalid`` when the last repair fails too."""
        with_prose = strategy is Strategy.PROMPT
        first = asked = _prepared(request, strategy, self._schema)
        failure = self._failure(request, "", AnswerInvalid(""))
        for repairs in range(self._max_repairs + 1):
            completion = await self._call(asked)
            answer = _answer(completion, strategy)
            try:
                value = await asyncio.to_thread(read_answer, answer, self._schema, with_prose=with_prose)
                return GeneratedObject(object=value, usage=self._usage, strategy=strategy, repairs=repairs)
            except AnswerInvalid as complaint:
                failure = self._failure(request, answer, complaint)
                asked = replace(first, messages=(*first.messages, *_repair(completion, answer, complaint)))
        raise failure

    async def _call(self, asked: ChatRequest) -> Completion:
        completion = await self._ask(asked)
        self._usage = _sum(self._usage, completion.usage or Usage(certain=False))
        if completion.finish_reason is FinishReason.CONTENT_FILTER:
            raise ContentFiltered(provider=self._provider_name, model=asked.model, detail=completion.text)
        return completion

    def _failure(self, request: ChatRequest, answer: str, complaint: AnswerInvalid) -> ObjectInvalid:
        return ObjectInvalid(
            provider=self._provider_name,
            model=request.model,
            detail=answer,
            path=complaint.path,
            problem=complaint.problem,
            usage=self._usage,
        )


def _capabilities(provider_id: str, kind: str, model: str) -> dict[Capability, bool]:
    """What the catalogue says; where it is silent the model's family, then the kind."""
    rows = ProviderModel.objects.filter(provider_id=provider_id, model_id=model)
    stored = rows.values_list("capabilities", flat=True).first()
    told = stored if isinstance(stored, dict) else {}
    known = dict.fromkeys(KIND_DEFAULTS.get(kind, ()), True) | families.known_capabilities(model)
    return known | {capability: told[capability] for capability in Capability if capability in told}


def _strategies(able: Mapping[Capability, bool], kind: str, *, is_object: bool) -> Iterator[Strategy]:
    """What to try, in order. Tools and JSON mode give objects only, so other schemas go without them."""
    if able.get(Capability.JSON_SCHEMA):
        yield Strategy.NATIVE
    if able.get(Capability.TOOLS) and is_object:
        yield Strategy.TOOL
    if able.get(Capability.JSON_MODE) and is_object and "json_mode" in KINDS[kind].takes:
        yield Strategy.JSON_MODE
    yield Strategy.PROMPT


def _prepared(request: ChatRequest, strategy: Strategy, schema: CheckedSchema) -> ChatRequest:
    """The request for a strategy; the person's own tools stay, because the messages may speak of them."""
    base = replace(
        request, response_schema=None, json_mode=False, tool_choice="none" if request.tools else request.tool_choice
    )
    if strategy is Strategy.NATIVE:
        return replace(base, response_schema=schema.plain)
    if strategy is Strategy.TOOL:
        others = tuple(tool for tool in request.tools if tool.name != TOOL)
        tool = ToolDefinition(name=TOOL, description=TOOL_PURPOSE, parameters=schema.plain)
        return replace(base, tools=(*others, tool), tool_choice=TOOL)
    instruction = INSTRUCTION.format(schema=json.dumps(schema.plain, ensure_ascii=False))
    prompt = f"{request.system_prompt}\n\n{instruction}" if request.system_prompt else instruction
    return replace(base, system_prompt=prompt, json_mode=strategy is Strategy.JSON_MODE)


def _answer(completion: Completion, strategy: Strategy) -> str:
    """The text that should be the JSON. A call without arguments is an empty object."""
    if strategy is Strategy.TOOL:
        for call in completion.tool_calls:
            if call.name == TOOL:
                return call.arguments or "{}"
    return completion.text


def _repair(completion: Completion, answer: str, complaint: AnswerInvalid) -> tuple[ChatMessage, ChatMessage]:
    """The wrong answer and what is wrong with it, as the next two messages."""
    problem = complaint.problem + (CUT_OFF if completion.finish_reason is FinishReason.LENGTH else "")
    shown = answer[:ANSWER_LIMIT] if answer.strip() else "(no answer)"
    return (
        ChatMessage(role="assistant", content=shown),
        ChatMessage(role="user", content=REPAIR.format(path=complaint.path, problem=problem)),
    )


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input=one.input + other.input,
        output=one.output + other.output,
        cache_read=one.cache_read + other.cache_read,
        cache_write=one.cache_write + other.cache_write,
        reasoning=one.reasoning + other.reasoning,
        certain=one.certain and other.certain,
    )
