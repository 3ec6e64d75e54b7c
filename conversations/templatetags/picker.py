"""What the list of models and the parameters need beyond their own context."""

from typing import Final

from django import template
from django.forms import BoundField
from django.utils.formats import number_format
from django.utils.safestring import SafeString

register = template.Library()

UNITS: Final = ((1_000_000, "M"), (1_000, "k"))


@register.filter
def short_count(count: int) -> str:
    """``128000`` as ``128k``, ``1048576`` as ``1.05M``: three significant digits at most."""
    for size, unit in UNITS:
        if count >= size:
            rounded = float(f"{count / size:.3g}")
            places = len(f"{rounded:g}".partition(".")[2])
            return f"{number_format(rounded, decimal_pos=places)}{unit}"
    return str(count)


@register.filter
def in_composer(field: BoundField) -> SafeString:
    """The field as a part of the composer, wherever it stands on the page."""
    return field.as_widget(attrs={"form": "composer"})
