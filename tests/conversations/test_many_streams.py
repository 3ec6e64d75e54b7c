"""Two hundred answers at once in one process: all complete, every character right."""

import threading
from itertools import islice

import pytest
from django.db import connection
from pytest_django import Settings

from conversations.execution import execute_generation
from conversations.flusher import LONGEST_WINDOW, SHORTEST_WINDOW, window_after
from conversations.models import Generation, Message
from providers.practice.replies import story
from tests.conversations.conftest import read
from tests.conversations.test_engine import Say

STREAMS = 200
PATIENCE = 300  # seconds


@pytest.mark.timeout(400)
def test_two_hundred_streams_complete_with_exact_text(
    say: Say, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.USER_RUNS = STREAMS
    # No worker has as many threads, and they all claim in one moment: each may wait for its turn.
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", PATIENCE)
    else:
        monkeypatch.setattr(connection.pool, "timeout", PATIENCE)  # type: ignore[attr-defined]
    wanted = {say(f"tokens={tokens}", model="practice").generation.pk: tokens for tokens in range(20, 20 + STREAMS)}

    def run(pk: object) -> None:
        try:
            execute_generation(pk)  # type: ignore[arg-type]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[pk]) for pk in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert set(Generation.objects.values_list("status", flat=True)) == {"completed"}
    texts = dict(Message.objects.filter(role="assistant").values_list("generations", "content"))
    assert texts == {pk: "".join(islice(story(), tokens)) for pk, tokens in wanted.items()}
    for generation in Generation.objects.all()[:20]:
        assert read(generation).text == texts[generation.pk]


def test_the_busier_the_process_the_longer_deltas_are_merged() -> None:
    windows = [window_after(seconds) for seconds in (0.0, 0.005, 0.02, 0.1, 10.0)]
    assert windows == sorted(windows)
    assert (windows[0], windows[-1]) == (SHORTEST_WINDOW, LONGEST_WINDOW)
