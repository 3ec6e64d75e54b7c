"""The mark beside an agent's name."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.templatetags.ui import initial
from agents.marks import COLOURS, PATHS

register = template.Library()


@register.simple_tag
def mark(icon: str, colour: str, name: str) -> SafeString:
    """The icon, or the name's first letter, in the colour; decorative, the name stands beside it."""
    return format_html('<span class="agent-mark {}" aria-hidden="true">{}</span>', tint(colour), drawn(icon, name))


@register.filter
def tint(colour: str) -> str:
    """The class of the colour; none for the usual one."""
    return f"tint-{colour}" if colour and colour in COLOURS else ""


@register.simple_tag
def drawn(icon: str, name: str = "") -> SafeString | str:
    """The icon alone as inline SVG; without one the name's first letter."""
    if icon not in PATHS:
        return initial(name) if name else ""
    return format_html(
        '<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="{}"/></svg>', PATHS[icon]
    )
