"""REST: single messages and runs."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import person
from accounts.scopes import CHATTING
from conversations import branching, services
from conversations.branch import dress
from conversations.follow import look
from conversations.models import Generation, Message
from conversations.queueing import Sent
from conversations.serializers import (
    ConversationSerializer,
    EditSerializer,
    GenerationSerializer,
    MessageSerializer,
    RegenerateSerializer,
    SentSerializer,
)

KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key sends once.")


class MessageViewSet(viewsets.GenericViewSet[Message]):
    """Versions of messages, and their end."""

    needs = CHATTING
    serializer_class = MessageSerializer
    queryset = Message.objects.none()

    def get_queryset(self) -> Any:
        """Those of one's own conversations."""
        return Message.objects.visible_to(person(self.request)).select_related("conversation", "parent", "agent")

    @extend_schema(request=EditSerializer, responses={202: SentSerializer}, parameters=[KEY])
    @action(detail=True, methods=["post"])
    def edit(self, request: Request, pk: str) -> Response:
        """A new version of one's own message, with a new answer."""
        serializer = EditSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given, key = serializer.validated_data, key_of(request)
        return answer_sent(services.edit_message(user=person(request), message=self.get_object(), key=key, **given))

    @extend_schema(request=RegenerateSerializer, responses={202: SentSerializer}, parameters=[KEY])
    @action(detail=True, methods=["post"])
    def regenerate(self, request: Request, pk: str) -> Response:
        """Another answer beside this one."""
        serializer = RegenerateSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        wanted, key = serializer.validated_data, key_of(request)
        return answer_sent(services.regenerate(user=person(request), message=self.get_object(), key=key, **wanted))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a message for good, with everything that was said below it in any version."""
        branching.delete_message(message=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ConversationSerializer)
    @action(detail=True, methods=["post"])
    def select(self, request: Request, pk: str) -> Response:
        """Show this version, and the newest branch below it; a run on another branch goes on."""
        conversation = branching.select_version(message=self.get_object())
        return Response(ConversationSerializer(conversation, context=self.get_serializer_context()).data)


class GenerationViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Generation]):
    """Runs."""

    needs = CHATTING
    serializer_class = GenerationSerializer
    queryset = Generation.objects.none()

    def get_queryset(self) -> Any:
        """Those of one's own conversations."""
        return Generation.objects.visible_to(person(self.request))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Where the run stands; one that nobody runs any more is ended by whoever asks."""
        look(self.get_object().pk)
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(request=None, responses=GenerationSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop the run; its text is kept. Stopping what is over changes nothing."""
        services.request_stop(generation=self.get_object())
        return Response(GenerationSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: SentSerializer}, parameters=[KEY])
    @action(detail=True, methods=["post"], url_path="continue", url_name="continue")
    def go_on(self, request: Request, pk: str) -> Response:
        """Let the model go on with an answer that was cut off, from the text it has."""
        generation, key = self.get_object(), key_of(request)
        return answer_sent(services.continue_generation(user=person(request), generation=generation, key=key))


def key_of(request: Request) -> str:
    """The caller's idempotency key; empty when none was sent."""
    return request.headers.get("Idempotency-Key", "")


def answer_sent(sent: Sent) -> Response:
    """202 with what a send made."""
    return Response(sent_form(sent), status=status.HTTP_202_ACCEPTED)


def sent_form(sent: Sent) -> dict[str, Any]:
    """The JSON form of a send, from the rows as they are now."""
    generation = Generation.objects.get(pk=sent.generation.pk)
    message, reply = dress([sent.message.pk, sent.reply.pk], sent.message.conversation_id)
    return dict(SentSerializer({"message": message, "reply": reply, "generation": generation}).data)
