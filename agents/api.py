"""REST: agents."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import person
from agents import services
from agents.models import Agent
from agents.serializers import AgentSerializer, AnswerSerializer, GenerateSerializer
from providers.ledger import record_usage
from providers.serializers import TestResultSerializer
from providers.types import ChatMessage


class AgentViewSet(viewsets.GenericViewSet[Agent]):
    """Agents that the caller may use; one's own may be changed."""

    serializer_class = AgentSerializer
    queryset = Agent.objects.none()

    def get_queryset(self) -> Any:
        """What may be used to read and to ask, what may be changed to change."""
        user = person(self.request)
        if self.action in {"list", "retrieve", "generate"}:
            return Agent.objects.visible_to(user)
        return Agent.objects.editable_by(user)

    def list(self, request: Request) -> Response:
        """Agents, by name."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One agent."""
        return Response(self.get_serializer(self.get_object()).data)

    def create(self, request: Request) -> Response:
        """A new agent of the caller's."""
        agent = services.create_agent(owner=person(request), **self._parsed(partial=False))
        return Response(self.get_serializer(agent).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change fields."""
        agent = services.update_agent(agent=self.get_object(), **self._parsed(partial=True))
        return Response(self.get_serializer(agent).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Gone; its conversations stay."""
        services.delete_agent(agent=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TestResultSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """One real, small call. A failing agent is a successful test: look at ``ok``."""
        return Response(TestResultSerializer(services.test_agent(agent=self.get_object())).data)

    @extend_schema(request=GenerateSerializer, responses=AnswerSerializer)
    @action(detail=True, methods=["post"])
    def generate(self, request: Request, pk: str) -> Response:
        """An answer outside any conversation."""
        agent = self.get_object()
        serializer = GenerateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        answer = services.generate_response(
            agent=agent, message=given["message"], history=_history(given.get("history", []))
        )
        if answer.usage is not None:
            record_usage(
                user=person(request),
                provider=agent.provider,
                model=agent.model,
                usage=answer.usage,
                agent_name=agent.name,
            )
        body = {**asdict(answer), "usage": asdict(answer.usage) if answer.usage else None}
        return Response(AnswerSerializer(body).data)

    def _parsed(self, *, partial: bool) -> dict[str, Any]:
        serializer = self.get_serializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


def _history(items: list[dict[str, Any]]) -> list[ChatMessage]:
    """The earlier messages; raises ``ValidationError`` for anything but role and content as text."""
    history = []
    for item in items:
        role, content = item.get("role"), item.get("content")
        if set(item) != {"role", "content"} or role not in ("user", "assistant") or not isinstance(content, str):
            raise ValidationError({"history": ["Each item is {role: user or assistant, content: text}."]})
        history.append(ChatMessage(role, content))
    return history
