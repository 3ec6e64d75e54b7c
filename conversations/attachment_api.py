"""REST: pictures for messages."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, parsers, serializers, status, viewsets
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import StrictSerializer, person
from accounts.scopes import CHATTING, READING
from conversations.attachment_views import show_bytes
from conversations.attachments import discard_attachment, upload_picture
from conversations.models import Attachment, Conversation
from conversations.pictures import UPLOAD_LIMIT
from conversations.serializers import AttachmentSerializer


class AlreadySent(APIException):
    """It belongs to a message now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "already_sent"
    default_detail = _("The picture was sent. It goes with its conversation.")


@extend_schema_field(serializers.UUIDField)
class ConversationField(serializers.PrimaryKeyRelatedField[Conversation]):
    """The id of one of the caller's conversations."""

    def get_queryset(self) -> Any:
        """Foreign conversations do not exist for the caller."""
        return Conversation.objects.visible_to(self.context["request"].user)


class UploadSerializer(StrictSerializer, serializers.Serializer[Any]):
    """A file. With a conversation the picture waits in its composer, until it is sent from anywhere."""

    file = serializers.FileField(allow_empty_file=True, use_url=False)
    conversation = ConversationField(required=False, allow_null=True)


class AttachmentViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Attachment]):
    """One's own pictures."""

    needs = CHATTING
    serializer_class = AttachmentSerializer
    queryset = Attachment.objects.none()
    parser_classes = (parsers.MultiPartParser,)

    def get_queryset(self) -> Any:
        """But for those of conversations in the trash."""
        return Attachment.objects.visible_to(person(self.request))

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={201: AttachmentSerializer},
    )
    def create(self, request: Request) -> Response:
        """Upload a PNG, JPEG, WebP or GIF of up to 10 MB; it is kept without metadata, at most 2048 pixels long."""
        given = UploadSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        file = given.validated_data["file"]
        content = file.read(UPLOAD_LIMIT + 1)
        conversation = given.validated_data.get("conversation")
        made = upload_picture(user=person(request), content=content, name=file.name, conversation=conversation)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Throw a picture away that was not sent."""
        if not discard_attachment(attachment=self.get_object()):
            raise AlreadySent
        return Response(status=status.HTTP_204_NO_CONTENT)


class AttachmentContentView(APIView):
    """The bytes of a picture."""

    needs = READING

    @extend_schema(
        responses={(200, "image/png"): OpenApiTypes.BINARY, (200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """PNG or JPEG."""
        found = get_object_or_404(Attachment.objects.visible_to(person(request)), pk=pk)
        return show_bytes(request._request, found)
