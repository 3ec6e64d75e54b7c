"""From named arguments to a ``ChatRequest``: checked once, for every caller, before anything is sent."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypedDict, Unpack

from providers.errors import RequestRefused
from providers.types import ChatMessage, ChatRequest, ImagePart, TextPart, ToolDefinition

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MODEL_LENGTH: Final = 200
STOP_LIMIT: Final = 16
STOP_LENGTH: Final = 500
TOOL_LIMIT: Final = 128
IMAGE_LIMIT: Final = 20  # per request
LARGEST_LIMIT: Final = 10_000_000  # tokens
LARGEST_SEED: Final = 2**63 - 1
TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
CHOICES: Final = ("auto", "none", "required")


class Question(TypedDict, total=False):
    """What may be asked of a model; an absent or ``None`` parameter is left open.

    Exactly one of ``prompt``, which is one message of the user's, and ``messages`` is needed. ``tool_choice`` is
    ``auto``, ``none``, ``required`` or a tool's name.
    """

    prompt: str | None
    messages: Sequence[ChatMessage] | None
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    stop: Sequence[str] | None
    seed: int | None
    reasoning_effort: str | None
    tools: Sequence[ToolDefinition] | None
    tool_choice: str | None


def make_request(model: str, **question: Unpack[Question]) -> ChatRequest:
    """The request; 0 is a value, and nothing that was passed in is changed. Raises ``RequestRefused``."""
    stop = question.get("stop") or ()
    request = ChatRequest(
        model=model,
        messages=_messages(question.get("prompt"), question.get("messages")),
        system_prompt=question.get("system_prompt") or "",
        temperature=question.get("temperature"),
        max_tokens=question.get("max_tokens"),
        top_p=question.get("top_p"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        seed=question.get("seed"),
        reasoning_effort=question.get("reasoning_effort") or None,
        tools=tuple(question.get("tools") or ()),
        tool_choice=question.get("tool_choice") or None,
    )
    check_request(request)
    return request


def check_request(request: ChatRequest) -> None:
    """Nothing, for a request that makes sense in every dialect; else ``RequestRefused`` with the reason."""
    _check_model(request.model)
    _check_numbers(request)
    _check_stop(request.stop)
    _check_tools(request)
    _check_order(request.messages)
    _check_images(request.messages)


def _messages(prompt: str | None, messages: Sequence[ChatMessage] | None) -> tuple[ChatMessage, ...]:
    if (prompt is None) == (messages is None):
        raise RequestRefused(detail="Give either a prompt or messages, and not both.")
    given = (ChatMessage(role="user", content=prompt),) if prompt is not None else tuple(messages or ())
    if not all(map(_is_message, given)):
        raise RequestRefused(
            detail="Messages are ChatMessage objects whose content is text, or a tuple of texts and images."
        )
    return given


def _is_message(value: object) -> bool:
    if not isinstance(value, ChatMessage):
        return False
    parts: object = value.content
    return isinstance(parts, str) or (
        isinstance(parts, tuple) and all(isinstance(part, TextPart | ImagePart) for part in parts)
    )


def _check_model(model: object) -> None:
    if not isinstance(model, str) or not model.strip():
        raise RequestRefused(detail="Name a model.")
    if len(model) > MODEL_LENGTH or any(unicodedata.category(character) in {"Cc", "Cs"} for character in model):
        raise RequestRefused(detail=f"A model's name is one line of at most {MODEL_LENGTH} characters.")


def _check_numbers(request: ChatRequest) -> None:
    _check_range("temperature", request.temperature, 0, 2)
    _check_range("top_p", request.top_p, 0, 1)
    _check_range("max_tokens", request.max_tokens, 1, LARGEST_LIMIT, whole=True)
    _check_range("seed", request.seed, -LARGEST_SEED, LARGEST_SEED, whole=True)
    if request.reasoning_effort is not None and request.reasoning_effort not in EFFORTS:
        raise RequestRefused(detail=f"reasoning_effort is one of: {', '.join(EFFORTS)}.")


def _check_range(name: str, value: object, least: int, most: int, *, whole: bool = False) -> None:
    if value is None:
        return
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not (math.isfinite(value) and least <= value <= most):
        kind = "a whole number" if whole else "a number"
        raise RequestRefused(detail=f"{name} is {kind} from {least} to {most}.")


def _check_stop(stop: Sequence[object]) -> None:
    if len(stop) > STOP_LIMIT or not all(isinstance(text, str) and 0 < len(text) <= STOP_LENGTH for text in stop):
        raise RequestRefused(detail=f"stop holds at most {STOP_LIMIT} texts of 1 to {STOP_LENGTH} characters.")


def _check_tools(request: ChatRequest) -> None:
    names = [tool.name for tool in request.tools]
    if len(names) > TOOL_LIMIT:
        raise RequestRefused(detail=f"At most {TOOL_LIMIT} tools can be offered.")
    for tool in request.tools:
        if not TOOL_NAME.fullmatch(tool.name):
            raise RequestRefused(detail="A tool's name is made of 1 to 64 letters, digits, - and _.")
        if not isinstance(tool.parameters, Mapping):
            raise RequestRefused(detail=f"The parameters of {tool.name} are not a JSON schema.")
    if len(set(names)) < len(names):
        raise RequestRefused(detail="Two tools have the same name.")
    choice = request.tool_choice
    if choice is not None and not names and choice != "none":
        raise RequestRefused(detail="tool_choice needs tools.")
    if choice is not None and choice not in CHOICES and choice not in names:
        raise RequestRefused(detail=f"tool_choice is one of: {', '.join([*CHOICES, *names])[:500]}.")


def _check_order(messages: Sequence[ChatMessage]) -> None:
    """Somebody asks last, and every tool call is answered before anything else is said."""
    open_calls: set[str] = set()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if message.role not in {"system", "user", "assistant", "tool"}:
            raise RequestRefused(detail=f"{place} has the role {str(message.role)[:40]!r}, which does not exist.")
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                raise RequestRefused(detail=f"{place} answers no tool call that was made before it.")
            open_calls.discard(message.tool_call_id)
            continue
        if open_calls:
            raise RequestRefused(detail=f"{place} comes before the result of the tool call {min(open_calls)[:100]!r}.")
        open_calls = _calls_of(message, place)
    if not any(message.role in {"user", "system"} and _has_content(message) for message in messages):
        raise RequestRefused(detail="There is no message of the user's or the system's with anything in it.")
    if open_calls or messages[-1].role == "assistant":
        raise RequestRefused(detail="The last message has to be the user's, the system's or the result of a tool.")


def _calls_of(message: ChatMessage, place: str) -> set[str]:
    if message.tool_call_id:
        raise RequestRefused(detail=f"{place}: only a message of the role tool has a tool_call_id.")
    if message.tool_calls and message.role != "assistant":
        raise RequestRefused(detail=f"{place}: only the assistant makes tool calls.")
    calls = {call.id for call in message.tool_calls}
    if "" in calls or len(calls) < len(message.tool_calls):
        raise RequestRefused(detail=f"{place}: every tool call needs an id of its own.")
    return calls


def _has_content(message: ChatMessage) -> bool:
    if isinstance(message.content, str):
        return bool(message.content.strip())
    return any(isinstance(part, ImagePart) or part.text.strip() for part in message.content)


def _check_images(messages: Iterable[ChatMessage]) -> None:
    count = 0
    for number, message in enumerate(messages):
        parts = () if isinstance(message.content, str) else message.content
        images = sum(isinstance(part, ImagePart) for part in parts)
        if images and message.role != "user":
            raise RequestRefused(detail=f"messages[{number}]: only the user's messages may hold images.")
        count += images
    if count > IMAGE_LIMIT:
        raise RequestRefused(detail=f"{count} images are too many: at most {IMAGE_LIMIT} go into one request.")
