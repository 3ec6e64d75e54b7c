"""Examples of the gateway's answers for the OpenAPI document, told by the code that tells the real ones."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from agents.gateway.failures import Refused
from agents.gateway.questions import Form
from providers.types import Completion, Finish, FinishReason, TextDelta, ToolCall, Usage

IDENTITY: Final = re.compile(rb"(?<=_|-)[0-9a-f]{32}")
MOMENT: Final = re.compile(rb'("created(?:_at)?":)\d+')
USAGE: Final = Usage(input=9, output=2)
WORDS: Final = Completion("Hello", "", (), FinishReason.STOP, "stop", USAGE, "")
CALL: Final = Completion(
    "", "", (ToolCall("call_1", "get_weather", '{"city":"Oslo"}'),), FinishReason.TOOL_CALLS, "tool_calls", USAGE, ""
)
REFUSAL: Final = Refused(400, "Unknown parameter: 'api_base'.", param="api_base", code="unknown_parameter")


def question(model: str = "agent/guide") -> dict[str, dict[str, Any]]:
    """The body of each call, by its path."""
    messages = [{"role": "user", "content": "Hello"}]
    return {
        "chat/completions": {"model": model, "messages": messages},
        "responses": {"model": model, "input": "Hello"},
        "messages": {"model": model, "max_tokens": 500, "messages": messages},
        "embeddings": {"model": "my-provider/text-embedding-3-small", "input": "Hello"},
    }


def wholes(form: Callable[[], Form]) -> list[Any]:
    """Whole answers: words, and the call of a tool."""
    return [_settled(form().whole(completion, USAGE)) for completion in (WORDS, CALL)]


def events(form: Callable[[], Form]) -> str:
    """A short stream."""
    writer = form().writer()
    finish = Finish(FinishReason.STOP, "stop", USAGE)
    told = writer.begin() + writer.write([TextDelta("Hel")]) + writer.write([TextDelta("lo")])
    return _plain(told + writer.end(finish, USAGE)).decode()


def _settled(value: object) -> Any:
    return msgspec.json.decode(_plain(msgspec.json.encode(value)))


def _plain(told: bytes) -> bytes:
    """Without what differs from one answer to the next."""
    return MOMENT.sub(rb"\g<1>1766570000", IDENTITY.sub(b"1", told))
