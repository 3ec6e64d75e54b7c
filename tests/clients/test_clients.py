"""The clients that people have, unchanged, against the gateway of a running Wiz.

They are installed beside the tests by ``make clients`` (Node and npm for two of them) and skipped where they are not.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.manage import ROOT
from tests.people import the_administrator
from tests.stack import Stack

HERE = Path(__file__).parent
CLIENTS = ROOT / ".clients"
PYTHON = CLIENTS / "venv/bin/python"
MODEL = "practice/practice-fast"
LIMIT = 120  # seconds; they load hundreds of modules first


@pytest.fixture(scope="module")
def token(shared_stack: Stack) -> Iterator[str]:
    with the_administrator(shared_stack) as person:
        yield person.caller.http.headers["Authorization"].removeprefix("Bearer ")


def environment(**variables: str) -> dict[str, str]:
    """Nothing of the operator's own, above all no keys and no proxies."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp"), **variables}


def run(*command: str | Path, **variables: str) -> str:
    """What a program prints; fails with what it says on its error output."""
    done = subprocess.run(
        [str(word) for word in command],
        env=environment(**variables),
        cwd=CLIENTS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def node(script: str, stack: Stack, token: str) -> dict[str, Any]:
    """What a script for Node got; it has to lie beside its packages to find them."""
    if not (CLIENTS / "node_modules").is_dir() or not shutil.which("node"):
        pytest.skip("no Node clients: run make clients, with npm on the PATH")
    copy = CLIENTS / script
    shutil.copyfile(HERE / script, copy)
    return dict(json.loads(run("node", copy, stack.base_url, token, MODEL)))


def needs_python_clients() -> None:
    if not PYTHON.exists():
        pytest.skip("no Python clients: run make clients")


def test_openai_for_node(shared_stack: Stack, token: str) -> None:
    got = node("openai_node.mjs", shared_stack, token)
    assert {"agent/guide", MODEL} <= set(got.pop("models"))
    assert got.pop("tokens") > 0
    assert got == {
        "chat": "hello",
        "streamed": "hello",
        "tool": "get_weather",
        "arguments": ["city"],
        "finish_reason": "tool_calls",
        "told": "string",
        "structured": ["age", "name"],
        "response": "hello",
        "responded": "hello",
        "unauthorized": "AuthenticationError",
        "missing": "NotFoundError",
        "wrong": "BadRequestError",
    }


def test_the_ai_sdk(shared_stack: Stack, token: str) -> None:
    got = node("ai_sdk.mjs", shared_stack, token)
    assert got.pop("tokens") > 0
    assert got == {
        "chat": "hello",
        "finish_reason": "stop",
        "streamed": "hello",
        "tools": ["get_weather"],
        "results": ["Sunny"],
        "structured": ["age", "name"],
        "unauthorized": {"name": "AI_APICallError", "status": 401},
        "missing": {"name": "AI_APICallError", "status": 404},
    }


def test_langchain(shared_stack: Stack, token: str) -> None:
    needs_python_clients()
    got = json.loads(run(PYTHON, HERE / "langchain_client.py", shared_stack.base_url, token, MODEL))
    assert got.pop("tokens") > 0
    assert got == {
        "chat": "hello",
        "streamed": "hello",
        "tools": ["get_weather"],
        "structured": ["age", "name"],
        "responses": "hello",
        "unauthorized": "AuthenticationError",
        "missing": "NotFoundError",
    }


def test_llm(shared_stack: Stack, token: str, tmp_path: Path) -> None:
    needs_python_clients()
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: wiz\n  model_name: {MODEL}\n  api_base: {shared_stack.base_url}/v1\n"
        "  supports_schema: true\n  supports_tools: true\n  api_key_name: wiz\n"
    )

    def llm(*arguments: str) -> str:
        return run(PYTHON, "-m", "llm", *arguments, LLM_USER_PATH=str(tmp_path), LLM_LOAD_PLUGINS="")

    llm("keys", "set", "wiz", "--value", token)
    assert "wiz" in llm("models")
    assert llm("-m", "wiz", "--no-stream", "echo: hello").strip() == "hello"
    assert llm("-m", "wiz", "echo: hello").strip() == "hello"
    assert sorted(json.loads(llm("-m", "wiz", "--schema", "name, age int", "Somebody"))) == ["age", "name"]
    llm("-m", "wiz", "-T", "llm_version", "Use llm_version, please")
    logged = json.loads(llm("logs", "-n", "3", "--json"))
    assert [call["name"] for answer in logged for call in answer["tool_calls"]] == ["llm_version"]
    missing = subprocess.run(
        [str(PYTHON), "-m", "llm", "-m", "wiz", "--key", "wiz_wrong", "hello"],
        env=environment(LLM_USER_PATH=str(tmp_path), LLM_LOAD_PLUGINS=""),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert missing.returncode == 1
    assert "401" in missing.stderr
