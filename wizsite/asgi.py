"""The ASGI application: HTTP to Django, WebSockets to the consumers behind an origin check and the session."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wizsite.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - after the apps are ready
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import OriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402

from conversations.routing import websocket_urlpatterns  # noqa: E402
from wizsite.bodies import BodyGuard  # noqa: E402


class SafeOriginValidator(OriginValidator):  # type: ignore[misc]
    """An origin that is not even a URL is a foreign one."""

    def valid_origin(self, parsed_origin: object) -> bool:
        """Whether a page of this origin may connect."""
        try:
            return bool(super().valid_origin(parsed_origin))
        except ValueError:
            return False


application = ProtocolTypeRouter(
    {
        "http": BodyGuard(django_application),
        "websocket": SafeOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.ALLOWED_ORIGINS
        ),
    }
)
