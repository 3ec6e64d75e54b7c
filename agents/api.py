"""REST: agents."""

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.etags import check_match, tagged
from accounts.idempotency import MAKING_KEY, make_once
from accounts.rest import IF_MATCH, IF_NONE_MATCH, narrowed, person
from accounts.scopes import CHATTING, MANAGING
from agents import services
from agents.models import Agent
from agents.serializers import AgentFilters, AgentSerializer, GenerateSerializer
from providers.answering import Answering
from providers.generate_api import TEXT_RESPONSES, answer_later
from providers.serializers import TestResultSerializer
from providers.types import ChatMessage
from providers.waiting import AlwaysJSON, Later, awaited


class AgentViewSet(viewsets.GenericViewSet[Agent]):
    """Agents that the caller may use; one's own may be changed."""

    needs = MANAGING
    serializer_class = AgentSerializer
    queryset = Agent.objects.none()

    def get_queryset(self) -> Any:
        """What may be used to read and to ask, what may be changed to change."""
        user = person(self.request)
        if self.action in {"list", "retrieve"}:
            return Agent.objects.visible_to(user)
        return Agent.objects.editable_by(user)

    @extend_schema(parameters=[AgentFilters])
    def list(self, request: Request) -> Response:
        """Agents, by name."""
        page = self.paginate_queryset(narrowed(request, self.get_queryset(), AgentFilters))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(parameters=[IF_NONE_MATCH])
    def retrieve(self, request: Request, pk: str) -> Response:
        """One agent, with an ``ETag``; 304 for ``If-None-Match``."""
        return self._shown(self.get_object())

    @extend_schema(parameters=[MAKING_KEY])
    def create(self, request: Request) -> Response:
        """A new agent of the caller's."""
        owner, given = person(request), self._parsed(partial=False)
        mine = Agent.objects.editable_by(owner)
        agent = make_once(request, mine, lambda: services.create_agent(owner=owner, **given))
        return self._shown(agent, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[IF_MATCH])
    @transaction.atomic
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change fields. With ``If-Match`` an agent that was changed since is left alone, with 412."""
        return self._shown(services.update_agent(agent=self._locked(), **self._parsed(partial=True)))

    @extend_schema(parameters=[IF_MATCH])
    @transaction.atomic
    def destroy(self, request: Request, pk: str) -> Response:
        """Gone; its conversations stay."""
        services.delete_agent(agent=self._locked())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TestResultSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """One real, small call. A failing agent is a successful test: look at ``ok``."""
        return Response(TestResultSerializer(services.test_agent(agent=self.get_object())).data)

    def _locked(self) -> Agent:
        """The agent, which nobody else changes until the end of the transaction, if it is as the caller knows it."""
        agent = self.get_object()
        Agent.objects.select_for_update().only("pk").get(pk=agent.pk)
        agent.refresh_from_db(fields=["updated_at"])
        check_match(self.request, agent.updated_at)
        return agent

    def _shown(self, agent: Agent, **options: Any) -> Response:
        return tagged(self.request, agent.updated_at, self.get_serializer(agent).data, **options)

    def _parsed(self, *, partial: bool) -> dict[str, Any]:
        serializer = self.get_serializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class GenerateView(generics.GenericAPIView[Agent]):
    """An agent's answer outside any conversation."""

    needs = CHATTING
    content_negotiation_class = AlwaysJSON
    queryset = Agent.objects.none()

    def get_queryset(self) -> Any:
        """The agents that the caller may use."""
        return Agent.objects.visible_to(person(self.request)).select_related("provider", "owner")

    @extend_schema(request=GenerateSerializer, responses=TEXT_RESPONSES)
    def post(self, request: Request, pk: UUID) -> Later:
        """An answer: whole, or with ``stream`` as the events of ``/generate/text/``.

        When the agent's model fails before it has said anything the agent's fallbacks are asked; see ``hops``.
        """
        agent = self.get_object()
        serializer = GenerateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        question = ChatMessage(role="user", content=given["message"])
        calls = services.build_calls(agent, [*_history(given.get("history", [])), question])
        answering = Answering(calls, user=person(request))
        return answer_later(self, request, answering, is_streamed=given["stream"])


def _history(items: list[dict[str, Any]]) -> list[ChatMessage]:
    """The earlier messages; raises ``ValidationError`` for anything but role and content as text."""
    history = []
    for item in items:
        role, content = item.get("role"), item.get("content")
        if set(item) != {"role", "content"} or role not in ("user", "assistant") or not isinstance(content, str):
            raise ValidationError({"history": ["Each item is {role: user or assistant, content: text}."]})
        history.append(ChatMessage(role, content))
    return history


generate = awaited(GenerateView.as_view())
