"""What people are told about budgets."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from providers.budgets.standing import TOKENS, Line
from providers.models import Budget

Kind = Budget.Kind
USED_UP: Final = {
    (Kind.PERSON, True): gettext_lazy("You have used your %(limit)s for today."),
    (Kind.PERSON, False): gettext_lazy("You have used your %(limit)s for this month."),
    (Kind.GROUP, True): gettext_lazy("The group %(group)s has used its %(limit)s for today."),
    (Kind.GROUP, False): gettext_lazy("The group %(group)s has used its %(limit)s for this month."),
    (Kind.SERVER, True): gettext_lazy("This server has used its tokens for today."),
    (Kind.SERVER, False): gettext_lazy("This server has used its budget for this month."),
}
NEARLY: Final = {
    (Kind.PERSON, True): gettext_lazy("%(percent)s of your %(limit)s for today are used."),
    (Kind.PERSON, False): gettext_lazy("%(percent)s of your %(limit)s for this month are used."),
    (Kind.GROUP, True): gettext_lazy("%(percent)s of the %(limit)s that the group %(group)s has today are used."),
    (Kind.GROUP, False): gettext_lazy("%(percent)s of the %(limit)s that the group %(group)s has this month are used."),
    (Kind.SERVER, True): gettext_lazy("%(percent)s of the tokens that this server has today are used."),
    (Kind.SERVER, False): gettext_lazy("%(percent)s of the budget that this server has this month are used."),
}
ANEW: Final = {  # by whether tokens are counted
    True: gettext_lazy("It begins anew at midnight UTC."),
    False: gettext_lazy("It begins anew on %(day)s."),
}
ADVICE: Final = {  # by whether people's own keys count
    True: gettext_lazy("An administrator can allow more."),
    False: gettext_lazy("An administrator can allow more, and providers of your own go on."),
}
NAMES: Final = {
    (Kind.PERSON, True): gettext_lazy("Your tokens today"),
    (Kind.PERSON, False): gettext_lazy("Your cost this month"),
    (Kind.GROUP, True): gettext_lazy("Tokens of the group %(group)s today"),
    (Kind.GROUP, False): gettext_lazy("Cost of the group %(group)s this month"),
    (Kind.SERVER, True): gettext_lazy("Tokens of the whole server today"),
    (Kind.SERVER, False): gettext_lazy("Cost of the whole server this month"),
}


def refusal_of(line: Line) -> tuple[str, str]:
    """What is used up, and what to do."""
    day = formats.date_format(line.until, "DATE_FORMAT")
    anew = str(ANEW[line.measure == TOKENS]) % {"day": day}
    return _filled(USED_UP, line), f"{anew} {ADVICE[line.budget.counts_own_keys]}"


def notice_of(line: Line) -> str:
    """A sentence about a limit that is nearly or wholly used."""
    return _filled(USED_UP if line.level == "exceeded" else NEARLY, line)


def name_of(line: Line) -> str:
    """Whose limit it is, and of what."""
    return _filled(NAMES, line)


def used_words(line: Line) -> str:
    """How much of the limit is used."""
    used = formats.number_format(int(line.used), force_grouping=True) if line.measure == TOKENS else _dollars(line.used)
    return _("%(used)s of %(limit)s") % {"used": used, "limit": limit_words(line)}


def limit_words(line: Line) -> str:
    """The limit with its unit."""
    if line.measure == TOKENS:
        count = int(line.limit)
        words = ngettext("%(count)s token", "%(count)s tokens", count)
        return words % {"count": formats.number_format(count, force_grouping=True)}
    return _dollars(line.limit)


def _dollars(amount: Decimal) -> str:
    return f"${formats.number_format(amount, 2, force_grouping=True)}"


def _filled(sentences: Mapping[tuple[Kind, bool], Promise], line: Line) -> str:
    kind = Kind.PERSON if line.budget.kind == Kind.EACH else Kind(line.budget.kind)
    group = line.budget.group.name if line.budget.group else ""
    figures = {"limit": limit_words(line), "group": group, "percent": f"{int(line.share * 100)} %"}
    return str(sentences[kind, line.measure == TOKENS]) % figures
