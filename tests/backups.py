"""A furnished instance, everything that a backup keeps of it, and archives that somebody has meddled with."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts.models import User
from accounts.services import create_token
from conversations import attachments
from conversations.models import Conversation, Folder, Generation, Message, Share, Tag
from conversations.pictures import read_picture
from providers import keys
from providers.models import Budget, UsageRecord
from tests.factories import make_agent, make_answer, make_provider, make_staff, make_user, png
from wizsite import archive

CANARY = "sk-canary-0123456789abcdef"
Rows = dict[str, list[dict[str, Any]]]
Values = list[list[Any]]


def furnish() -> User:
    """A little of everything; returns its owner."""
    owner, staff = make_user(), make_staff()
    group = Group.objects.create(name="Readers")
    group.permissions.add(Permission.objects.get(codename="view_user"))
    owner.groups.add(group)
    provider = make_provider(api_key=CANARY, headers={"X-Team": CANARY}, name="Vendor")
    keys.add_key(provider=provider, api_key=CANARY + "2", label="second", weight=3)
    agent = make_agent(owner, provider, visibility="groups", groups=[group], temperature=0.25)
    Budget.objects.create(kind="person", person=staff, cost_per_month="12.5000")
    UsageRecord.objects.create(user=owner, provider_name="Vendor", model="m", input_tokens=2**40, cost="0.00000125")
    folder = Folder.objects.create(owner=owner, name="Käse 🧀", instructions="Be brief.")
    conversation = Conversation.objects.create(owner=owner, agent=agent, folder=folder, title="Über Käse", draft="und")
    answer = make_answer(conversation, "Camembert\u2028 \x1b 🧀")
    make_answer(conversation, "Brie", parent=answer)
    # Imported messages may be older than their parents.
    Message.objects.filter(pk=answer.pk).update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    Conversation.objects.filter(pk=conversation.pk).update(head=answer)
    Generation.objects.create(conversation=conversation, message=answer, status="completed", usage={"ü": [1.5, None]})
    Tag.objects.create(conversation=conversation, name="cheese")
    Share.objects.create(conversation=conversation, head=answer)
    attachments.keep_picture(
        user=owner, picture=read_picture(png()), name="a.png", conversation=conversation, message=answer.parent
    )
    create_token(user=owner, name="script")
    return owner


def everything() -> Rows:
    """All rows that a backup promises to keep, but for those that tell of backups."""
    found: Rows = {}
    for model in archive.kept_tables():
        rows = model._base_manager.order_by("pk").values()
        found[model._meta.label] = [{name: _comparable(value) for name, value in row.items()} for row in rows]
    found["accounts.AuditEvent"] = [row for row in found["accounts.AuditEvent"] if "backup" not in row["detail"]]
    return found


def _comparable(value: Any) -> Any:
    return getattr(value, "token", value)


def make_backup(target: Path) -> Path:
    """The archive that ``manage.py backup`` writes."""
    call_command("backup", str(target))
    return target


def parts_of(source: Path) -> dict[str, bytes]:
    """The parts of an archive by name."""
    with zipfile.ZipFile(source) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def with_parts(source: Path, parts: dict[str, bytes]) -> Path:
    """An archive beside ``source`` with exactly these parts."""
    target = source.with_name("altered.zip")
    with zipfile.ZipFile(target, "w") as altered:
        for name, content in parts.items():
            altered.writestr(name, content)
    return target


def with_manifest(source: Path, **changes: object) -> Path:
    """The archive with another manifest."""
    parts = parts_of(source)
    parts[archive.MANIFEST] = json.dumps({**json.loads(parts[archive.MANIFEST]), **changes}).encode()
    return with_parts(source, parts)


def with_rows(source: Path, model: str, change: Callable[[list[str], Values], tuple[list[str], Values]]) -> Path:
    """The archive with other columns and rows of a model, and with the sum that belongs to them."""
    parts = parts_of(source)
    manifest = json.loads(parts[archive.MANIFEST])
    table = next(table for table in manifest["tables"] if table["model"] == model)
    name = table["part"]["name"]
    table["columns"], rows = change(table["columns"], [json.loads(line) for line in parts[name].splitlines()])
    parts[name] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    table["part"].update(measured(parts[name]))
    parts[archive.MANIFEST] = json.dumps(manifest).encode()
    return with_parts(source, parts)


def measured(content: bytes) -> dict[str, object]:
    """What a manifest says of a part."""
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
