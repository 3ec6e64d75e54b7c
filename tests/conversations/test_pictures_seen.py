"""What models get to see of the pictures in a conversation."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from PIL import Image

from accounts.models import User
from agents.models import Agent
from conversations import sight
from conversations.attachments import upload_picture
from conversations.history import read_history
from conversations.models import Generation, Message
from conversations.queueing import Sent
from conversations.services import send_message
from providers.ledger import IMAGE_TOKENS
from providers.models import Provider, ProviderModel
from tests.conversations.conftest import Calls, read, run_to_end
from tests.factories import make_provider, png

Show = Callable[..., Sent]


@pytest.fixture(autouse=True)
def uploads(settings: LazySettings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def show(person: User, say: Callable[[str], Sent]) -> Show:
    """Send pictures of these sizes in a conversation with one message before; nothing runs yet."""

    def send(content: str, *sizes: tuple[int, int], after: Sent | None = None) -> Sent:
        before = after or say("Hello")
        Message.objects.filter(pk=before.reply.pk, content="").update(content="Hi")
        Generation.objects.update(status="completed")
        kept = [upload_picture(user=person, content=png(size)).pk for size in sizes]
        conversation = before.message.conversation
        return send_message(user=person, conversation=conversation, content=content, attachments=kept)

    return send


@pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
def test_the_provider_receives_the_very_pictures(show: Show, calls: Calls, agent: Agent, kind: str) -> None:
    assert agent.provider is not None
    url = agent.provider.base_url.removesuffix("/v1") if kind == "anthropic" else agent.provider.base_url
    agent.provider = make_provider(agent.owner, name="Another", kind=kind, base_url=url, api_key="a-key-of-mine")
    agent.save()
    sent = show("echo: what is this?", (80, 60), (30, 20))
    generation = run_to_end(sent.generation)
    assert generation.status == "completed", generation.error
    sent.reply.refresh_from_db()
    assert sent.reply.content == "what is this?\n\nPictures I was shown: 2 (PNG 80 by 60, PNG 30 by 20)."
    parts = calls.bodies()[-1]["messages"][-1]["content"]
    encoded = str(parts[0]).partition("base64,")[2] or str(parts[0]["source"]["data"])  # type: ignore[index]
    with Image.open(io.BytesIO(base64.b64decode(encoded.split("'")[0]))) as arrived:
        assert arrived.size == (80, 60)
    assert generation.receipt["pictures_sent"] == 2
    assert generation.usage is not None
    assert generation.usage["input_tokens"] > 2 * IMAGE_TOKENS


def test_a_later_question_still_shows_the_pictures_of_the_earlier_one(show: Show, say: Show, calls: Calls) -> None:
    first = show("look", (80, 60))
    run_to_end(first.generation)
    second = show("and now?", after=first)
    run_to_end(second.generation)
    contents = [message["content"] for message in calls.bodies()[-1]["messages"]]
    assert [isinstance(content, list) for content in contents] == [False, False, True, False, False]


def test_a_model_that_sees_nothing_answers_the_words_and_says_so(
    show: Show, calls: Calls, agent: Agent, provider: Provider
) -> None:
    ProviderModel.objects.create(provider=provider, model_id=agent.model, capabilities={"vision": False})
    generation = run_to_end(show("echo: what is this?", (80, 60)).generation)
    assert generation.status == "completed", generation.error
    content = calls.bodies()[-1]["messages"][-1]["content"]
    assert content == "[Picture 1, 80 by 60 pixels, is not shown to you.]\necho: what is this?"
    assert read(generation).notices == ["1 picture was left out: practice-fast takes none."]
    assert (generation.receipt["pictures_sent"], generation.receipt["pictures_left_out"]) == (0, 1)


def test_a_picture_alone_reaches_a_model_that_sees_nothing_as_words(
    show: Show, calls: Calls, agent: Agent, provider: Provider
) -> None:
    ProviderModel.objects.create(provider=provider, model_id=agent.model, capabilities={"vision": False})
    assert run_to_end(show("", (80, 60)).generation).status == "completed"
    assert calls.bodies()[-1]["messages"][-1]["content"] == "[Picture 1, 80 by 60 pixels, is not shown to you.]"


def test_only_the_newest_pictures_fit(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "IMAGE_LIMIT", 2)
    first = show("first", (10, 10), (11, 11))
    second = show("second", (12, 12), after=first)
    history = read_history(second.reply)
    assert history.pictures == (2, 1)
    assert isinstance(history.messages[-1].content, tuple)
    assert "is not shown" in str(history.messages[-3].content)


def test_pictures_take_their_room_in_the_models_window(show: Show) -> None:
    sent = show("look", (10, 10), (11, 11), after=show("before", (9, 9)))
    everything = read_history(sent.reply, room=4 * IMAGE_TOKENS)
    tight = read_history(sent.reply, room=2 * IMAGE_TOKENS + 100)
    assert (everything.pictures.sent, tight.pictures.sent) == (3, 2)
    assert tight.left_out["by_context"] == len(everything.messages) - 1


def test_a_file_that_is_gone_fails_no_answer(show: Show, uploads: Path) -> None:
    sent = show("echo: still here", (10, 10))
    for path in uploads.rglob("*.png"):
        path.unlink()
    assert run_to_end(sent.generation).status == "completed"
