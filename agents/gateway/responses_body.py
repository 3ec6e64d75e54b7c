"""The body of OpenAI's responses, typed: what is not here is refused.

``object`` marks what is accepted because clients send it, and has no effect; in particular nothing is stored.
"""

from typing import Literal

from agents.gateway.bodies import JSONObject, Strict
from agents.gateway.openai_parts import NamedSchema, ObjectFormat, PlainFormat, Refusal

Status = Literal["in_progress", "completed", "incomplete"]


class InputText(Strict, tag="input_text"):
    """What somebody said."""

    text: str
    prompt_cache_breakpoint: object = None


class OutputText(Strict, tag="output_text"):
    """What the model said earlier."""

    text: str
    annotations: object = None
    logprobs: object = None


class InputImage(Strict, tag="input_image"):
    """An image as a data URL."""

    image_url: str
    detail: object = None
    file_id: None = None
    prompt_cache_breakpoint: object = None


class ReasoningText(Strict, tag="reasoning_text"):
    """What the model thought earlier, which is not sent on."""

    text: object = None


Part = InputText | OutputText | Refusal | InputImage | ReasoningText


class Item(Strict):
    """A message, a call of a tool, what it returned, or earlier reasoning, which is not sent on."""

    type: Literal["message", "function_call", "function_call_output", "reasoning"] = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[Part] | None = None
    id: object = None
    status: Status | None = None
    phase: object = None
    namespace: object = None
    caller: object = None
    created_by: object = None
    summary: object = None
    encrypted_content: object = None


class Tool(Strict):
    """A function that is offered. OpenAI's own tools have other types and are refused."""

    type: Literal["function"]
    name: str
    parameters: JSONObject | None = None
    description: str | None = None
    strict: bool | None = None
    defer_loading: object = None


class Choice(Strict):
    """The function that has to be called."""

    type: Literal["function"]
    name: str


class SchemaFormat(NamedSchema, tag="json_schema"):
    """JSON that is valid under a schema."""


class TextWish(Strict):
    """The form of the answer."""

    format: PlainFormat | ObjectFormat | SchemaFormat | None = None
    verbosity: None = None


class Reasoning(Strict):
    """How much the model thinks."""

    effort: str | None = None
    summary: object = None
    generate_summary: object = None


class ResponsesBody(Strict):
    """The parameters of a response."""

    model: str
    input: str | list[Item]
    instructions: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | Choice | None = None
    parallel_tool_calls: bool | None = None
    text: TextWish | None = None
    reasoning: Reasoning | None = None
    previous_response_id: str | None = None
    conversation: object = None
    background: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    # Without effect.
    store: object = None
    include: object = None
    metadata: object = None
    user: object = None
    safety_identifier: object = None
    prompt_cache_key: object = None
    prompt_cache_retention: object = None
    service_tier: object = None
    stream_options: object = None
    truncation: object = None
