"""A socket asks for the second factor that the pages ask for."""

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from asgiref.testing import ApplicationCommunicator

from accounts.models import User
from conversations.consumers import CLOSE_REFUSED, ConversationConsumer
from conversations.models import Conversation
from providers import engine
from tests.factories import make_staff, make_user

pytestmark = pytest.mark.django_db(transaction=True)


async def opening(user: User, conversation: Conversation) -> dict[str, Any]:
    """What the server answers to somebody who knocks."""
    scope = {"type": "websocket", "user": user, "url_route": {"kwargs": {"conversation_id": conversation.pk}}}
    communicator: Any = ApplicationCommunicator(ConversationConsumer.as_asgi(), scope)  # type: ignore[no-untyped-call]
    await communicator.send_input({"type": "websocket.connect"})
    answer: dict[str, Any] = await communicator.receive_output(30)
    await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
    await communicator.wait(30)
    return answer


@pytest.mark.parametrize(("who", "setting", "is_open"), [
    ("staff", "off", True), ("staff", "staff", False), ("staff", "all", False),
    ("person", "staff", True), ("person", "all", False),
])  # fmt: skip
def test_who_owes_a_second_factor_follows_nothing(settings: Any, who: str, setting: str, is_open: bool) -> None:
    settings.REQUIRE_MFA = setting
    user = make_staff() if who == "staff" else make_user()
    conversation = Conversation.objects.create(owner=user)
    answer = engine.run(opening(user, conversation), 60)
    assert answer["type"] == ("websocket.accept" if is_open else "websocket.close")
    if not is_open:
        assert answer["code"] == CLOSE_REFUSED
        TOTP.activate(user, "JBSWY3DPEHPK3PXP")
        assert engine.run(opening(user, conversation), 60)["type"] == "websocket.accept"
