"""The WebSocket addresses."""

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from conversations.consumers import ConversationConsumer


class Nowhere(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Every other address: refused at the handshake."""

    async def connect(self) -> None:
        """Refuse."""
        await self.close()


websocket_urlpatterns = [
    path("ws/conversations/<uuid:conversation_id>/", ConversationConsumer.as_asgi()),
    re_path("", Nowhere.as_asgi()),
]
