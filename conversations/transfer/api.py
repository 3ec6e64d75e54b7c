"""REST: a conversation as a file, and files as conversations."""

import threading
from typing import IO, Any, Final

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import parsers, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.audit import Action, record_event
from accounts.models import User
from accounts.rest import BodyTooLarge, person
from conversations.models import Conversation
from conversations.transfer.export import as_json, as_markdown, filename
from conversations.transfer.reading import LIMIT, TooLarge
from conversations.transfer.reporting import Report
from conversations.transfer.storing import import_file

RETRY_AFTER: Final = 30  # seconds
_one_at_a_time = threading.BoundedSemaphore(1)


class ImportBusy(Throttled):
    """This process is reading another file."""

    default_detail = _("Another file is being read. Try again in a moment.")
    extra_detail_singular = extra_detail_plural = ""


class FileParser(parsers.BaseParser):
    """Any body as the bytes that it is, up to the limit of an import."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        """The body; raises ``BodyTooLarge``."""
        body: bytes = stream.read(LIMIT + 1)
        if len(body) > LIMIT:
            raise BodyTooLarge
        return body


class SkippedSerializer(serializers.Serializer[Any]):
    """A conversation that was not taken."""

    place = serializers.CharField()
    title = serializers.CharField()
    reason = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    """What became of a file."""

    source = serializers.ChoiceField(["wiz", "chatgpt", "claude", "openwebui", ""])  # type: ignore[assignment]
    conversations = serializers.IntegerField()
    messages = serializers.IntegerField()
    left_out = serializers.DictField(child=serializers.IntegerField())
    skipped = SkippedSerializer(many=True)
    skipped_count = serializers.IntegerField()
    first = serializers.UUIDField(allow_null=True)


class TransferActions:
    """What the conversations' endpoint does with files."""

    get_object: Any

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["markdown", "json"], required=True)],
        responses={(200, "text/markdown"): str, (200, "application/json"): dict},
        filters=False,
    )
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: str) -> HttpResponse:
        """The shown branch as Markdown, or everything as JSON that can be imported again."""
        conversation: Conversation = self.get_object()
        if conversation.is_temporary:
            raise Http404
        return download(conversation, request.query_params.get("as", ""))

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT, "application/zip": OpenApiTypes.BINARY},
        responses={201: ReportSerializer},
    )
    @action(detail=False, methods=["post"], url_path="import", url_name="import", parser_classes=[FileParser])
    def import_file(self, request: Request) -> Response:
        """A file of Wiz, ChatGPT, Claude or Open WebUI, JSON or ZIP, up to 100 MB; becomes new conversations."""
        body: Any = request.data  # bytes, from ``FileParser``; REST framework has a mapping for no body at all
        report = take_in(person(request), body if isinstance(body, bytes) else b"")
        return Response(ReportSerializer(report.record()).data, status=status.HTTP_201_CREATED)


def download(conversation: Conversation, kind: str) -> HttpResponse:
    """The file of a conversation; raises ``ParseError`` for a kind that there is none of."""
    if kind in ("markdown", "json"):
        record_event(action=Action.EXPORTED, detail=f"conversation {conversation.pk} as {kind}")
    if kind == "markdown":
        return attachment(as_markdown(conversation).encode(), "text/markdown", filename(conversation, "md"))
    if kind == "json":
        rows = Conversation.objects.filter(pk=conversation.pk)
        return attachment(as_json(rows), "application/json", filename(conversation, "json"))
    raise ParseError(_("as is markdown or json."))


def attachment(body: bytes, kind: str, name: str) -> HttpResponse:
    """A file to be saved, never shown: what is in it was written by strangers."""
    header = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(body, content_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": header or ""})


def take_in(user: User, body: bytes) -> Report:
    """Import a file, one at a time in this process; raises ``ImportBusy``, ``BodyTooLarge``, ``ImportProblem``."""
    if not _one_at_a_time.acquire(blocking=False):
        raise ImportBusy(wait=RETRY_AFTER)
    try:
        report = import_file(user=user, body=body)
        told = f"{report.conversations} conversations from {report.source or 'an empty file'}"
        record_event(action=Action.IMPORTED, actor=user, detail=told)
        return report
    except TooLarge as error:
        raise BodyTooLarge(str(error)) from None
    finally:
        _one_at_a_time.release()
