"""The gateway of a running Wiz: the same clients, the real processes."""

from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.agents.gateway import anthropic_client, openai_client
from tests.live import LIMIT
from tests.stack import ADMIN_EMAIL, Stack, wait_for

GUIDE = "agent/guide"


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    made = stack.manage("create_token", ADMIN_EMAIL)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture
def sdk(stack: Stack, token: str) -> Iterator[openai.OpenAI]:
    with openai_client(stack.base_url, token) as sdk:
        yield sdk


def test_the_agent_of_a_new_installation_answers_openai_s_and_anthropic_s_clients(
    stack: Stack, token: str, sdk: openai.OpenAI
) -> None:
    assert GUIDE in {model.id for model in sdk.models.list()}
    stream = sdk.chat.completions.create(
        model=GUIDE, messages=[{"role": "user", "content": "echo: hello"}], stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "hello"
    assert sdk.responses.create(model=GUIDE, input="echo: hello").output_text == "hello"
    with anthropic_client(stack.base_url, api_key=token) as claude:
        message = claude.messages.create(
            model=GUIDE, max_tokens=50, messages=[{"role": "user", "content": "echo: hello"}]
        )
    assert message.content[0].type == "text"
    assert message.content[0].text == "hello"


def test_what_was_used_is_in_the_ledger_under_the_agent_s_name(stack: Stack, token: str, sdk: openai.OpenAI) -> None:
    sdk.chat.completions.create(model=GUIDE, messages=[{"role": "user", "content": "echo: hello"}])

    def is_booked() -> bool:
        answer = httpx2.get(
            f"{stack.base_url}/api/v1/usage/?group_by=agent",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=LIMIT,
        )
        return "Guide" in answer.text

    wait_for(is_booked, LIMIT, "the entry in the ledger")


def test_a_wrong_token_is_an_authentication_error_behind_the_real_server(stack: Stack) -> None:
    with openai_client(stack.base_url, "wiz_wrong") as sdk, pytest.raises(openai.AuthenticationError):
        sdk.models.list()
