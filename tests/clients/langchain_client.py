"""LangChain's client for OpenAI against the gateway; prints what it got as JSON. Arguments: address, token, model."""

import json
import sys

import openai
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

address, token, model = sys.argv[1:]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Sunny in {city}"


def chat_model(name: str = model, key: str = token) -> ChatOpenAI:
    return ChatOpenAI(base_url=f"{address}/v1", api_key=key, model=name, max_retries=0, stream_usage=True)


def failure(name: str = model, key: str = token) -> str:
    try:
        chat_model(name, key).invoke("hello")
    except openai.OpenAIError as error:
        return next(base.__name__ for base in type(error).__mro__ if base.__module__.startswith("openai"))
    return "no error"


wiz = chat_model()
chunks = list(wiz.stream("echo: hello"))
total = chunks[0]
for chunk in chunks[1:]:
    total += chunk
result = {
    "chat": wiz.invoke("echo: hello").text,
    "streamed": total.text,
    "tokens": (total.usage_metadata or {}).get("output_tokens"),
    "tools": [call["name"] for call in wiz.bind_tools([get_weather]).invoke("Use get_weather, please").tool_calls],
    "structured": sorted(wiz.with_structured_output(Person).invoke("Somebody").model_dump()),
    "responses": ChatOpenAI(base_url=f"{address}/v1", api_key=token, model=model, max_retries=0, use_responses_api=True)
    .invoke("echo: hello")
    .text,
    "unauthorized": failure(key="wiz_wrong"),
    "missing": failure(name="no/such"),
}
sys.stdout.write(json.dumps(result))
