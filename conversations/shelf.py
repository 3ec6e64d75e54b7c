"""Writes on whole conversations and on where they are kept: trash, folders, tags, drafts."""

from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.attachments import purge_abandoned
from conversations.models import Conversation, Folder, Generation, Tag
from conversations.services import delete_conversation, request_stop

MOST_TAGS = 20
LONGEST_TAG = 50  # characters
BATCH = 500


def trash_conversation(*, conversation: Conversation) -> None:
    """Move a conversation to the trash for 30 days; what is being written is stopped. A temporary one goes at once."""
    if conversation.is_temporary:
        delete_conversation(conversation=conversation)
        return
    for generation in Generation.objects.filter(conversation=conversation).active():
        request_stop(generation=generation)
    Conversation.objects.filter(pk=conversation.pk, trashed_at=None).update(trashed_at=Now())


def restore_conversation(*, conversation: Conversation) -> None:
    """Take a conversation out of the trash, to where it was."""
    Conversation.objects.filter(pk=conversation.pk).update(trashed_at=None)


def empty_trash(*, user: User) -> int:
    """Delete everything in a person's trash for good; returns how much that was."""
    return _delete_all(list(Conversation.objects.trashed_by(user)))


def purge_expired() -> int:
    """Delete for good what was long enough in the trash, and temporary conversations and pictures that nobody uses."""
    purge_abandoned()
    return _delete_all(list(Conversation.objects.expired()[:BATCH]))


def create_folder(*, user: User, name: str, instructions: str = "") -> Folder:
    """A folder at the end of the list; raises ``ValidationError`` (``name``, ``instructions``)."""
    folder = Folder(owner=user, name=_clean_name(name), instructions=instructions.strip())
    folder.position = Folder.objects.visible_to(user).count()
    return _save_folder(folder)


def change_folder(*, folder: Folder, name: str | None = None, instructions: str | None = None) -> Folder:
    """Another name or other instructions, for the runs that begin from now on. Raises as ``create_folder``."""
    if name is not None:
        folder.name = _clean_name(name)
    if instructions is not None:
        folder.instructions = instructions.strip()
    return _save_folder(folder)


def delete_folder(*, folder: Folder) -> None:
    """Delete a folder; its conversations stay, without one."""
    folder.delete()


def tag_conversation(*, conversation: Conversation, tags: Sequence[str]) -> None:
    """Give a conversation exactly these tags; raises ``ValidationError`` (``tags``)."""
    names = {" ".join(tag.split()).strip("#, ").casefold() for tag in tags} - {""}
    if len(names) > MOST_TAGS or any(len(name) > LONGEST_TAG for name in names):
        problem = _("At most %(count)d tags of %(length)d characters each.")
        raise ValidationError({"tags": problem % {"count": MOST_TAGS, "length": LONGEST_TAG}})
    if any("\0" in name for name in names):
        raise ValidationError({"tags": _("A tag contains characters that cannot be stored.")})
    with transaction.atomic():
        conversation.tags.exclude(name__in=names).delete()
        Tag.objects.bulk_create([Tag(conversation=conversation, name=name) for name in names], ignore_conflicts=True)


def keep_draft(*, conversation: Conversation, text: str) -> None:
    """Remember what was written and not sent; raises ``ValidationError`` when no message could be that long."""
    if len(text) > settings.MAX_MESSAGE_LENGTH:
        raise ValidationError({"draft": _("The draft is too long to be a message.")})
    Conversation.objects.filter(pk=conversation.pk).update(draft=text.replace("\0", ""))


def _delete_all(conversations: Sequence[Conversation]) -> int:
    for conversation in conversations:
        delete_conversation(conversation=conversation)
    return len(conversations)


def _clean_name(name: str) -> str:
    return " ".join(name.split())


def _save_folder(folder: Folder) -> Folder:
    """Checked and stored; a name that the person has given already is refused by the database."""
    folder.clean_fields(exclude=("id", "owner"))
    try:
        with transaction.atomic():
            folder.save()
    except IntegrityError:
        taken = _("You have a folder called “%(name)s” already.") % {"name": folder.name}
        raise ValidationError({"name": taken}) from None
    return folder
