"""Pictures in conversations: what is taken, what is kept of it, who sees it, and when it goes."""

import io
import json
import os
import struct
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations import shelf
from conversations.attachments import purge_abandoned, upload_picture
from conversations.branching import fork_conversation
from conversations.models import Attachment, Conversation, Generation, Message
from conversations.services import delete_conversation, edit_message, send_message, start_conversation
from conversations.sharing import share_conversation
from tests.factories import make_answer, make_user, png

pytestmark = pytest.mark.django_db(transaction=True)

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BROKEN, LARGE = (422, "not_a_picture"), (413, "too_large")
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture(autouse=True)
def uploads(settings: LazySettings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)


@pytest.fixture
def conversation(person: User, agent: Agent) -> Conversation:
    return start_conversation(user=person, agent=agent)


@pytest.fixture
def api(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def photo() -> bytes:
    """A JPEG on its side, with the place where it was taken, a comment, and something behind its end."""
    image = Image.new("RGB", (60, 40), "navy")
    exif = image.getexif()
    exif[0x0112] = 6  # turn to the right
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010E] = "SECRET PLACE"
    return saved(image, "JPEG", exif=exif, comment=b"SECRET COMMENT") + b"<script>SECRET PAYLOAD</script>"


def huge_png(width: int = 100_000, height: int = 100_000) -> bytes:
    """A few bytes that claim to be a picture of ten thousand million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def moving() -> bytes:
    frames = [Image.new("RGB", (30, 20), color) for color in ("red", "blue")]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def upload(api: Any, content: bytes, name: str = "picture.png", **fields: object) -> Any:
    file = io.BytesIO(content)
    file.name = name
    return api.post("/api/v1/attachments/", {"file": file, **fields}, format="multipart")


def stored(uploads: Path) -> list[Path]:
    return [path for path in uploads.rglob("*") if path.is_file()]


def test_an_upload_is_made_anew_upright_and_without_anything_hidden(api: APIClient, uploads: Path) -> None:
    answer = upload(api, photo(), "../../IMG [1].JPG")
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["media_type"], told["width"], told["height"]) == ("image/jpeg", 40, 60)
    assert told["name"] == "IMG 1.jpg"
    (path,) = stored(uploads)
    content = path.read_bytes()
    assert b"SECRET" not in content
    with Image.open(path) as kept:
        assert not kept.getexif()
    assert told["size"] == len(content)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "IMG" not in path.name
    assert len(path.stem) == 40


def test_a_picture_is_scaled_down_and_never_up(api: APIClient) -> None:
    large = upload(api, saved(Image.new("RGB", (4000, 1000)), "PNG")).json()
    assert (large["width"], large["height"]) == (2048, 512)
    small = upload(api, png((3, 2))).json()
    assert (small["width"], small["height"]) == (3, 2)


@pytest.mark.parametrize(
    ("content", "kind", "size"),
    [
        (moving(), "image/png", (30, 20)),
        (saved(Image.new("CMYK", (20, 10)), "JPEG"), "image/jpeg", (20, 10)),
        (saved(Image.new("P", (20, 10)), "PNG", transparency=0), "image/png", (20, 10)),
        (saved(Image.new("RGB", (20, 10)), "WEBP"), "image/jpeg", (20, 10)),
        (saved(Image.new("RGBA", (20, 10), (0, 0, 0, 9)), "WEBP", lossless=True), "image/png", (20, 10)),
        (saved(Image.new("I;16", (20, 10), 40_000), "PNG"), "image/png", (20, 10)),
        (saved(Image.new("1", (20, 10), 1), "PNG"), "image/png", (20, 10)),
    ],
    ids=["animated GIF", "CMYK JPEG", "palette with transparency", "WebP", "clear WebP", "16 bits", "1 bit"],
)
def test_every_kind_of_picture_becomes_one_that_all_models_read(
    api: APIClient, content: bytes, kind: str, size: tuple[int, int]
) -> None:
    told = upload(api, content).json()
    assert (told["media_type"], (told["width"], told["height"])) == (kind, size)
    shown = Image.open(io.BytesIO(api.get(told["url"]).content))
    assert shown.mode in {"L", "RGB", "RGBA"}
    assert getattr(shown, "n_frames", 1) == 1


def test_a_16_bit_picture_keeps_its_greys(api: APIClient) -> None:
    told = upload(api, saved(Image.new("I;16", (8, 8), 40_000), "PNG")).json()
    assert Image.open(io.BytesIO(api.get(told["url"]).content)).getpixel((4, 4)) == 40_000 // 256


@pytest.mark.parametrize(
    ("content", "name", "verdict"),
    [
        (b"", "empty.png", BROKEN),
        (SVG, "drawing.svg", BROKEN),
        (HTML, "page.png", BROKEN),
        (b"GIF89a<script>alert(1)</script>", "both.gif", BROKEN),
        (png()[:60], "half.png", BROKEN),
        (photo()[:200], "half.jpg", BROKEN),
        (saved(Image.new("RGB", (9, 9)), "BMP"), "old.png", BROKEN),
        (huge_png(), "bomb.png", LARGE),
        (huge_png(9_000, 9_000), "smaller-bomb.png", LARGE),
        (b"\x89PNG\r\n\x1a\n" + b"x" * (10 * 2**20), "fat.png", LARGE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_harmless_picture_is_refused_in_words(
    api: APIClient, uploads: Path, content: bytes, name: str, verdict: tuple[int, str]
) -> None:
    answer = upload(api, content, name)
    assert (answer.status_code, answer.json()["error"]["code"]) == verdict
    assert answer.json()["error"]["message"].endswith(".")
    assert stored(uploads) == []
    assert not Attachment.objects.exists()


def test_a_picture_that_is_also_a_page_stays_a_picture_only(api: APIClient) -> None:
    told = upload(api, png() + HTML).json()
    answer = api.get(told["url"])
    assert b"script" not in answer.content
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, max-age=86400, immutable"
    assert api.get(told["url"], HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
    assert api.get(f"/c/attachments/{told['id']}/").content == answer.content


def test_an_upload_needs_a_file_and_knows_its_fields(api: APIClient) -> None:
    assert api.post("/api/v1/attachments/", {}, format="multipart").status_code == 400
    assert list(upload(api, png(), owner="me").json()["error"]["detail"]) == ["owner"]
    stranger = start_conversation(user=make_user("eve@example.org"), agent=None)
    assert list(upload(api, png(), conversation=stranger.pk).json()["error"]["detail"]) == ["conversation"]


def test_nobody_keeps_more_than_the_quota(api: APIClient, settings: LazySettings) -> None:
    settings.UPLOAD_QUOTA = len(png()) + 20
    assert upload(api, png()).status_code == 201
    answer = upload(api, png())
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "upload_quota_reached")


def test_others_see_nothing_of_a_picture(api: APIClient, client: Client, conversation: Conversation) -> None:
    told = upload(api, png()).json()
    eve = make_user("eve@example.org")
    client.force_login(eve)
    for path in (told["url"], f"/api/v1/attachments/{told['id']}/", f"/c/attachments/{told['id']}/"):
        assert client.get(path).status_code == 404
    assert client.delete(f"/api/v1/attachments/{told['id']}/").status_code == 404
    mine = start_conversation(user=eve, agent=None)
    Agent.objects.update(visibility="everyone")
    body = {"content": "look", "attachments": [told["id"]], "agent": str(conversation.agent_id)}
    answer = client.post(f"/api/v1/conversations/{mine.pk}/messages/", body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert Attachment.objects.get().message is None


def test_pictures_are_sent_in_order_alone_or_with_words_and_once_per_key(
    api: APIClient, conversation: Conversation
) -> None:
    first, second, third = (upload(api, png((size, 5))).json()["id"] for size in (10, 20, 30))
    path = f"/api/v1/conversations/{conversation.pk}/messages/"
    key: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "once"}
    sent = api.post(path, {"attachments": [second, first]}, **key)
    assert sent.status_code == 202, sent.content
    assert (
        api.post(path, {"attachments": [second, first]}, **key).json()["message"]["id"] == sent.json()["message"]["id"]
    )
    assert api.post(path, {"attachments": [second, third]}, **key).json()["error"]["code"] == "key_reused"
    (question, _answer) = api.get(path).json()["results"]
    assert [row["width"] for row in question["attachments"]] == [20, 10]
    assert api.delete(f"/api/v1/attachments/{first}/").json()["error"]["code"] == "already_sent"
    conversation.refresh_from_db()
    assert conversation.title == "Pictures"
    Generation.objects.update(status="completed")
    again = api.post(path, {"content": "once more", "attachments": [first]})
    assert list(again.json()["error"]["detail"]) == ["attachments"]
    assert api.post(path, {}).json()["error"]["detail"]["content"] == ["Write something first."]


def test_a_message_holds_eight_pictures(person: User, api: APIClient, conversation: Conversation) -> None:
    rows = [upload_picture(user=person, content=png(), conversation=conversation) for _ in range(9)]
    path = f"/api/v1/conversations/{conversation.pk}/messages/"
    assert api.post(path, {"attachments": [str(row.pk) for row in rows]}).status_code == 400
    assert api.post(path, {"attachments": [str(row.pk) for row in rows[:8]]}).status_code == 202


def seen(message: Message) -> list[str]:
    return [row.name for row in message.attachments.all()]


def test_an_edit_keeps_adds_and_leaves_out_pictures(person: User, conversation: Conversation, uploads: Path) -> None:
    one, two = (upload_picture(user=person, content=png(), name=f"{name}.png") for name in ("one", "two"))
    message = send_message(user=person, conversation=conversation, content="look", attachments=[one.pk, two.pk]).message
    Generation.objects.update(status="completed")
    kept = edit_message(user=person, message=message, content="look again").message
    Generation.objects.update(status="completed")
    three = upload_picture(user=person, content=png(), name="three.png")
    other = edit_message(user=person, message=kept, content="", attachments=[three.pk, kept.attachments.all()[1].pk])
    assert [seen(row) for row in (message, kept, other.message)] == [["one.png", "two.png"]] * 2 + [
        ["three.png", "two.png"]
    ]
    assert len(stored(uploads)) == 3, "versions share their files"
    assert Attachment.objects.all().bytes_of(person) == 3 * len(stored(uploads)[0].read_bytes())


def test_files_go_with_the_last_conversation_that_shows_them(
    person: User, conversation: Conversation, uploads: Path
) -> None:
    picture = upload_picture(user=person, content=png())
    sent = send_message(user=person, conversation=conversation, content="look", attachments=[picture.pk])
    Generation.objects.update(status="completed")
    fork = fork_conversation(user=person, conversation=conversation, message=sent.reply)
    shelf.trash_conversation(conversation=conversation)
    assert not Attachment.objects.visible_to(person).filter(conversation=conversation).exists()
    delete_conversation(conversation=conversation)
    (copy,) = Attachment.objects.filter(conversation=fork)
    assert copy.read().startswith(b"\x89PNG")
    delete_conversation(conversation=fork)
    assert stored(uploads) == []


def test_a_temporary_conversation_takes_its_pictures_along(person: User, agent: Agent, uploads: Path) -> None:
    passing = start_conversation(user=person, agent=agent, is_temporary=True)
    upload_picture(user=person, content=png(), conversation=passing)
    shelf.trash_conversation(conversation=passing)
    assert stored(uploads) == []


def test_what_was_never_sent_is_erased_in_time(person: User, conversation: Conversation, uploads: Path) -> None:
    alone, draft, fresh = (
        upload_picture(user=person, content=png(), conversation=place) for place in (None, conversation, None)
    )
    day = timedelta(days=1, minutes=1)
    Attachment.objects.filter(pk__in=[alone.pk, draft.pk]).update(created_at=timezone.now() - day)
    lost = uploads / "ab" / "lost.png"
    lost.parent.mkdir(exist_ok=True)
    lost.write_bytes(b"x")
    old = (timezone.now() - day).timestamp()
    for path in (lost, uploads / str(draft.file.name)):
        os.utime(path, (old, old))
    assert shelf.purge_expired() == 0
    assert set(Attachment.objects.values_list("pk", flat=True)) == {draft.pk, fresh.pk}
    assert not lost.exists(), "a file without a row"
    Attachment.objects.filter(pk=draft.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert purge_abandoned() == 1
    assert len(stored(uploads)) == 1


def test_the_picture_of_a_draft_is_there_again_and_files_work_without_scripts(
    client: Client, person: User, agent: Agent, conversation: Conversation
) -> None:
    client.force_login(person)
    picture = upload_picture(user=person, content=png(), name="draft.png", conversation=conversation)
    page = client.get(f"/c/{conversation.pk}/").content.decode()
    assert f'name="attachments" value="{picture.pk}"' in page
    file = io.BytesIO(png())
    file.name = "plain.png"
    fields = {"content": "", "attachments": [str(picture.pk)], "pictures": file, "agent": str(agent.pk)}
    assert client.post(f"/c/{conversation.pk}/messages/", fields).status_code == 302
    message = Message.objects.get(role="user")
    assert seen(message) == ["draft.png", "plain.png"]
    page = client.get(f"/c/{conversation.pk}/").content.decode()
    assert 'alt="Picture 2, 40 × 30"' in page  # noqa: RUF001
    assert 'name="attachments"' not in page


def test_a_new_conversation_that_is_refused_keeps_its_pictures(client: Client, person: User, agent: Agent) -> None:
    client.force_login(person)
    picture = upload_picture(user=person, content=png())
    fields = {"content": "x" * 200_001, "attachments": [str(picture.pk)], "agent": str(agent.pk)}
    answer = client.post("/c/", fields)
    assert answer.status_code == 422
    assert f'name="attachments" value="{picture.pk}"' in answer.content.decode()
    file = io.BytesIO(SVG)
    file.name = "drawing.svg"
    answer = client.post("/c/", {"content": "look", "pictures": file, "agent": str(agent.pk)})
    assert "This is not a picture" in answer.content.decode()


@pytest.fixture
def shown(person: User, conversation: Conversation) -> Attachment:
    """A picture in a conversation with an answer."""
    picture = upload_picture(user=person, content=png(), name="holiday.png")
    sent = send_message(user=person, conversation=conversation, content="", attachments=[picture.pk])
    Generation.objects.update(status="completed", finished_at=timezone.now())
    Message.objects.filter(pk=sent.reply.pk).update(content="A beach")
    conversation.refresh_from_db()
    return Attachment.objects.get()


def test_a_share_link_shows_the_pictures_of_its_branch_alone(
    client: Client, conversation: Conversation, shown: Attachment, person: User
) -> None:
    share = share_conversation(conversation=conversation, audience="link")
    address = f"/s/{share.token}/attachments/{shown.pk}/"
    assert address in client.get(f"/s/{share.token}/").content.decode()
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, "image/png", "no-store")
    later = make_answer(conversation, parent=conversation.head)
    hidden = upload_picture(user=person, content=png())
    Attachment.objects.filter(pk=hidden.pk).update(conversation=conversation, message=later.parent)
    draft = upload_picture(user=person, content=png(), conversation=conversation)
    for pk in (hidden.pk, draft.pk):
        assert client.get(f"/s/{share.token}/attachments/{pk}/").status_code == 404
    assert client.get(f"/s/{'x' * 40}/attachments/{shown.pk}/").status_code == 404
    share.delete()
    assert client.get(address).status_code == 404


def test_an_export_brings_its_pictures_back(
    api: APIClient, conversation: Conversation, shown: Attachment, client: Client, person: User
) -> None:
    path = f"/api/v1/conversations/{conversation.pk}/export/"
    exported = api.get(path, {"as": "json"}).content
    report = api.generic("POST", "/api/v1/conversations/import/", exported, content_type="application/json").json()
    assert report["left_out"] == {}, report
    (copy,) = Attachment.objects.filter(conversation=report["first"])
    assert (copy.name, copy.width, copy.message.role) == ("holiday.png", 40, "user")  # type: ignore[union-attr]
    assert (
        f"[holiday.png](http://127.0.0.1:8000/c/attachments/{shown.pk}/)"
        in api.get(path, {"as": "markdown"}).content.decode()
    )
    client.force_login(person)
    assert f"/c/attachments/{shown.pk}/" in client.get(f"/c/{conversation.pk}/print/").content.decode()


@pytest.mark.parametrize("data", ["", "data:image/png;base64,AAAA", "data:image/png;base64,?", "javascript:alert(1)"])
def test_what_a_file_calls_a_picture_is_judged_like_an_upload(
    api: APIClient, conversation: Conversation, shown: Attachment, data: str
) -> None:
    archive = json.loads(api.get(f"/api/v1/conversations/{conversation.pk}/export/", {"as": "json"}).content)
    archive["conversations"][0]["messages"][0]["attachments"] = [{"name": "x", "data": data}]
    body = json.dumps(archive)
    report = api.generic("POST", "/api/v1/conversations/import/", body, content_type="application/json").json()
    assert report["left_out"] == {"attachment": 1}
    assert not Attachment.objects.filter(conversation=report["first"]).exists()
