"""REST: share links."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import StrictSerializer, person
from accounts.scopes import CHATTING
from conversations import sharing
from conversations.models import Conversation, Share


class ShareSerializer(StrictSerializer, serializers.ModelSerializer[Share]):
    """A link to the branch of a conversation that was shown when it was made."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = Share
        fields = ("id", "conversation", "audience", "expires_at", "created_at", "url")
        read_only_fields = ("id", "conversation", "created_at")

    @extend_schema_field(serializers.URLField())
    def get_url(self, share: Share) -> str:
        """Where it leads."""
        path = reverse("conversations:shared", args=[share.token])
        return str(self.context["request"].build_absolute_uri(path))


class ShareActions:
    """The links of one conversation."""

    get_object: Any
    get_serializer_context: Any

    @extend_schema(methods=["get"], responses=ShareSerializer(many=True), filters=False)
    @extend_schema(methods=["post"], request=ShareSerializer, responses={201: ShareSerializer})
    @action(detail=True, methods=["get", "post"])
    def shares(self, request: Request, pk: str) -> Response:
        """The links that still lead here; with POST a new one."""
        conversation: Conversation = self.get_object()
        context = self.get_serializer_context()
        if request.method != "POST":
            rows = Share.objects.visible_to(person(request)).open().filter(conversation=conversation)
            results = ShareSerializer(rows, many=True, context=context).data
            return Response({"next": None, "previous": None, "results": results})
        given = ShareSerializer(data=request.data, context=context)
        given.is_valid(raise_exception=True)
        share = sharing.share_conversation(conversation=conversation, **given.validated_data)
        return Response(ShareSerializer(share, context=context).data, status=status.HTTP_201_CREATED)


class ShareViewSet(mixins.DestroyModelMixin, viewsets.GenericViewSet[Share]):
    """One's own links."""

    needs = CHATTING
    serializer_class = ShareSerializer
    queryset = Share.objects.none()

    def get_queryset(self) -> Any:
        """Those of one's own conversations."""
        return Share.objects.visible_to(person(self.request))

    def perform_destroy(self, instance: Share) -> None:
        """The link leads nowhere any more."""
        sharing.end_share(share=instance)
