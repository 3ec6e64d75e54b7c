"""The ASGI application: HTTP to Django, WebSockets to the consumers behind an origin check and the session."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wizsite.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - after the apps are ready
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import OriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402

from agents.gateway.application import PREFIX, gateway  # noqa: E402
from conversations.routing import websocket_urlpatterns  # noqa: E402
from providers import bookings  # noqa: E402
from wizsite.bodies import App, BodyGuard, Receive, Scope, Send  # noqa: E402


class SafeOriginValidator(OriginValidator):  # type: ignore[misc]
    """An origin that is not even a URL is a foreign one."""

    def valid_origin(self, parsed_origin: object) -> bool:
        """Whether a page of this origin may connect."""
        try:
            return bool(super().valid_origin(parsed_origin))
        except ValueError:
            return False


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    """The gateway for its clients, Django for everybody else."""
    door: App = gateway if scope["path"].startswith(PREFIX) else django_application
    await door(scope, receive, send)


async def lifespan(_scope: Scope, receive: Receive, send: Send) -> None:
    """Before the process ends, what was used is written down."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await bookings.drain()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = ProtocolTypeRouter(
    {
        "http": BodyGuard(http),
        "lifespan": lifespan,
        "websocket": SafeOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.ALLOWED_ORIGINS
        ),
    }
)
