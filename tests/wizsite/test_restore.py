"""What ``manage.py backup`` and ``restore`` refuse: in one line, and nothing has changed."""

import fcntl
import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as wiz
from django.core.management import call_command

from accounts.models import User
from tests.backups import (
    Values,
    everything,
    furnish,
    make_backup,
    measured,
    parts_of,
    with_manifest,
    with_parts,
    with_rows,
)
from wizsite import archive, env, heartbeat

pytestmark = pytest.mark.django_db(transaction=True)

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def backup(settings: LazySettings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    furnish()
    return make_backup(tmp_path / "wiz.zip")


def refusal(capsys: Capture, *arguments: str) -> str:
    """The one line with which a command ends, with the exit status 1; every row is as it was."""
    before = everything()
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        call_command(*arguments)
    assert ended.value.code == 1
    assert everything() == before
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1), told
    return told.err


def forced(capsys: Capture, source: Path) -> str:
    return refusal(capsys, "restore", str(source), "--force")


def test_a_backup_replaces_no_file_unless_it_is_told_to(backup: Path, capsys: Capture) -> None:
    content = backup.read_bytes()
    assert "exists already" in refusal(capsys, "backup", str(backup))
    assert "cannot be written: No such file" in refusal(capsys, "backup", str(backup.parent / "none" / "wiz.zip"))
    assert backup.read_bytes() == content
    call_command("backup", str(backup), "--force")
    assert backup.read_bytes() != content
    assert [path.name for path in backup.parent.iterdir() if path.is_file()] == ["wiz.zip"]


def test_an_instance_with_people_is_left_alone(backup: Path, capsys: Capture) -> None:
    assert "not empty" in refusal(capsys, "restore", str(backup))


def test_a_running_wiz_is_left_alone(backup: Path, capsys: Capture) -> None:
    with (wiz.DATA_DIR / "up.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "already running" in forced(capsys, backup)


def test_a_worker_that_runs_without_up_is_noticed(
    backup: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "secret", lambda name: {"REDIS_URL": "redis://127.0.0.1/1"}.get(name, ""))
    monkeypatch.setattr(heartbeat, "living_workers", lambda: {"worker@elsewhere": None})
    assert "Processes of Wiz are running" in forced(capsys, backup)


def test_half_an_archive_and_no_archive_are_refused(backup: Path, capsys: Capture) -> None:
    backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    assert "no backup of Wiz" in forced(capsys, backup)
    assert "cannot be read: No such file" in forced(capsys, backup.with_name("none"))


def test_a_part_that_is_missing_or_changed_is_found_before_anything_is_touched(backup: Path, capsys: Capture) -> None:
    whole = parts_of(backup)
    rows = "rows/conversations.message.jsonl"
    upload = next(name for name in whole if name.startswith("uploads/"))
    for name in (archive.MANIFEST, archive.UPLOADS, rows, upload):
        without = {other: content for other, content in whole.items() if other != name}
        assert "is damaged" in forced(capsys, with_parts(backup, without)), name
    changed = {**whole, rows: whole[rows].replace(b"Brie", b"Edam")}
    assert "another sum" in forced(capsys, with_parts(backup, changed))
    broken = bytearray(backup.read_bytes())
    broken[broken.index(upload.encode()) + len(upload) + 60] ^= 1
    backup.write_bytes(broken)
    assert "is damaged" in forced(capsys, backup)


def test_no_name_in_an_archive_leads_out_of_the_uploads(backup: Path, capsys: Capture) -> None:
    parts = parts_of(backup)
    evil = "uploads/../../evil.png"
    parts[evil] = b"evil"
    parts[archive.UPLOADS] = json.dumps({"name": evil, **measured(b"evil")}).encode() + b"\n"
    manifest = json.loads(parts[archive.MANIFEST])
    manifest["uploads"].update(measured(parts[archive.UPLOADS]))
    parts[archive.MANIFEST] = json.dumps(manifest).encode()
    assert "names a file that Wiz does not keep" in forced(capsys, with_parts(backup, parts))

    def escape(columns: list[str], rows: Values) -> tuple[list[str], Values]:
        place = columns.index("file")
        return columns, [[*row[:place], "../wiz.zip", *row[place + 1 :]] for row in rows]

    assert "names a file" in forced(capsys, with_rows(backup, "conversations.attachment", escape))


def test_rows_that_do_not_belong_together_are_taken_back(backup: Path, capsys: Capture) -> None:
    def nobody(columns: list[str], rows: Values) -> tuple[list[str], Values]:
        return columns, []

    manifest = json.loads(parts_of(backup)[archive.MANIFEST])
    tables = [
        {**table, "rows": 0} if table["model"] == "conversations.folder" else table for table in manifest["tables"]
    ]
    orphaned = with_rows(with_manifest(backup, tables=tables), "conversations.folder", nobody)
    assert "does not take the backup" in forced(capsys, orphaned)


def test_a_newer_wiz_and_a_much_older_one_are_named(backup: Path, capsys: Capture) -> None:
    with archive.opened(backup) as made:
        names = made.manifest.migrations
    line = forced(capsys, with_manifest(backup, wiz="9.9", migrations=[*names, "agents.9999_future"]))
    assert "Wiz 9.9, which is newer" in line
    assert "agents.9999_future" in line
    older = [name for name in names if name != "agents.0002_versions"]
    line = forced(capsys, with_manifest(backup, wiz="0.0.1", migrations=older))
    assert "Wiz 0.0.1, before agents.0002_versions" in line
    assert "has format 7" in forced(capsys, with_manifest(backup, format=7))


def test_a_column_that_is_not_here_any_more_is_named(backup: Path, capsys: Capture) -> None:
    def add(columns: list[str], rows: Values) -> tuple[list[str], Values]:
        return [*columns, "shoe_size"], [[*row, 42] for row in rows]

    assert "column accounts.user.shoe_size is not here" in forced(capsys, with_rows(backup, "accounts.user", add))


def test_an_older_backup_without_a_column_gets_its_default(backup: Path) -> None:
    def drop(columns: list[str], rows: Values) -> tuple[list[str], Values]:
        place = columns.index("single_keys")
        return [name for name in columns if name != "single_keys"], [[*row[:place], *row[place + 1 :]] for row in rows]

    User.objects.update(single_keys=False)
    with archive.opened(backup) as made:
        names = [name for name in made.manifest.migrations if name != "accounts.0007_appearance"]
    older = with_manifest(with_rows(backup, "accounts.user", drop), migrations=names)
    call_command("restore", str(older), "--force")
    assert set(User.objects.values_list("single_keys", flat=True)) == {True}
