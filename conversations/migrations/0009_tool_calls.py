"""The calls of tools that an answer holds."""

from importlib import import_module

from django.db import migrations, models

search = import_module("conversations.migrations.0005_search")
tree = import_module("conversations.migrations.0003_message_tree")


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0008_prompts"),
    ]

    operations = [
        # SQLite rebuilds the table, which the triggers of the search forbid and those of the tree do not survive.
        migrations.RunPython(search.drop_triggers, search.create_triggers),
        migrations.RunPython(migrations.RunPython.noop, tree.create_triggers),
        migrations.AddField(
            model_name="message",
            name="tool_calls",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.RunPython(tree.create_triggers, migrations.RunPython.noop),
        migrations.RunPython(search.create_triggers, search.drop_triggers),
    ]
