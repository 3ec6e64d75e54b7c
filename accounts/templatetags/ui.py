"""Small parts that every page uses: icons, form fields, moments."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django import forms, template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.forms import BoundField
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

register = template.Library()

# Strokes on a 20 by 20 grid.
ICONS: Final = {
    "archive": "M3 4.5h14v3H3zM4.5 7.5v8h11v-8M8 10.5h4",
    "arrow-right": "M4 10h11.5M11 5.5 15.5 10 11 14.5",
    "arrow-up": "M10 16V4.5M5 9.5l5-5 5 5",
    "arrow-down": "M10 4v11.5M5 10.5l5 5 5-5",
    "check": "M4 10.5 8.2 14.5 16 6",
    "chevron": "M7.5 5l5 5-5 5",
    "chevron-down": "M5 7.5l5 5 5-5",
    "chevron-left": "M12.5 5l-5 5 5 5",
    "close": "M5 5l10 10M15 5 5 15",
    "contrast": "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6M10 3.2v13.6M12.5 4v12M15 5.5v9",
    "copy": "M7.5 7.5h8.5v8.5H7.5zM12.5 7.5V4H4v8.5h3.5",
    "eye": "M2.5 10s2.8-5 7.5-5 7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5M10 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4",
    "eye-off": "M2.5 8.5s2.8 4.5 7.5 4.5 7.5-4.5 7.5-4.5M4 15l2-2.8M10 16v-3M16 15l-2-2.8",
    "download": "M10 3.5v9M6 9l4 4 4-4M4 16.5h12",
    "folder": "M3 5h4.6l1.8 2H17v8.5H3z",
    "fork": "M6 3.1a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4M6 13.5a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4"
    "M14 4.1a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4M6 6.5v7M14 7.5c0 3.6-3.4 3.4-7 4.6",
    "hourglass": "M5.5 3.5h9M5.5 16.5h9M6.5 3.5c0 3.6 3.5 4.6 3.5 6.5s-3.5 2.9-3.5 6.5"
    "M13.5 3.5c0 3.6-3.5 4.6-3.5 6.5s3.5 2.9 3.5 6.5",
    "gear": "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
    "info": "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6M10 9.2v4M10 6.6v.1",
    "agent": "M4 15.5c.6-3 3-4.5 6-4.5s5.4 1.5 6 4.5M10 3.5a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4",
    "key": "M12.8 3.2a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l-6.5 6.5M5.5 14.5l2 2M13.5 6.5h.01",
    "link": "M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2L10 5.8"
    "M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2L10 14.2",
    "keyboard": "M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M7 11.5h6",
    "leave": "M8 3.5H4v13h4M12.5 6.5 16 10l-3.5 3.5M16 10H8",
    "menu": "M3.5 6h13M3.5 10h13M3.5 14h13",
    "moon": "M15.8 12.2A6.5 6.5 0 0 1 7.8 4.2a6.5 6.5 0 1 0 8 8",
    "more": "M4.5 10h.01M10 10h.01M15.5 10h.01",
    "pencil": "M12.8 4.2l3 3L7.5 15.5l-3.7.7.7-3.7z",
    "picture": "M3.5 4.5h13v11h-13zM3.5 13l3.6-3.6 3.4 3.4 2.4-2.4 3.6 3.6M12.8 7.4v.1",
    "pin": "M7 3.5h6M8 3.5v5L5.5 12h9L12 8.5v-5M10 12v5",
    "play": "M6.5 4.5v11l9-5.5z",
    "plug": "M7.5 3v4M12.5 3v4M5.5 7h9v3a4.5 4.5 0 0 1-9 0zM10 14.5V17",
    "plus": "M10 4v12M4 10h12",
    "printer": "M6 7.5v-4h8v4M6 13.5H3.5v-6h13v6H14M6 11.5h8v5H6z",
    "refresh": "M15.8 8A6.2 6.2 0 1 0 16 11.8M16 4v4.2h-4.2",
    "screen": "M3 4.5h14v9H3zM7.5 16.5h5M10 13.5v3",
    "search": "M9 3.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 9 3.8M13 13l3.5 3.5",
    "shield": "M10 3l6 2.2v4.3c0 3.5-2.5 6-6 7.5-3.5-1.5-6-4-6-7.5V5.2z",
    "sidebar": "M3.5 4h13v12h-13zM8 4v12",
    "slash": "M3.5 4h13v12h-13zM11.8 7l-3.6 6",
    "sliders": "M4 5.5h5M13 5.5h3M4 14.5h2M10 14.5h6"
    "M11 3.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4M8 12.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
    "speech": "M3.5 4.5h13v9H9.5L6 16.5v-3H3.5z",
    "stop": "M6 6h8v8H6z",
    "sun": "M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6M10 2.5V4M10 16v1.5M2.5 10H4M16 10h1.5"
    "M4.7 4.7l1 1M14.3 14.3l1 1M15.3 4.7l-1 1M5.7 14.3l-1 1",
    "trash": "M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.7 11h7.6l.7-11",
    "undo": "M7 4 3.5 7.5 7 11M4 7.5h7.5a4.3 4.3 0 0 1 0 8.6H8",
    "upload": "M10 12.5v-9M6 7l4-4 4 4M4 16.5h12",
    "warning": "M10 3.5 17.5 16.5h-15zM10 8.5v3.5M10 14.3v.1",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative icon as inline SVG; whatever it stands for must be said in words beside it."""
    return format_html(
        '<svg class="icon icon-{}" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        name,
        ICONS[name],
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """How long ago, with the exact time on hover; nothing for nothing."""
    if value is None:
        return mark_safe("")
    exact = formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact, naturaltime(value))


@register.filter
def dollars(price: Decimal) -> str:
    """A price with its currency: two decimals, a third where it matters, three significant ones below ten cents."""
    if not price:
        return _("free")
    places = 3 if price >= Decimal("0.1") else 2 - price.adjusted()
    rounded = round(price, places).normalize()
    exponent = rounded.as_tuple().exponent
    shown = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"${formats.number_format(rounded, shown, force_grouping=True)}"


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether the field is a single check box, whose label stands beside it."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_choices(field: BoundField) -> bool:
    """Whether the field is a group of radio buttons, which is labelled by a legend."""
    return isinstance(field.field.widget, forms.RadioSelect)


@register.filter
def initial(label: str) -> str:
    """The letter that stands for a person or an agent."""
    return label.strip()[:1].upper() or "?"
