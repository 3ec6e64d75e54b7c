"""Whether a run may begin: the limits of a person, and what can be continued."""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from conversations.models import Generation, Message

RETRY_AFTER = 5  # seconds after which a person who was refused may ask again


class TooManyRuns(Exception):
    """The person has as many answers under way as are allowed. ``retry_after`` is in seconds."""

    retry_after = RETRY_AFTER

    def __init__(self, limit: int) -> None:
        message = ngettext(
            "You have %(limit)d answer under way, as many as are allowed. Wait for it to finish or stop it.",
            "You have %(limit)d answers under way, as many as are allowed. Wait for one to finish or stop one.",
            limit,
        )
        super().__init__(message % {"limit": limit})


class NothingToContinue(Exception):
    """The answer is whole, is empty, or has been answered already."""


def admit_run(user: User) -> None:
    """Raise ``TooManyRuns`` if the person may not have another run. Call it in the transaction that queues the run.

    The person's row is locked until then: parallel sends are counted one after the other.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Generation.objects.visible_to(user).active().count() >= settings.USER_RUNS:
        raise TooManyRuns(settings.USER_RUNS)


def check_continuable(generation: Generation) -> None:
    """Raise ``NothingToContinue``, with the reason, unless the answer of a run that is over was cut off."""
    message = generation.message
    if message.children.exists():
        raise NothingToContinue(_("The conversation went on after this answer. Regenerate it instead."))
    if message.generations.latest("queued_at").pk != generation.pk:
        raise NothingToContinue(_("This answer has been continued already."))
    if not is_cut_off(generation, message):
        raise NothingToContinue(_("This answer is complete: there is nothing to continue."))


def is_cut_off(generation: Generation, message: Message) -> bool:
    """Whether a run ended before its answer did, with something to go on from."""
    match generation.status:
        case Generation.Status.INTERRUPTED:
            return True
        case Generation.Status.FAILED | Generation.Status.CANCELLED:
            return bool(message.content.strip())
        case Generation.Status.COMPLETED:
            return generation.finish_reason == "length" and bool(message.content.strip())
    return False
