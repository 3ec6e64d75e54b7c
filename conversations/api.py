"""REST: conversations and what is said in them."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import person
from accounts.scopes import CHATTING
from conversations import branching, services, shelf, shelf_query
from conversations.branch import active_branch
from conversations.database import in_thread
from conversations.message_api import KEY, answer_sent, key_of, sent_form
from conversations.models import Conversation, Generation, Message
from conversations.queueing import Sent
from conversations.serializers import (
    ConversationSerializer,
    ForkSerializer,
    MessageSerializer,
    SendSerializer,
    SentSerializer,
)
from conversations.share_api import ShareActions
from conversations.streams import wait_for_end
from conversations.transfer.api import TransferActions

WAIT = OpenApiParameter("wait", bool, description="Answer when the run is over (200) instead of at once (202).")


class ConversationViewSet(ShareActions, TransferActions, viewsets.ModelViewSet[Conversation]):
    """One's own conversations."""

    needs = CHATTING
    serializer_class = ConversationSerializer
    http_method_names = ("get", "post", "patch", "delete", "head", "options")
    queryset = Conversation.objects.none()

    def get_queryset(self) -> Any:
        """Those that the address and the body ask for; see ``shelf_query``."""
        rows = shelf_query.wanted_conversations(self.request, self.action)
        return rows.prefetch_related("tags")

    @extend_schema(parameters=shelf_query.PARAMETERS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Newest first; what ``q`` finds comes the best first, each with its ``hit``."""
        if "q" not in request.query_params or shelf_query.is_trash(request):
            return super().list(request, *args, **kwargs)
        page = shelf_query.search(request, self.get_queryset())
        return Response({**page, "results": self.get_serializer(page["results"], many=True).data})

    def perform_create(self, serializer: Any) -> None:
        """An empty conversation of the caller's."""
        given = serializer.validated_data
        with transaction.atomic():
            serializer.instance = services.start_conversation(
                user=person(self.request),
                agent=given.pop("agent", None),
                provider=given.pop("provider", None),
                model=given.pop("model", ""),
                title=given.pop("title", ""),
                is_temporary=given.pop("is_temporary", False),
            )
            self.perform_update(serializer)

    def perform_update(self, serializer: Any) -> None:
        """Only the given columns: a run may be moving the head meanwhile."""
        changes, conversation = dict(serializer.validated_data), serializer.instance
        if "title" in changes:
            changes["is_title_automatic"] = False
        tags, is_trashed = changes.pop("tags", None), changes.pop("is_trashed", None)
        with transaction.atomic():
            if tags is not None:
                shelf.tag_conversation(conversation=conversation, tags=tags)
            if changes:
                Conversation.objects.filter(pk=conversation.pk).update(**changes)
            if is_trashed is not None:
                change = shelf.trash_conversation if is_trashed else shelf.restore_conversation
                change(conversation=conversation)
        serializer.instance = Conversation.objects.prefetch_related("tags").get(pk=conversation.pk)

    @extend_schema(parameters=[shelf_query.PERMANENT])
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Into the trash, for 30 days; with ``permanent=true``, from there too, for good."""
        return super().destroy(request, *args, **kwargs)

    def perform_destroy(self, instance: Conversation) -> None:
        """Stops what is still going."""
        if shelf_query.is_permanent(self.request):
            services.delete_conversation(conversation=instance)
        else:
            shelf.trash_conversation(conversation=instance)

    @extend_schema(methods=["get"], responses=MessageSerializer(many=True), filters=False)
    @extend_schema(
        methods=["post"],
        request=SendSerializer,
        responses={202: SentSerializer, 200: SentSerializer},
        parameters=[KEY, WAIT],
    )
    @action(detail=True, methods=["get", "post"])
    def messages(self, request: Request, pk: str) -> Response:
        """The shown branch, oldest first; with POST a new message."""
        conversation = self.get_object()
        if request.method != "POST":
            rows = MessageSerializer(active_branch(conversation), many=True).data
            return Response({"next": None, "previous": None, "results": rows})
        given = self._parsed(SendSerializer)
        sent = services.send_message(
            user=person(request),
            conversation=conversation,
            content=given["content"],
            parent=self._message("parent", given["parent"]) if given.get("parent") else None,
            agent=given.get("agent"),
            provider=given.get("provider"),
            model=given.get("model", ""),
            key=key_of(request),
            attachments=given.get("attachments", ()),
        )
        return answer_sent(sent)

    @extend_schema(request=ForkSerializer, responses={201: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def fork(self, request: Request, pk: str) -> Response:
        """A new conversation with copies of the messages up to the given one."""
        conversation = self.get_object()
        given = self._parsed(ForkSerializer)
        message = self._message("message", given["message"])
        fork = branching.fork_conversation(user=person(request), conversation=conversation, message=message)
        return Response(self.get_serializer(fork).data, status=status.HTTP_201_CREATED)

    def _parsed(self, serializer_class: Any) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _message(self, field: str, pk: UUID) -> Message:
        """A message that was named in a field of the body."""
        message = Message.objects.visible_to(person(self.request)).filter(pk=pk).first()
        if message is None:
            raise ValidationError({field: [_("There is no such message.")]})
        return message


_messages = ConversationViewSet.as_view({"get": "messages", "post": "messages"})


async def messages(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The messages endpoint. With ``wait=true`` no thread waits for the answer, only this coroutine."""
    response = await in_thread(_rendered, request, pk)
    wants_to_wait = request.GET.get("wait", "").lower() in {"1", "true"}
    if not wants_to_wait or getattr(response, "status_code", 0) != status.HTTP_202_ACCEPTED:
        return response
    generation_id = UUID(str(response.data["generation"]["id"]))  # type: ignore[attr-defined]
    await wait_for_end(generation_id)
    return await in_thread(_finished, response, generation_id)


def _rendered(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    response: Any = _messages(request, pk=str(pk))
    return response.render() if hasattr(response, "render") else response  # type: ignore[no-any-return]


def _finished(response: Any, generation_id: UUID) -> HttpResponseBase:
    generation = get_object_or_404(Generation.objects.select_related("message__parent"), pk=generation_id)
    assert generation.message.parent is not None  # noqa: S101 - an answer has a question
    response.data = sent_form(Sent(generation.message.parent, generation.message, generation))
    response.status_code = status.HTTP_200_OK
    response._is_rendered = False
    return response.render()  # type: ignore[no-any-return]


# What REST framework's own views carry: exempt from the middleware's CSRF check (their session authentication checks),
# the class, which says what it needs, and the verbs.
messages.__dict__.update(_messages.__dict__)
