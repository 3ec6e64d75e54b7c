"""What pages say about budgets."""

from django import template

from accounts.models import User
from providers.budgets.standing import Line, lines_of
from providers.budgets.words import name_of, notice_of, used_words

register = template.Library()


@register.simple_tag
def budget_notice(user: User) -> str:
    """A sentence about the limit that is nearest to its end, once four fifths of it are used; else nothing."""
    near = [line for line in lines_of(user) if line.level]
    return notice_of(max(near, key=lambda line: line.share)) if near else ""


@register.filter
def budget_name(line: Line) -> str:
    """Whose limit it is, and of what."""
    return name_of(line)


@register.filter
def budget_amounts(line: Line) -> str:
    """Used, of how much."""
    return used_words(line)


@register.filter
def budget_percent(line: Line) -> int:
    """Whole per cents, 100 at most."""
    return min(100, int(line.share * 100))
