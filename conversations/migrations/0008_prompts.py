"""The library of prompts; and conversations with a model alone, and with parameters of their own."""

import uuid
from importlib import import_module

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

search = import_module("conversations.migrations.0005_search")  # SQLite rebuilds the table, which its triggers forbid


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("conversations", "0007_attachments"),
        ("providers", "0003_discovery"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(search.drop_triggers, search.create_triggers),
        migrations.AddField(
            model_name="conversation",
            name="model",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="conversation",
            name="parameters",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="conversation",
            name="provider",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="providers.provider"
            ),
        ),
        migrations.RunPython(search.create_triggers, search.drop_triggers),
        migrations.CreateModel(
            name="Prompt",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]+(-[a-z0-9]+)*\\Z", "Lower-case letters, digits and single hyphens."
                            )
                        ],
                        verbose_name="name",
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=300, verbose_name="description")),
                ("text", models.TextField(max_length=20000, verbose_name="text")),
                (
                    "visibility",
                    models.CharField(
                        choices=[("private", "Only me"), ("groups", "My groups"), ("everyone", "Everyone")],
                        default="private",
                        max_length=10,
                        verbose_name="visibility",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("groups", models.ManyToManyField(blank=True, related_name="prompts", to="auth.group")),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="prompts", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
                "constraints": [models.UniqueConstraint(fields=("owner", "name"), name="prompt_name_per_owner")],
            },
        ),
    ]
