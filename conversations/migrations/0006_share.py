"""Links by which others may read a branch of a conversation."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import conversations.models.share


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0005_search"),
    ]

    operations = [
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "token",
                    models.CharField(
                        default=conversations.models.share.new_token, editable=False, max_length=64, unique=True
                    ),
                ),
                (
                    "audience",
                    models.CharField(
                        choices=[("link", "Anyone who has the link"), ("members", "People who are logged in here")],
                        default="members",
                        max_length=10,
                        verbose_name="audience",
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "head",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="conversations.message"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "id"),
            },
        ),
    ]
