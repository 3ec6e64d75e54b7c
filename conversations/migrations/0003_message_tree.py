"""Keep the messages of a conversation a tree, whoever writes.

A foreign key alone allows a parent in another conversation, and a row that is moved below its own descendant. Three
rules make both impossible:

1. At its insertion a message's parent exists, in the same conversation and with the other role.
2. A message has no children before it is inserted. Foreign keys are checked at commit, so without this rule a parent
   could be deleted and come back, under the same id, below its own child.
3. Its id, conversation, parent and role never change.

So every parent was there before its children: following parents goes back in time and ends at a message without one,
and that is why there can be no cycle. The foreign key sees to the rest: a parent cannot be deleted while it has children.

The first two rules look at other rows, and the third at the old one; a check constraint can do neither, so they are triggers.
SQLite drops a table's triggers when it rebuilds the table, which Django does for most changes of a column: a later
migration that touches the messages has to run ``create_triggers`` again (the tests of the tree fail until it does).
"""

import django.db.models.deletion
from django.db import migrations, models

CREATE = {
    "sqlite": (
        """
        CREATE TRIGGER conversations_message_grows BEFORE INSERT ON conversations_message
        BEGIN
            SELECT RAISE(ABORT, 'message_tree: the parent must be a message of the same conversation and the other role') WHERE NEW.parent_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM conversations_message
                WHERE id = NEW.parent_id AND conversation_id = NEW.conversation_id AND role <> NEW.role
            );
            SELECT RAISE(ABORT, 'message_tree: a new message cannot have children already')
            WHERE EXISTS (SELECT 1 FROM conversations_message WHERE parent_id = NEW.id);
        END
        """,
        """
        CREATE TRIGGER conversations_message_stays
        BEFORE UPDATE OF id, conversation_id, parent_id, role ON conversations_message
        WHEN NEW.id IS NOT OLD.id OR NEW.conversation_id IS NOT OLD.conversation_id
            OR NEW.parent_id IS NOT OLD.parent_id OR NEW.role IS NOT OLD.role
        BEGIN
            SELECT RAISE(ABORT, 'message_tree: id, conversation, parent and role of a message never change');
        END
        """,
    ),
    # The lock on the parent keeps it until the commit, when the foreign key is checked.
    "postgresql": (
        """
        CREATE FUNCTION conversations_message_grows() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF NEW.parent_id IS NOT NULL THEN
                PERFORM 1 FROM conversations_message
                WHERE id = NEW.parent_id AND conversation_id = NEW.conversation_id AND role <> NEW.role
                FOR KEY SHARE;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'message_tree: the parent must be a message of the same conversation and the other role' USING ERRCODE = 'check_violation';
                END IF;
            END IF;
            IF EXISTS (SELECT 1 FROM conversations_message WHERE parent_id = NEW.id) THEN
                RAISE EXCEPTION 'message_tree: a new message cannot have children already' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END
        $body$
        """,
        """
        CREATE FUNCTION conversations_message_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION 'message_tree: id, conversation, parent and role of a message never change' USING ERRCODE = 'check_violation';
        END
        $body$
        """,
        """
        CREATE TRIGGER conversations_message_grows BEFORE INSERT ON conversations_message
        FOR EACH ROW EXECUTE FUNCTION conversations_message_grows()
        """,
        """
        CREATE TRIGGER conversations_message_stays BEFORE UPDATE ON conversations_message
        FOR EACH ROW WHEN (
            (NEW.id, NEW.conversation_id, NEW.parent_id, NEW.role)
            IS DISTINCT FROM (OLD.id, OLD.conversation_id, OLD.parent_id, OLD.role)
        ) EXECUTE FUNCTION conversations_message_stays()
        """,
    ),
}
DROP = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS conversations_message_grows",
        "DROP TRIGGER IF EXISTS conversations_message_stays",
    ),
    "postgresql": (
        "DROP FUNCTION IF EXISTS conversations_message_grows CASCADE",
        "DROP FUNCTION IF EXISTS conversations_message_stays CASCADE",
    ),
}


def create_triggers(_apps, schema_editor):
    drop_triggers(_apps, schema_editor)
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def drop_triggers(_apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0002_engine"),
        ("providers", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="override_model",
            field=models.CharField(blank=True, default="", max_length=200),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="generation",
            name="override_provider",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="providers.provider"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("role", "user"), models.Q(("parent__isnull", False), ("role", "assistant")), _connector="OR"
                ),
                name="answer_has_question",
            ),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
