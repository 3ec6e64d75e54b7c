"""An answer that the provider itself gave up is no answer, in any dialect."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from accounts.models import User
from providers import registry
from providers.models import UsageRecord
from providers.types import ChatRequest, Finish, FinishReason, StreamEvent, TextDelta, Usage
from tests.live import LIMIT
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = {"model": "practice/practice-fast"}
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {**MODEL, **HELLO},
    "responses": {**MODEL, "input": "Hello"},
    "messages": {**MODEL, **HELLO, "max_tokens": 50},
}
GOOD_ENDS = ('"finish_reason":"stop"', "response.completed", "message_stop")


class GivingUp:
    """A client whose answers end with DeepSeek's word for a server that has no room."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        yield TextDelta("Half an ans")
        yield Finish(FinishReason.ERROR, "insufficient_system_resource", Usage(input=7, output=4))


@pytest.fixture(autouse=True)
def giving_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def get_client(_: object) -> GivingUp:
        return GivingUp()

    monkeypatch.setattr(registry, "get_client", get_client)


@pytest.mark.parametrize("path", BODIES)
def test_a_whole_answer_that_was_given_up_is_an_error(bare: httpx2.Client, owner: User, path: str) -> None:
    answer = bare.post(path, json=BODIES[path])
    assert (answer.status_code, "insufficient_system_resource" in answer.text) == (502, True)
    wait_for(UsageRecord.objects.filter(user=owner, input_tokens=7, output_tokens=4).exists, LIMIT, "the entry")


@pytest.mark.parametrize("path", BODIES)
def test_a_stream_that_was_given_up_ends_with_an_error(bare: httpx2.Client, owner: User, path: str) -> None:
    answer = bare.post(path, json={**BODIES[path], "stream": True})
    said = answer.text
    assert (answer.status_code, "Half an ans" in said, "insufficient_system_resource" in said) == (200, True, True)
    assert not [end for end in GOOD_ENDS if end in said]
    wait_for(UsageRecord.objects.filter(user=owner, input_tokens=7, output_tokens=4).exists, LIMIT, "the entry")
