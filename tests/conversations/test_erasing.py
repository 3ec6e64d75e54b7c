"""What is deleted for good is gone from the event log, too."""

from collections.abc import Callable

from conversations.log import log_key
from conversations.models import Conversation
from conversations.queueing import Sent
from conversations.services import delete_conversation
from providers import valkey
from tests.conversations.conftest import run_to_end


def test_deleting_for_good_takes_the_log_along(say: Callable[..., Sent]) -> None:
    sent = say("echo: between us")
    run_to_end(sent.generation)
    assert valkey.client().exists(log_key(sent.generation.pk))
    delete_conversation(conversation=Conversation.objects.get(pk=sent.message.conversation_id))
    assert not valkey.client().exists(log_key(sent.generation.pk))
