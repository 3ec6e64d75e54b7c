"""Titles by a model, in a running Wiz: the background queue is consumed."""

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, StartStack, wait_for
from tests.talking import Caller


def test_a_conversation_gets_a_title_from_the_named_model(start_stack: StartStack) -> None:
    stack = start_stack(
        WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD, WIZ_TITLE_MODEL="practice/practice-fast"
    )
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        sent = caller.say(caller.agent_id("Guide"), "echo: a lighthouse")
        address = f"conversations/{sent['conversation']}/"
        assert caller.get(address)["title"] == "echo: a lighthouse"
        assert caller.read(sent)[1]["status"] == "completed"
        wait_for(lambda: caller.get(address)["title"] == "You wrote:", 30, "the model's title")
        booked = caller.get("usage/", group_by="agent")
        assert "Title" in str(booked)
