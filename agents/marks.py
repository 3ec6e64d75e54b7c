"""What stands beside an agent's name: one of our own line icons, or the first letter, in one of a few colours."""

from typing import Final

from django.utils.translation import gettext_lazy as _

# Strokes on a 20 by 20 grid, as those of accounts/templatetags/ui.py.
PATHS: Final = {
    "chat": "M3.5 4.5h13v9H9l-3.5 3v-3h-2z",
    "pen": "M12.8 4.2l3 3L7.5 15.5l-3.7.7.7-3.7z",
    "book": "M10 5.5C8.5 4.6 6.5 4.3 3.5 4.5v10.8c3-.2 5 .1 6.5 1 1.5-.9 3.5-1.2 6.5-1V4.5"
    "c-3-.2-5 .1-6.5 1zM10 5.5v10.8",
    "code": "M7 6.5 3.5 10 7 13.5M13 6.5l3.5 3.5-3.5 3.5M11.2 5l-2.4 10",
    "chart": "M3.5 16.5h13M6 13.5v-4M10 13.5v-8M14 13.5v-6",
    "bulb": "M7.5 13c0-1.6-2.2-2.6-2.2-5.2a4.7 4.7 0 0 1 9.4 0c0 2.6-2.2 3.6-2.2 5.2zM8 15.3h4M8.8 17.3h2.4",
    "globe": "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6M3.4 10h13.2"
    "M10 3.2c2.2 2 3 4.3 3 6.8s-.8 4.8-3 6.8c-2.2-2-3-4.3-3-6.8s.8-4.8 3-6.8",
    "compass": "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6M12.8 7.2l-1.6 4-4 1.6 1.6-4z",
    "flask": "M8 3.5h4M8.6 3.5v4.2L4.5 15a1 1 0 0 0 .9 1.5h9.2a1 1 0 0 0 .9-1.5l-4.1-7.3V3.5M6.4 12h7.2",
    "scales": "M10 3.5v13M6.5 16.5h7M4 6h12M4.2 6l-2 5a2.3 2.3 0 0 0 4 0zM15.8 6l-2 5a2.3 2.3 0 0 0 4 0z",
    "briefcase": "M3.5 6.5h13V16h-13zM7.5 6.5V4h5v2.5M3.5 10.5h13",
    "heart": "M10 16.3 4.2 10.5a3.6 3.6 0 0 1 5.1-5.1l.7.7.7-.7a3.6 3.6 0 0 1 5.1 5.1z",
    "star": "M10 3.2l2.1 4.4 4.8.6-3.5 3.3.9 4.8-4.3-2.4-4.3 2.4.9-4.8L3.1 8.2l4.8-.6z",
    "leaf": "M5.6 14.4C3 8.5 7.5 4.5 16 4.2c.6 8.4-3.6 13-9.4 10.9M4 16.8c1.6-3.9 4-6.4 7.4-8.3",
    "music": "M7.5 14.5V5l8-1.5V13M7.5 14.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0M15.5 13a2 2 0 1 1-4 0 2 2 0 0 1 4 0",
}
ICONS: Final = {
    "": _("First letter"),
    "chat": _("Speech bubble"),
    "pen": _("Pen"),
    "book": _("Book"),
    "code": _("Code"),
    "chart": _("Chart"),
    "bulb": _("Light bulb"),
    "globe": _("Globe"),
    "compass": _("Compass"),
    "flask": _("Flask"),
    "scales": _("Scales"),
    "briefcase": _("Briefcase"),
    "heart": _("Heart"),
    "star": _("Star"),
    "leaf": _("Leaf"),
    "music": _("Music"),
}
COLOURS: Final = {
    "": _("Indigo"),
    "blue": _("Blue"),
    "teal": _("Teal"),
    "green": _("Green"),
    "amber": _("Amber"),
    "red": _("Red"),
    "pink": _("Pink"),
    "grey": _("Grey"),
}
