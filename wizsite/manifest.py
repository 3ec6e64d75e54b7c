"""What a phone needs to know to keep Wiz among its applications.

There is no service worker: browsers install without one, and nothing private is to stay in a cache.
"""

from typing import Final

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

PAPER: Final = "#fdfdfe"  # --surface of static/css/tokens.css
SIZES: Final = (192, 512)


@require_safe
@cache_control(public=True, max_age=3600)
def manifest(_request: HttpRequest) -> JsonResponse:
    """The web application manifest, which browsers fetch without cookies."""
    new = reverse("conversations:new")
    document = {
        "id": "/",
        "name": "Wiz",
        "short_name": "Wiz",
        "description": _("Conversations with language models, on your own server."),
        "start_url": new,
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": [_icon(f"icon-{size}", size) for size in SIZES] + [_icon("icon-maskable-512", 512, "maskable")],
        "shortcuts": [
            {"name": _("New conversation"), "url": new},
            {"name": _("Temporary conversation"), "url": f"{new}?temporary=on"},
            {"name": _("Agents"), "url": reverse("agents:list")},
        ],
    }
    return JsonResponse(document, content_type="application/manifest+json")


def _icon(name: str, size: int, purpose: str = "any") -> dict[str, str]:
    return {"src": static(f"img/{name}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
