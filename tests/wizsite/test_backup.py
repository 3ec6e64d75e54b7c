"""``manage.py backup`` and what ``restore`` makes of it, also while people talk (R32)."""

import json
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import Error

from accounts.models import AuditEvent, User
from conversations.models import Attachment, Conversation, Message, Query, SearchEntry, Tag
from providers.models import Provider
from providers.practice.replies import Reply
from tests.backups import CANARY, everything, furnish, make_backup
from tests.factories import make_user
from tests.manage import clean_environment, run_manage
from tests.stack import ADMIN_EMAIL, Stack, wait_for
from tests.talking import Caller
from wizsite import archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.own_stack]

STREAMS = 8  # as many as one person may have
TOKENS = 1500  # of each answer, at 60 in a second


@pytest.fixture(autouse=True)
def uploads(settings: LazySettings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def owner() -> User:
    return furnish()


@pytest.fixture
def backup(owner: User, tmp_path: Path) -> Path:
    return make_backup(tmp_path / "wiz.zip")


def test_every_row_and_file_comes_back(backup: Path, uploads: Path) -> None:
    before, picture = everything(), Attachment.objects.get()
    content = picture.read()
    Conversation.objects.all().delete()
    Provider.objects.all().delete()
    make_user("later@example.org")
    (uploads / "ab").mkdir(exist_ok=True)
    (uploads / "ab" / f"ab{'0' * 38}.png").write_bytes(b"of a picture that the backup does not know")
    call_command("restore", str(backup), "--force")
    assert everything() == before
    assert Attachment.objects.get().read() == content
    files = [path for path in uploads.rglob("*") if path.is_file()]
    assert [path.relative_to(uploads).as_posix() for path in files] == [picture.file.name]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_a_provider_that_was_there_already_gets_a_revision_that_nobody_remembers(backup: Path) -> None:
    Provider.objects.update(revision=41)
    call_command("restore", str(backup), "--force")
    assert Provider.objects.get().revision > 41


def test_secrets_stay_encrypted_and_open_again(backup: Path) -> None:
    with zipfile.ZipFile(backup) as parts:
        assert not any(CANARY.encode() in parts.read(name) for name in parts.namelist())
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    call_command("restore", str(backup), "--force")
    provider = Provider.objects.get()
    assert provider.open_secret("api_key") == CANARY
    assert provider.further_keys.get().open_secret("api_key") == CANARY + "2"


def test_what_is_restored_is_found_and_written_on(backup: Path, owner: User) -> None:
    call_command("restore", str(backup), "--force")
    found = SearchEntry.objects.all().matching(owner, Query("camembert"))
    assert [entry.conversation.title for entry in found] == ["Über Käse"]
    Tag.objects.create(conversation=Conversation.objects.get(), name="new")  # its number comes after the restored ones
    with pytest.raises(Error, match="message_tree"):
        Message.objects.filter(content="Brie").update(parent=None)


def test_another_instance_takes_it_and_gives_the_same_back(backup: Path, data_dir: Path, tmp_path: Path) -> None:
    """On SQLite, and without the keys, of which it warns: the rows are those of the first, whatever its database is."""
    environment = clean_environment(data_dir)
    result = run_manage(environment, "restore", str(backup))
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("3 stored secrets cannot be decrypted here")
    again = tmp_path / "again.zip"
    assert run_manage(environment, "backup", str(again)).returncode == 0
    with archive.opened(backup) as first, archive.opened(again) as second:
        second.check()
        assert list(second.uploads()) == list(first.uploads())
        for table, other in zip(first.manifest.tables, second.manifest.tables, strict=True):
            if table.model != "accounts.auditevent":
                rows, others = ([row for row, _ in one.rows(of)] for one, of in ((first, table), (second, other)))
                assert others == rows, table.model


def test_answers_that_were_being_written_are_interrupted_and_keep_their_text(
    owner: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Message.objects.get(content="Brie")
    answer.generations.create(conversation=answer.conversation, status="running", attempt=1)
    call_command("restore", str(make_backup(tmp_path / "wiz.zip")), "--force")
    run = answer.generations.get()
    assert (run.status, run.error and run.error["code"]) == ("interrupted", "interrupted")
    assert run.finished_at
    assert run.message.content == "Brie"
    assert "1 answers were being written" in capsys.readouterr().out


def test_backup_and_restoration_are_in_the_audit_log(backup: Path) -> None:
    assert AuditEvent.objects.filter(action="exported", detail="backup of everything").count() == 1
    call_command("restore", str(backup), "--force")
    assert AuditEvent.objects.filter(action="imported", detail__startswith="backup of 20").count() == 1


def test_a_picture_whose_file_is_gone_is_told(owner: User, tmp_path: Path, uploads: Path, capsys: Any) -> None:
    shutil.rmtree(uploads)
    make_backup(tmp_path / "wiz.zip")
    assert "1 uploads are not in it" in capsys.readouterr().err


def test_a_backup_while_answers_are_written_disturbs_none_and_is_whole(
    stack: Stack, data_dir: Path, tmp_path: Path
) -> None:
    """R32: every text in it is the beginning of an answer, and the restored instance is sound."""
    target, whole = tmp_path / "wiz.zip", "".join(Reply("", limit=TOKENS).pieces())
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        agent = caller.agent_id("Guide")
        sent = [caller.say(agent, f"tokens={TOKENS}") for _ in range(STREAMS)]
        wait_for(lambda: all(len(caller.stored(one)["content"]) > 50 for one in sent), 30, "text in every answer")
        result = stack.manage("backup", str(target))
        assert result.returncode == 0, result.stderr
        assert any(caller.stored(one)["content"] != whole for one in sent), "the answers were over too soon"
        assert "is already running" in stack.manage("restore", str(target), "--force").stderr
        for one in sent:
            text, end = caller.read(one)
            assert (end["status"], text, caller.stored(one)["content"]) == ("completed", whole, whole)
    keys = stack.data_dir / "secrets"
    shutil.copytree(keys, data_dir / "secrets")
    result = run_manage(clean_environment(data_dir), "restore", str(target))
    assert (result.returncode, result.stderr) == (0, "")
    replies = {one["reply"]["id"].replace("-", "") for one in sent}
    with closing(sqlite3.connect(data_dir / "wiz.sqlite3")) as database:
        answers = database.execute(
            "SELECT m.id, m.content, g.status, g.error FROM conversations_message m"
            " JOIN conversations_generation g ON g.message_id = m.id"
        ).fetchall()
        assert {row[0] for row in answers} >= replies
        for _, text, status, error in answers:
            assert whole.startswith(text)
            assert len(text) > 50
            assert status == "interrupted" or (status == "completed" and text == whole)
            assert status == "completed" or json.loads(error)["code"] == "interrupted"
        assert "interrupted" in {row[2] for row in answers}
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        indexed = {row[0] for row in database.execute("SELECT message_id FROM conversations_searchentry")}
        assert replies <= indexed
