"""Workers serve people in turn: in a running Wiz with a single slot."""

from typing import Any

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, StartStack
from tests.talking import Caller

OTHER = "other@example.org"
CREATE = f"from accounts.models import User; User.objects.create_user({OTHER!r}, 'correct horse battery staple')"


def start_of(caller: Caller, sent: dict[str, Any]) -> str:
    """When a worker took it."""
    _, end = caller.read(sent)
    assert end["status"] == "completed", end
    return str(caller.get(f"generations/{sent['generation']['id']}/")["timings"]["started_at"])


def start_with_one_slot(start_stack: StartStack) -> Stack:
    arguments = ("--workers", "1", "--concurrency", "1")
    stack = start_stack(*arguments, WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD)
    assert stack.manage("shell", "-c", CREATE).returncode == 0
    return stack


def test_one_question_does_not_wait_behind_six_of_somebody_else(start_stack: StartStack) -> None:
    stack = start_with_one_slot(start_stack)
    with Caller.of(stack, ADMIN_EMAIL) as many, Caller.of(stack, OTHER) as one:
        guide = many.agent_id("Guide")
        questions = [many.say(guide, f"tokens={300 if number == 0 else 30}") for number in range(6)]
        mine = one.say(guide, "tokens=30")
        place = one.get(f"generations/{mine['generation']['id']}/")["queue_position"]
        assert place in {0, 1}
        started = start_of(one, mine)
        earlier = [sent for sent in questions if start_of(many, sent) < started]
    assert len(earlier) <= 1
