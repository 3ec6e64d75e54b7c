"""Writes on attachments: take an upload, give it to a message, share it with copies, throw it away with its bytes."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.models import Attachment, Conversation, Message
from conversations.models.attachment import UNSENT_LIFETIME
from conversations.pictures import Picture, QuotaReached, read_picture

logger = logging.getLogger(__name__)

MOST: Final = 8  # pictures of one message
BATCH: Final = 500
LONGEST_NAME: Final = 100


def upload_picture(
    *, user: User, content: bytes, name: str = "", conversation: Conversation | None = None
) -> Attachment:
    """Keep an uploaded picture until it is sent, in the composer of ``conversation`` if one is given.

    Raises ``PictureRefused``.
    """
    return keep_picture(user=user, picture=read_picture(content), name=name, conversation=conversation)


def keep_picture(
    *,
    user: User,
    picture: Picture,
    name: str,
    conversation: Conversation | None = None,
    message: Message | None = None,
    position: int = 0,
) -> Attachment:
    """Store a picture; raises ``QuotaReached``."""
    attachment = Attachment(
        owner=user,
        conversation=conversation,
        message=message,
        position=position,
        name=clean_name(name, picture),
        sha256=picture.sha256,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.content),
    )
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # parallel uploads are counted one by one
        if Attachment.objects.all().bytes_of(user) + attachment.size > settings.UPLOAD_QUOTA:
            problem = _("Your pictures fill the %(limit)d MB that you may keep. Delete conversations that hold some.")
            raise QuotaReached(problem % {"limit": settings.UPLOAD_QUOTA // 2**20})
        attachment.file.save(name, ContentFile(picture.content), save=False)
        attachment.save()
    return attachment


def discard_attachment(*, attachment: Attachment) -> bool:
    """Throw a picture away that was not sent; false when it was."""
    with transaction.atomic():
        found = Attachment.objects.select_for_update(of=("self",)).filter(pk=attachment.pk, message=None).first()
        if found is not None:
            found.delete()
    return found is not None


def check_count(attachments: Sequence[object]) -> None:
    """Raise ``ValidationError`` for more pictures than a message holds."""
    if len(attachments) > MOST:
        raise ValidationError({"attachments": _("A message holds at most %(count)d pictures.") % {"count": MOST}})


def give_to_message(
    *, message: Message, user: User, attachments: Sequence[UUID], source: Message | None = None
) -> None:
    """Make these the message's pictures, in this order: unsent ones of the person's, and copies of those of ``source``.

    Call it in the transaction that makes the message. Raises ``ValidationError`` (``attachments``).
    """
    wanted = list(dict.fromkeys(attachments))
    check_count(wanted)
    rows = Attachment.objects.filter(owner=user, pk__in=wanted).select_for_update(of=("self",))
    found = {row.pk: row for row in rows if row.message_id is None or (source and row.message_id == source.pk)}
    if len(found) < len(wanted):
        raise ValidationError({"attachments": _("A picture is not there any more. Attach it again.")})
    for position, pk in enumerate(wanted):
        row = found[pk]
        if row.message_id is not None:
            row = _twin(row)
        row.conversation_id, row.message, row.position = message.conversation_id, message, position
        row.save()


def carry_over(*, copies: Mapping[UUID, Message], user: User) -> None:
    """Give copies of messages the pictures of their originals, whose ids are the keys."""
    rows = Attachment.objects.filter(message__in=copies).select_for_update(of=("self",))
    twins = []
    for row in rows:
        message, twin = copies[row.message_id], _twin(row)  # type: ignore[index]  # they are sent
        twin.owner, twin.conversation_id, twin.message = user, message.conversation_id, message
        twins.append(twin)
    Attachment.objects.bulk_create(twins, batch_size=100)


def purge_abandoned() -> int:
    """Erase pictures that were never sent, and files that no row knows; returns how many pictures."""
    rows = list(Attachment.objects.all().abandoned()[:BATCH])
    for row in rows:
        discard_attachment(attachment=row)
    _sweep()
    return len(rows)


def clean_name(name: str, picture: Picture) -> str:
    """The name of an upload as one harmless line; ``picture.png`` for none."""
    ending = picture.media_type.partition("/")[2].replace("jpeg", "jpg")
    stem = "".join(char for char in Path(name.replace("\\", "/")).stem if char.isprintable() and char not in "[]()<>")
    stem = stem.encode("utf-8", "ignore").decode().strip(" .")
    return f"{stem[: LONGEST_NAME - 5] or 'picture'}.{ending}"


@receiver(post_delete, sender=Attachment)
def erase_file(instance: Attachment, **_kwargs: object) -> None:
    """However a row goes, its bytes follow once it is sure, unless another row shares them."""
    transaction.on_commit(partial(_erase_unshared, instance.file.name or ""), robust=True)


def _erase_unshared(name: str) -> None:
    if name and not Attachment.objects.filter(file=name).exists():
        default_storage.delete(name)


def _twin(row: Attachment) -> Attachment:
    """An unsaved copy that shares the file."""
    names = ("owner_id", "position", "name", "sha256", "media_type", "width", "height", "size")
    return Attachment(file=row.file.name, **{name: getattr(row, name) for name in names})


def _sweep() -> None:
    """A process that died between a file and its row leaves the file behind."""
    before = time.time() - UNSENT_LIFETIME.total_seconds()
    root = Path(settings.MEDIA_ROOT)
    old = [path for path in root.glob("??/*") if path.is_file() and path.stat().st_mtime < before]
    for start in range(0, len(old), BATCH):
        _sweep_batch(root, old[start : start + BATCH])


def _sweep_batch(root: Path, paths: Iterable[Path]) -> None:
    by_name = {path.relative_to(root).as_posix(): path for path in paths}
    known = set(Attachment.objects.filter(file__in=by_name).values_list("file", flat=True))
    for name in by_name.keys() - known:
        logger.warning("An upload that belongs to no message was erased.")
        by_name[name].unlink(missing_ok=True)
