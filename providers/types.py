"""The values that cross layers: messages, requests, stream events, usage, model facts. All frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from providers.likelihoods import LogProbs

Role = Literal["system", "user", "assistant", "tool"]
MAIN_KEY = "main"
"""The id of a provider's own key; further keys have that of their row."""
JSONSchema = Mapping[str, object]


class Capability(StrEnum):
    """What a model can do; everything that differs between models is one of these or a limit."""

    STREAMING = "streaming"
    VISION = "vision"
    TOOLS = "tools"
    JSON_SCHEMA = "json_schema"
    JSON_MODE = "json_mode"
    REASONING = "reasoning"
    SAMPLING = "sampling"
    """Takes temperature and top_p."""


class FinishReason(StrEnum):
    """Why the model stopped, in one vocabulary for all dialects."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"
    ERROR = "error"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of a message that is text."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image inside a message; ``data`` is base64 without the data-URL head."""

    media_type: str
    data: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool; ``arguments`` is the JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool offered to the model. A ``strict`` one's arguments have to follow ``parameters``."""

    name: str
    description: str
    parameters: JSONSchema
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request. ``tool_call_id`` belongs to role ``tool`` only, ``is_error`` to a tool that failed."""

    role: Role
    content: str | tuple[TextPart | ImagePart, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a model. ``None`` leaves a parameter to the provider; 0 is a value."""

    model: str
    messages: tuple[ChatMessage, ...]
    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: str | None = None
    """``auto``, ``none``, ``required``, or the name of one tool."""
    parallel_tools: bool | None = None
    """Whether one answer may hold several tool calls."""
    response_schema: JSONSchema | None = None
    json_mode: bool = False
    logprobs: int | None = None
    """So many alternatives for each token, with log probabilities; ``None`` for no log probabilities at all."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. ``input`` includes ``cache_read`` and ``cache_write``; ``output`` includes ``reasoning``.

    ``certain`` is false when the provider told nothing or nonsense and the figures are estimates.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    certain: bool = True


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; ``id`` and ``name`` come with the first piece of ``index``."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """The provider is alive but says nothing; resets the idle clock only."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a stream that gave evidence of its end. Always the last event."""

    reason: FinishReason
    raw_reason: str
    usage: Usage | None
    model: str = ""
    dropped: tuple[str, ...] = ()
    """Parameters that were asked for and not sent, because the model does not take them."""


WORDS = (TextDelta, ReasoningDelta)  # for isinstance once per token: a union would be built anew each time
StreamEvent = TextDelta | ReasoningDelta | ToolCallDelta | LogProbs | Ping | Finish


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer."""

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason
    raw_reason: str
    usage: Usage | None
    model: str
    dropped: tuple[str, ...] = ()
    """As in ``Finish``."""
    logprobs: LogProbs | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts, or lists of tokens, whose vectors are wanted; ``encoding`` is ``float`` or ``base64``."""

    model: str
    input: str | list[str | int | list[int]]
    encoding: str = "float"
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors as the provider lists them, each an object with ``index`` and ``embedding``."""

    vectors: list[Mapping[str, object]]
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as a provider lists it. ``None`` and an absent capability mean "not told"."""

    id: str
    display_name: str = ""
    capabilities: Mapping[Capability, bool] = field(default_factory=dict)
    context_length: int | None = None
    max_output_tokens: int | None = None
    lifecycle: Literal["active", "deprecated", "retired"] = "active"
    shutdown_date: str = ""
    """ISO date, or empty when none was told."""
    is_chat: bool | None = None
    input_price: Decimal | None = None
    """Dollars per million tokens, like the three that follow."""
    output_price: Decimal | None = None
    cache_read_price: Decimal | None = None
    cache_write_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``first_event`` runs from the request to the first event, ``idle`` between two events."""

    connect: float = 5.0
    first_event: float = 120.0
    idle: float = 60.0
    total: float = 900.0


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Everything an adapter needs to build its client. ``repr`` never shows the key or the headers."""

    provider_id: str
    provider_name: str
    kind: str
    base_url: str
    api_key: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    organization: str = ""
    project: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)
    key_id: str = MAIN_KEY
    key_weight: int = 1
    max_concurrency: int | None = None
    """Calls at the same time, over all processes; ``None`` is without a limit."""
    revision: int = 0
    all_keys: tuple[str, ...] = field(default=(), repr=False)
    """Every key of the provider, so that no error shows one."""
