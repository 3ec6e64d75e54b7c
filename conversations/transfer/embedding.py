"""Pictures in files of conversations: as data URLs inside the JSON, by name in the Markdown."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from conversations.attachments import keep_picture
from conversations.models import Attachment, Message
from conversations.pictures import PictureRefused, QuotaReached, read_picture
from conversations.transfer.archive import AttachmentRecord
from conversations.transfer.tree import NamedPicture

LIMIT: Final = 60 * 1024 * 1024  # bytes of the pictures of one file, which can be read in again up to 100 MB


class Embedding:
    """Writes the pictures of one file: those that fit whole, of the others the names."""

    def __init__(self) -> None:
        self._room = LIMIT

    def record(self, attachment: Attachment) -> AttachmentRecord:
        """The form of one picture."""
        if attachment.size > self._room:
            return AttachmentRecord(attachment.name)
        try:
            content = attachment.read()
        except OSError:
            return AttachmentRecord(attachment.name)
        self._room -= len(content)
        data = f"data:{attachment.media_type};base64,{base64.b64encode(content).decode()}"
        return AttachmentRecord(attachment.name, data)


def pictures_as_links(message: Message) -> Iterator[str]:
    """A line of Markdown for each picture; the links open for whoever may see the conversation."""
    for picture in message.attachments.all():
        url = settings.PUBLIC_URL + reverse("conversations:attachment", args=[picture.pk])
        yield f"[{picture.name}]({url})"


def read_pictures(records: Iterable[AttachmentRecord]) -> list[NamedPicture]:
    """The pictures that can be kept: judged and made anew like uploads, for a file is only somebody's claim."""
    found = []
    for record in records:
        _head, separator, encoded = record.data.partition(";base64,")
        try:
            content = base64.b64decode(encoded, validate=True) if separator else b""
            found.append(NamedPicture(record.name, read_picture(content)))
        except (binascii.Error, ValueError, PictureRefused):
            continue
    return found


def store_pictures(user: User, pictures: Sequence[NamedPicture], message: Message) -> int:
    """Give a message its pictures, as many as the person may keep; returns how many had to be left out."""
    for position, (name, picture) in enumerate(pictures):
        place = message.conversation
        try:
            keep_picture(user=user, picture=picture, name=name, conversation=place, message=message, position=position)
        except QuotaReached:
            return len(pictures) - position
    return 0
