"""A caller of the REST API, for tests that look at a running Wiz from outside."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.stack import Stack


@dataclass(frozen=True)
class ServerEvent:
    """One event of a text/event-stream."""

    id: str
    type: str
    data: dict[str, Any]


class Caller:
    """Somebody with a token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.http = httpx2.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60
        )

    @classmethod
    @contextmanager
    def of(cls, stack: Stack, email: str) -> Iterator["Caller"]:
        """A caller with a fresh token of this person."""
        result = stack.manage("create_token", email)
        assert result.returncode == 0, result.stderr
        caller = cls(stack.base_url, result.stdout.strip())
        with caller.http:
            yield caller

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of a successful GET."""
        response = self.http.get(f"/api/v1/{path}", params=parameters)
        assert response.is_success, response.text
        return response.json()

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """The JSON of a successful POST."""
        response = self.http.post(f"/api/v1/{path}", json=body or {}, headers=headers)
        assert response.is_success, response.text
        return response.json()

    def add_provider(self, **fields: Any) -> str:
        """A new provider's id."""
        return str(self.post("providers/", fields)["id"])

    def add_agent(self, **fields: Any) -> str:
        """A new agent's id."""
        return str(self.post("agents/", fields)["id"])

    def agent_id(self, name: str) -> str:
        """The id of a visible agent."""
        return next(str(agent["id"]) for agent in self.get("agents/")["results"] if agent["name"] == name)

    def say(self, agent: str, content: str, **headers: str) -> dict[str, Any]:
        """Start a conversation with a message; the 202 answer and the conversation's id."""
        conversation = self.post("conversations/", {"agent": agent})["id"]
        return {
            "conversation": conversation,
            **self.post(f"conversations/{conversation}/messages/", {"content": content}, **headers),
        }

    def follow(self, generation: str, last_event_id: str = "") -> Iterator[ServerEvent]:
        """The events of a run to its end."""
        return self.events(self.http, generation, last_event_id)

    @staticmethod
    def events(http: httpx2.Client, generation: str, last_event_id: str = "") -> Iterator[ServerEvent]:
        """The same over a client of one's own."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        with http.stream("GET", f"/api/v1/generations/{generation}/events/", headers=headers) as response:
            assert response.status_code == 200, response.read()
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "data" in fields:
                    yield ServerEvent(fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"]))
                    fields = {}

    def read(self, sent: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The text-deltas of the last attempt put together, and the data of generation-end."""
        text, end = "", dict[str, Any]()
        for event in self.follow(sent["generation"]["id"]):
            if event.type == "attempt-start":
                text = ""
            elif event.type == "text-delta":
                text += event.data["text"]
            elif event.type == "generation-end":
                end = event.data
        return text, end

    def stored(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The answer as the database has it."""
        return next(
            message
            for message in self.get(f"conversations/{sent['conversation']}/messages/")["results"]
            if message["id"] == sent["reply"]["id"]
        )
