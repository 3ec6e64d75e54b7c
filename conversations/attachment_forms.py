"""The pictures in the composer's form: ids of what is uploaded already, and files where there are no scripts."""

from typing import Any
from uuid import UUID

from django import forms

from accounts.requests import PersonRequest
from conversations.attachments import check_count, upload_picture
from conversations.models import Conversation


class AttachmentsField(forms.Field):
    """Ids of attachments, in order; what is no id names nothing and is left out."""

    widget = forms.MultipleHiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)

    def clean(self, value: Any) -> list[UUID]:
        """The ids."""
        return [pk for text in value or () if (pk := _uuid(text)) is not None]


def take_uploads(request: PersonRequest, conversation: Conversation | None = None) -> list[UUID]:
    """Keep the files that came with the form; raises ``PictureRefused`` and ``ValidationError``."""
    files = request.FILES.getlist("pictures")
    check_count(files)
    kept = []
    for file in files:
        content, name = file.read(), str(file.name or "")
        kept.append(upload_picture(user=request.user, content=content, name=name, conversation=conversation).pk)
    return kept


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
