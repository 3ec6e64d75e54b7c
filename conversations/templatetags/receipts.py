"""A run's receipt in words. Receipts of old runs are empty, so nothing in them is taken for granted."""

from decimal import Decimal
from typing import Any, Final, NamedTuple

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agents.differences import LABELS
from agents.parameters import EFFORT_NAMES
from conversations.models import Generation
from conversations.receipt import AttemptRecord
from conversations.settlement import INTERRUPTED
from providers import notices
from providers.sentences import in_readers_language, sentence_of

register = template.Library()

DIGITS: Final = 3  # significant digits of an amount of money
TIMINGS: Final = (
    ("queued", gettext_lazy("Queued")),
    ("first_token", gettext_lazy("First words after")),
    ("total", gettext_lazy("Finished after")),
)


class Timing(NamedTuple):
    """A stretch of time and what it was."""

    label: str
    value: str


@register.filter
def timings(run: Generation) -> list[Timing]:
    """How long it took: until a worker took it, until the first words, until the end."""
    told = run.receipt.get("timings") or _from_columns(run)
    return [Timing(str(label), _duration(told[name])) for name, label in TIMINGS if told.get(name) is not None]


@register.filter
def left_out(run: Generation) -> int:
    """How many earlier messages were not sent to the model."""
    return sum((run.receipt.get("left_out") or {}).values())


@register.filter
def notes(run: Generation | None) -> list[str]:
    """What a reader should know of a finished answer: that another model wrote it, that the model saw less.

    Messages that are left out of every long conversation are not mentioned, only those for which there was no room.
    """
    if run is None:
        return []
    found = []
    hops = run.receipt.get("hops") or []
    if hops and run.status != Generation.Status.FAILED:
        reason = in_readers_language(hops[-1].get("message", ""))
        names = {"reason": reason, "model": run.model, "provider": run.provider_name}
        found.append(_("%(reason)s %(model)s at %(provider)s answered instead.") % names)
    if (run.receipt.get("left_out") or {}).get("by_context"):
        found.append(_("Earlier messages were left out: the model's context holds no more."))
    if left := run.receipt.get("pictures_left_out"):
        if run.receipt.get("pictures_sent"):
            text = ngettext("%(count)d older picture was left out.", "%(count)d older pictures were left out.", left)
        else:
            text = ngettext(
                "%(count)d picture was left out: %(model)s takes none.",
                "%(count)d pictures were left out: %(model)s takes none.",
                left,
            )
        found.append(text % {"count": left, "model": run.model})
    return found


@register.filter
def parameter_name(name: str) -> str:
    """``max_tokens`` as the forms call it."""
    return str(LABELS.get(name, name.replace("_", " ")))


@register.filter
def parameter_value(value: float | str) -> float | str:
    """A number as it is, a reasoning effort in words."""
    return str(EFFORT_NAMES.get(value, value)) if isinstance(value, str) else value


@register.filter
def reason(attempt: AttemptRecord) -> str:
    """Why an attempt ended, in a sentence."""
    if attempt["code"] == INTERRUPTED:
        return _(notices.INTERRUPTED)
    said = sentence_of(attempt["code"], provider=attempt["provider"], model=attempt["model"])
    return said or attempt["code"].replace("_", " ")


@register.filter
def money(amount: str | None) -> str:
    """US dollars with at most three significant digits."""
    if amount is None:
        return _("unknown")
    value = Decimal(amount)
    if not value:
        return "$0"
    places = max(2, DIGITS - 1 - value.adjusted())
    return "$" + number_format(value, decimal_pos=places, force_grouping=True)


def _from_columns(run: Generation) -> dict[str, Any]:
    moments = {"queued": run.started_at, "first_token": run.first_token_at, "total": run.finished_at}
    return {name: (time - run.queued_at).total_seconds() * 1000 for name, time in moments.items() if time}


def _duration(milliseconds: float) -> str:
    if milliseconds < 995:
        return _("%s ms") % max(0, round(milliseconds))
    seconds = milliseconds / 1000
    if seconds < 60:
        return _("%s s") % number_format(seconds, decimal_pos=1)
    return _("%(minutes)d min %(seconds)d s") % {"minutes": seconds // 60, "seconds": seconds % 60}
