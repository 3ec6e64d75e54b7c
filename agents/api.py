"""REST: agents."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.etags import check_match, tagged
from accounts.idempotency import MAKING_KEY, make_once
from accounts.rest import IF_MATCH, IF_NONE_MATCH, narrowed, person
from accounts.scopes import CHATTING, MANAGING
from agents import services
from agents.copying import clone_agent, export_agent, import_agent
from agents.history_serializers import (
    AgentFileSerializer,
    ImportedSerializer,
    ImportSerializer,
    VersionFilters,
    VersionSerializer,
    WholeVersionSerializer,
)
from agents.hops import check_switched_on
from agents.models import Agent
from agents.restoring import restore_version
from agents.serializers import AgentFilters, AgentSerializer, GenerateSerializer, read_history
from agents.versions import find_version
from providers.answering import Answering
from providers.generate_api import TEXT_RESPONSES, answer_later
from providers.serializers import TestResultSerializer
from providers.types import ChatMessage
from providers.waiting import AlwaysJSON, Later, awaited

VERSION: Final = r"versions/(?P<number>[0-9]{1,9})"


class AgentViewSet(viewsets.GenericViewSet[Agent]):
    """Agents that the caller may use; one's own may be changed."""

    needs = MANAGING
    serializer_class = AgentSerializer
    queryset = Agent.objects.none()

    def get_queryset(self) -> Any:
        """What may be used to read and to ask, what may be changed to change."""
        user = person(self.request)
        if self.action in {"list", "retrieve"}:
            return Agent.objects.visible_to(user).prefetch_related("groups")
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
        agent, author = self._locked(), person(request)
        return self._shown(services.update_agent(agent=agent, author=author, **self._parsed(partial=True)))

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

    @extend_schema(parameters=[MAKING_KEY], request=None, responses={201: AgentSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, pk: str) -> Response:
        """A private copy of the caller's own, of an agent that the caller may edit."""
        agent, owner = self.get_object(), person(request)
        mine = Agent.objects.editable_by(owner)
        made = make_once(request, mine, lambda: clone_agent(agent=agent, owner=owner))
        return self._shown(made, status=status.HTTP_201_CREATED)

    @extend_schema(responses=AgentFileSerializer)
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: str) -> Response:
        """The agent as another Wiz can import it, for those who may edit it: no keys, no ids, no people."""
        return Response(export_agent(agent=self.get_object()))

    @extend_schema(parameters=[MAKING_KEY], request=ImportSerializer, responses={201: ImportedSerializer})
    @action(detail=False, methods=["post"], url_path="import", url_name="import")
    def bring(self, request: Request) -> Response:
        """A new private agent from what ``export`` gave. Without ``provider`` one of the same kind and name is taken.

        When none fits, or several do, the answer is 400 on ``provider``: choose one. ``left_out`` names the fallbacks
        that nobody here can answer for.
        """
        owner = person(request)
        serializer = ImportSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        given, left_out = serializer.validated_data, list[str]()

        def make() -> Agent:
            imported = import_agent(owner=owner, file=given["agent"], provider=given.get("provider"))
            left_out.extend(imported.left_out)
            return imported.agent

        agent = make_once(request, Agent.objects.editable_by(owner), make)
        shown = {**self.get_serializer(agent).data, "left_out": left_out}
        return tagged(request, agent.updated_at, shown, status=status.HTTP_201_CREATED)

    @extend_schema(responses=VersionSerializer(many=True))
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, pk: str) -> Response:
        """What the agent was, newest first, for those who may edit it."""
        rows: Any = self.get_object().versions.select_related("author")  # of another model than the view's own
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(VersionSerializer(page, many=True).data)

    @extend_schema(parameters=[VersionFilters], responses=WholeVersionSerializer)
    @action(detail=True, methods=["get"], url_path=VERSION, url_name="version")
    def version(self, request: Request, pk: str, number: str) -> Response:
        """One version whole, and with ``against`` what has changed in it since that other version."""
        agent = self.get_object()
        filters = VersionFilters(data=request.query_params)
        filters.is_valid(raise_exception=True)
        found = find_version(agent, number)
        against = filters.validated_data.get("against")
        other = find_version(agent, against) if against else None
        return Response(WholeVersionSerializer(found, context={"against": other}).data)

    @extend_schema(request=None, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], url_path=f"{VERSION}/restore", url_name="version-restore")
    @transaction.atomic
    def restore(self, request: Request, pk: str, number: str) -> Response:
        """The agent becomes what it was, as a new version. Who may use it stays as it is."""
        version = find_version(self._locked(), number)
        return self._shown(restore_version(version=version, author=person(request)))

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
        check_switched_on(agent)
        calls = services.build_calls(agent, [*read_history(given.get("history", [])), question])
        user = person(request)
        answering = Answering(calls, user=user, tells_detail=agent.is_editable_by(user))
        return answer_later(self, request, answering, is_streamed=given["stream"])


generate = awaited(GenerateView.as_view())
