"""Share links: making, ending, opening."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.models import Conversation, Share

MOST = 50  # links of one conversation


def allowed_audiences() -> list[Share.Audience]:
    """Who links may be meant for here; nobody where the operator has switched sharing off."""
    return {
        "public": [Share.Audience.MEMBERS, Share.Audience.LINK],
        "members": [Share.Audience.MEMBERS],
        "off": [],
    }[settings.SHARE_LINKS]


def share_conversation(
    *, conversation: Conversation, audience: str = Share.Audience.MEMBERS, expires_at: datetime | None = None
) -> Share:
    """A link to the branch that is shown now.

    Raises ``ValidationError`` (``audience``, ``expires_at``, ``conversation``).
    """
    if audience not in allowed_audiences():
        raise ValidationError({"audience": _("Links of this kind are switched off here.")})
    if expires_at is not None and expires_at < timezone.now() + timedelta(minutes=1):
        raise ValidationError({"expires_at": _("Choose a time in the future.")})
    if conversation.is_temporary or conversation.head is None:
        raise ValidationError({"conversation": _("There is nothing here that could be shared.")})
    if conversation.shares.count() >= MOST:
        raise ValidationError({"conversation": _("There are too many links already. End some first.")})
    return Share.objects.create(
        conversation=conversation, head=conversation.head, audience=audience, expires_at=expires_at
    )


def end_share(*, share: Share) -> None:
    """Make a link lead nowhere, at once and for ever."""
    share.delete()


def find_share(token: str, user: User | None) -> Share | None:
    """What a link leads to for this reader, ``None`` for nobody who is logged in; ``None`` when it leads nowhere."""
    if "\0" in token:
        return None
    audiences = set(allowed_audiences()) - (set() if user else {Share.Audience.MEMBERS})
    rows = Share.objects.open().filter(token=token, audience__in=audiences)
    return rows.select_related("conversation", "head").first()
