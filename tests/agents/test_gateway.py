"""The gateway's door: who may come in, which models there are for whom, and how everything else is refused."""

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.services import create_token, revoke_token
from agents.gateway import memory
from agents.models import Agent
from providers.models import Provider, ProviderModel, UsageRecord
from providers.services import update_provider
from tests.agents.conftest import asked
from tests.agents.gateway import bare_client, openai_client, token_of
from tests.factories import make_agent, make_provider, make_user
from tests.live import LIMIT
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

FAST = "practice/practice-fast"
HELLO: list[Any] = [{"role": "user", "content": "echo: hello"}]


def offer(provider: Provider, *models: str, **fields: object) -> None:
    for position, model in enumerate(models):
        ProviderModel.objects.create(provider=provider, model_id=model, position=position, **fields)


def test_the_list_holds_agents_and_models_that_the_caller_may_use(
    sdk: openai.OpenAI, owner: User, provider: Provider
) -> None:
    """S1, S22."""
    offer(provider, "practice-fast", "vendor/deep/model")
    offer(provider, "hidden", is_hidden=True)
    make_agent(owner, provider, name="Poet", system_prompt="A secret.")
    make_agent(owner, provider, name="Asleep", is_active=False)
    other = make_user("other@example.org")
    theirs = make_provider(other, name="Theirs")
    offer(theirs, "practice-fast")
    make_agent(other, theirs, name="Private")
    make_agent(other, theirs, name="Open", visibility=Agent.Visibility.EVERYONE)
    models = sdk.models.list()
    assert [model.id for model in models] == [
        "agent/open",
        "agent/poet",
        "practice/practice-fast",
        "practice/vendor/deep/model",
    ]
    assert {model.object for model in models} == {"model"}
    assert "secret" not in models.to_json()
    for model in models:
        assert sdk.models.retrieve(model.id).id == model.id


@pytest.mark.parametrize(
    "name", ["agent/private", "theirs/practice-fast", "practice/unknown", "nothing", "agent/", "x/"]
)
def test_what_is_not_for_the_caller_does_not_exist(
    sdk: openai.OpenAI, owner: User, provider: Provider, name: str
) -> None:
    """S1, S22."""
    other = make_user("other@example.org")
    theirs = make_provider(other, name="Theirs")
    offer(theirs, "practice-fast")
    make_agent(other, theirs, name="Private")
    with pytest.raises(openai.NotFoundError) as failure:
        sdk.models.retrieve(name)
    assert failure.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as failure:
        sdk.chat.completions.create(model=name, messages=HELLO)
    assert failure.value.code == "model_not_found"
    assert not UsageRecord.objects.exists()


def test_no_token_and_a_wrong_token_raise_authentication_error(site: str, provider: Provider) -> None:
    for key in ("wiz_wrong", "sk-proj-something"):
        with openai_client(site, key) as sdk, pytest.raises(openai.AuthenticationError) as failure:
            sdk.models.list()
        assert failure.value.code == "invalid_api_key"
    for header in (b"", "Bearer é".encode(), b"Basic eDp5"):
        answer = httpx2.get(f"{site}/v1/models", headers={b"Authorization": header}, trust_env=False)
        assert answer.status_code == 401
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_session_cookie_opens_nothing(site: str, owner: User, provider: Provider) -> None:
    """S9: a page of another origin could send it."""
    from django.test import Client

    browser = Client()
    browser.force_login(owner)
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    body = {"model": FAST, "messages": HELLO}
    answer = httpx2.post(f"{site}/v1/chat/completions", json=body, cookies=cookies, trust_env=False)
    assert answer.status_code == 401


def test_x_api_key_is_as_good_as_authorization(site: str, token: str, provider: Provider) -> None:
    assert httpx2.get(f"{site}/v1/models", headers={"x-api-key": token}, trust_env=False).status_code == 200


def test_a_revoked_token_is_refused_within_a_second(site: str, owner: User, provider: Provider) -> None:
    token, value = create_token(user=owner, name="gateway")
    with bare_client(site, value) as bare:
        assert bare.get("models").status_code == 200
        revoke_token(token=token)
        revoked = time.monotonic()
        wait_for(lambda: bare.get("models").status_code == 401, LIMIT, "the refusal")
        assert memory.MAX_AGE < 1
        assert time.monotonic() - revoked < memory.MAX_AGE + 1


def test_a_stream_ends_soon_after_its_token_was_revoked(
    site: str, owner: User, provider: Provider, practice_url: str
) -> None:
    token, value = create_token(user=owner, name="gateway")
    with openai_client(site, value) as sdk:
        story: list[Any] = [{"role": "user", "content": "Write a long story"}]
        stream = sdk.chat.completions.create(model="practice/practice-drip", messages=story, stream=True)
        next(iter(stream))
        revoke_token(token=token)
        revoked = time.monotonic()
        with pytest.raises(openai.APIError, match="withdrawn"):
            list(stream)
        assert time.monotonic() - revoked < 10
    wait_for(lambda: asked(practice_url)[-1]["ended"] == "client hung up", LIMIT, "the end of the upstream call")


def test_a_provider_that_is_switched_off_is_not_asked_any_more(
    sdk: openai.OpenAI, provider: Provider, practice_url: str
) -> None:
    sdk.chat.completions.create(model=FAST, messages=HELLO)
    update_provider(provider=provider, is_active=False)

    def is_gone() -> bool:
        try:
            sdk.chat.completions.create(model=FAST, messages=HELLO)
        except openai.NotFoundError:
            return True
        except openai.InternalServerError:
            return False
        return False

    wait_for(is_gone, LIMIT, "the refusal")


@pytest.mark.parametrize("path", ["chat/completions", "responses", "messages", "embeddings"])
@pytest.mark.parametrize(
    "name",
    ["api_key", "api_base", "base_url", "headers", "extra_body", "extra_headers", "organization", "timeout", "proxy"],
)
def test_parameters_that_bend_the_call_are_refused_by_name(
    bare: httpx2.Client, practice_url: str, path: str, name: str
) -> None:
    """S42."""
    body = {"model": FAST, "messages": HELLO, "input": "x", "max_tokens": 5, name: "http://evil.example"}
    if path in {"responses", "embeddings"}:
        del body["messages"], body["max_tokens"]
    else:
        del body["input"]
    answer = bare.post(path, json=body)
    assert answer.status_code == 400
    assert name in answer.json()["error"]["message"]
    if path != "messages":
        assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (name, "unknown_parameter")
    assert asked(practice_url) == []


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, None),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": "x", "base_url": "y"}]}, "messages[0].base_url"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages[0]"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}
                ]
            },
            "messages[0].content[0]",
        ),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 2}, "n"),
        ({"logprobs": "yes"}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"presence_penalty": 1.5}, "presence_penalty"),
        ({"functions": []}, "functions"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"reasoning_effort": "utmost"}, "reasoning_effort"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"stream_options": {"url": "x"}}, "stream_options.url"),
        ({"model": 5}, "model"),
    ],
)
def test_a_wrong_parameter_is_named(
    bare: httpx2.Client, practice_url: str, change: dict[str, object], param: str | None
) -> None:
    answer = bare.post("chat/completions", json={"model": FAST, "messages": HELLO} | change)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert error["message"]
    assert asked(practice_url) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"model": "x", "messages": NaN}',
        b"\xff\xfe",
        b'{"model": "practice/practice-fast", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "x", "messages": [], "tools": ' + b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_request_is_400(bare: httpx2.Client, content: bytes) -> None:
    """S30."""
    answer = bare.post("chat/completions", content=content)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_schema_of_any_depth_is_refused_before_it_is_sent(bare: httpx2.Client, practice_url: str) -> None:
    deep = '{"a":' * 500 + "1" + "}" * 500
    body = json.dumps({"model": FAST, "messages": HELLO})[:-1]
    tools = ',"tools":[{"type":"function","function":{"name":"f","parameters":' + deep + "}}]}"
    assert bare.post("chat/completions", content=body + tools).status_code == 400
    assert asked(practice_url) == []


def test_a_body_that_is_too_large_is_413_in_the_dialect_s_shape(bare: httpx2.Client) -> None:
    """S30."""
    chat = bare.post("chat/completions", content=b"x" * 17_000_000)
    assert (chat.status_code, chat.json()["error"]["code"], chat.json()["error"]["param"]) == (413, "too_large", None)
    messages = bare.post("messages", content=b"x" * 17_000_000)
    assert (messages.status_code, messages.json()["error"]["type"]) == (413, "request_too_large")


def test_a_model_with_control_characters_is_not_looked_up(bare: httpx2.Client) -> None:
    answer = bare.post("chat/completions", json={"model": "practice/\0x", "messages": HELLO})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "chat/completions", 405), ("POST", "models", 405), ("GET", "nothing", 404), ("OPTIONS", "models", 405)],
)
def test_other_addresses_and_verbs_are_refused_in_openai_s_shape(
    bare: httpx2.Client, method: str, path: str, status: int
) -> None:
    answer = bare.request(method, path)
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"message", "type", "param", "code"})


def test_a_provider_that_points_back_at_wiz_is_refused(sdk: openai.OpenAI, owner: User, site: str, token: str) -> None:
    """The header that every provider call carries ends the circle at its first turn."""
    make_provider(owner, name="Mirror", base_url=f"{site}/v1", api_key=token)
    with pytest.raises(openai.BadRequestError, match="never end"):
        sdk.chat.completions.create(model="mirror/practice/practice-fast", messages=HELLO)


def test_a_provider_cannot_take_the_name_that_agents_have(owner: User, provider: Provider) -> None:
    assert make_provider(owner, name="Agent").slug != "agent"


def test_an_agent_of_somebody_else_answers_without_its_prompt_in_errors(
    site: str, owner: User, provider: Provider
) -> None:
    """S43: what the provider says may repeat the question."""
    other = make_user("other@example.org")
    make_agent(owner, provider, name="Poet", model="practice-400", visibility=Agent.Visibility.EVERYONE)
    with openai_client(site, token_of(other)) as sdk, pytest.raises(openai.BadRequestError) as failure:
        sdk.chat.completions.create(model="agent/poet", messages=HELLO)
    assert "not allowed" not in failure.value.message  # the provider's own words


def test_an_agent_without_a_model_does_not_exist(sdk: openai.OpenAI, owner: User, provider: Provider) -> None:
    make_agent(owner, provider, name="Empty", model="")
    make_agent(owner, None, name="Lost")
    for name in ("agent/empty", "agent/lost"):
        with pytest.raises(openai.NotFoundError):
            sdk.chat.completions.create(model=name, messages=HELLO)


def test_a_caller_who_leaves_in_the_middle_of_a_body_does_no_harm(site: str, bare: httpx2.Client) -> None:
    parts = urlsplit(site)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 1000\r\n\r\n" + "{"
        connection.sendall(head.encode())
    assert bare.get("models").status_code == 200


def test_a_token_that_may_only_look_lists_models_and_asks_none(site: str, owner: User, provider: Provider) -> None:
    """S22."""
    offer(provider, "practice-fast")
    _, value = create_token(user=owner, name="looks", scopes=["read"])
    with openai_client(site, value) as client:
        assert [model.id for model in client.models.list()] == [FAST]
        with pytest.raises(openai.PermissionDeniedError) as refusal:
            client.chat.completions.create(model=FAST, messages=HELLO)
    assert "scope" in refusal.value.message
    assert not UsageRecord.objects.exists()


def test_more_requests_than_a_person_may_make_are_a_rate_limit(
    settings: Settings, site: str, owner: User, provider: Provider
) -> None:
    """S36: the neighbour is not concerned."""
    settings.GATEWAY_RATE = 3
    offer(provider, "practice-fast")
    with openai_client(site, token_of(owner)) as client:
        for _ in range(3):
            client.models.list()
        with pytest.raises(openai.RateLimitError) as refusal:
            client.chat.completions.create(model=FAST, messages=HELLO)
    assert int(refusal.value.response.headers["retry-after"]) >= 1
    with openai_client(site, token_of(make_user("neighbour@example.org"))) as client:
        client.models.list()


def test_more_requests_than_a_token_may_make_are_a_rate_limit_and_leave_room_for_another(
    settings: Settings, site: str, owner: User, provider: Provider
) -> None:
    """S36."""
    settings.GATEWAY_TOKEN_RATE = 3
    with openai_client(site, token_of(owner)) as client:
        for _ in range(3):
            client.models.list()
        with pytest.raises(openai.RateLimitError) as refusal:
            client.models.list()
    assert int(refusal.value.response.headers["retry-after"]) >= 1
    with openai_client(site, token_of(owner)) as client:
        client.models.list()
