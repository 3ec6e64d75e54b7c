"""The bytes of pictures, for pages and for the readers of share links."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.requests import PersonRequest
from conversations import sharing
from conversations.branch import branch_to
from conversations.models import Attachment

FOR_A_DAY = "private, max-age=86400, immutable"


@login_required
@require_GET
def attachment(request: PersonRequest, pk: UUID) -> HttpResponse:
    """One's own picture."""
    return show_bytes(request, get_object_or_404(Attachment.objects.visible_to(request.user), pk=pk))


@require_GET
def shared_attachment(request: HttpRequest, token: str, pk: UUID) -> HttpResponse:
    """A picture of the branch that a link leads to; never kept, for the link may end."""
    reader = request.user if isinstance(request.user, User) else None
    share = sharing.find_share(token, reader)
    if share is None:
        raise Http404
    found = get_object_or_404(Attachment, pk=pk, conversation=share.conversation_id, message__isnull=False)
    if found.message_id not in {message.pk for message in branch_to(share.head)}:
        raise Http404
    response = show_bytes(request, found)
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Cache-Control"] = "no-store"
    return response


def show_bytes(request: HttpRequest, found: Attachment) -> HttpResponse:
    """The picture, which cannot be anything else to a browser; raises ``Http404`` when its file is gone."""
    tag = f'"{found.sha256}"'
    headers = {
        "Cache-Control": FOR_A_DAY,
        "Content-Disposition": content_disposition_header(as_attachment=False, filename=found.name) or "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "ETag": tag,
    }
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=headers)
    try:
        content = found.read()
    except OSError:
        raise Http404 from None
    return HttpResponse(content, content_type=found.media_type, headers=headers)
