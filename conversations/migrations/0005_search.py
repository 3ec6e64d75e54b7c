"""The search index, and the triggers that keep it.

Every title and every message with text has an entry; its words are in an FTS5 table on SQLite, in a tsvector with a GIN
index on PostgreSQL. The owner's id is among the words, so that a search reads nobody else's. While a run writes a
message its text changes about once a second: the entry is made when the run is over. Temporary conversations have none.

SQLite drops a table's triggers when it rebuilds the table: a later migration that changes a column of
``conversations_conversation``, ``conversations_message`` or ``conversations_generation`` drops these triggers first
(``drop_triggers``) and creates them again afterwards (``create_triggers``).
"""

# ruff: noqa: S608 - the statements are put together from the constants of this file alone

import django.db.models.deletion
from django.db import migrations, models

ACTIVE = "('queued', 'running')"

# On SQLite ``wiz_words`` is a function of Python's, given to every connection by conversations/words.py.
ENTER_MESSAGE = """
    DELETE FROM conversations_searchentry WHERE message_id = {message};
    INSERT INTO conversations_searchentry (conversation_id, message_id)
    SELECT message.conversation_id, message.id FROM conversations_message message
    JOIN conversations_conversation conversation ON conversation.id = message.conversation_id
    WHERE message.id = {message} AND message.content <> '' AND NOT conversation.is_temporary;
    INSERT INTO conversations_search (rowid, owner, title, body)
    SELECT entry.id, conversation.owner_id, '', wiz_words(message.content)
    FROM conversations_searchentry entry
    JOIN conversations_message message ON message.id = entry.message_id
    JOIN conversations_conversation conversation ON conversation.id = entry.conversation_id
    WHERE entry.message_id = {message};
"""
ENTER_TITLE = """
    DELETE FROM conversations_searchentry WHERE conversation_id = NEW.id AND message_id IS NULL;
    INSERT INTO conversations_searchentry (conversation_id) SELECT NEW.id WHERE NEW.title <> '' AND NOT NEW.is_temporary;
    INSERT INTO conversations_search (rowid, owner, title, body)
    SELECT id, NEW.owner_id, wiz_words(NEW.title), '' FROM conversations_searchentry
    WHERE conversation_id = NEW.id AND message_id IS NULL;
"""
SQLITE_TABLE = """
    CREATE VIRTUAL TABLE conversations_search
    USING fts5(owner, title, body, tokenize = "unicode61 remove_diacritics 0", prefix = '2 3')
"""
SQLITE_TRIGGERS = {
    "conversations_message_found": "AFTER INSERT ON conversations_message WHEN NEW.content <> '' BEGIN "
    + ENTER_MESSAGE.format(message="NEW.id")
    + "END",
    "conversations_message_changed": f"""
        AFTER UPDATE OF content ON conversations_message WHEN NEW.content <> OLD.content AND NOT EXISTS (
            SELECT 1 FROM conversations_generation WHERE message_id = NEW.id AND status IN {ACTIVE}
        ) BEGIN {ENTER_MESSAGE.format(message="NEW.id")} END
    """,
    "conversations_message_gone": """
        AFTER DELETE ON conversations_message BEGIN
            DELETE FROM conversations_searchentry WHERE message_id = OLD.id;
        END
    """,
    "conversations_generation_over": f"""
        AFTER UPDATE OF status ON conversations_generation
        WHEN OLD.status IN {ACTIVE} AND NEW.status NOT IN {ACTIVE}
        BEGIN {ENTER_MESSAGE.format(message="NEW.message_id")} END
    """,
    "conversations_title_found": f"AFTER INSERT ON conversations_conversation WHEN NEW.title <> '' BEGIN {ENTER_TITLE} END",
    "conversations_title_changed": f"""
        AFTER UPDATE OF title ON conversations_conversation WHEN NEW.title <> OLD.title BEGIN {ENTER_TITLE} END
    """,
    "conversations_conversation_gone": """
        AFTER DELETE ON conversations_conversation BEGIN
            DELETE FROM conversations_searchentry WHERE conversation_id = OLD.id;
        END
    """,
    "conversations_entry_gone": """
        AFTER DELETE ON conversations_searchentry BEGIN
            DELETE FROM conversations_search WHERE rowid = OLD.id;
        END
    """,
}
SQLITE_FILL = (
    """
    INSERT INTO conversations_searchentry (conversation_id, message_id)
    SELECT conversation_id, id FROM conversations_message WHERE content <> ''
    """,
    "INSERT INTO conversations_searchentry (conversation_id) SELECT id FROM conversations_conversation WHERE title <> ''",
    """
    INSERT INTO conversations_search (rowid, owner, title, body)
    SELECT entry.id, conversation.owner_id,
        CASE WHEN message.id IS NULL THEN wiz_words(conversation.title) ELSE '' END,
        CASE WHEN message.id IS NULL THEN '' ELSE wiz_words(message.content) END
    FROM conversations_searchentry entry
    JOIN conversations_conversation conversation ON conversation.id = entry.conversation_id
    LEFT JOIN conversations_message message ON message.id = entry.message_id
    """,
)

UNSPACED = (
    r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF"
    r"\uF900-\uFAFF\U00020000-\U0003FFFF"
)
SEPARATORS = r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u2000-\u206F\u2190-\u2BFF\u3000-\u303F"
POSTGRESQL_FUNCTIONS = (
    # Text that is too long or too varied for a tsvector must not keep anybody from writing it.
    f"""
    CREATE FUNCTION conversations_words(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
        SELECT regexp_replace(
            regexp_replace(
                lower(normalize(regexp_replace(normalize(left($1, 500000), NFKD), '[\\u0300-\\u036F]', '', 'g'), NFKC)
                    %(collation)s),
                '([{UNSPACED}])', ' \\1 ', 'g'),
            '[{SEPARATORS}]+', ' ', 'g')
    $body$
    """,
    """
    CREATE FUNCTION conversations_term(words text, is_prefix boolean) RETURNS tsquery LANGUAGE sql STABLE AS $body$
        SELECT CASE WHEN NOT is_prefix OR numnode(phrase) = 0 THEN phrase ELSE (phrase::text || ':*')::tsquery END
        FROM (SELECT phraseto_tsquery('simple', conversations_words(words)) AS phrase) AS made
    $body$
    """,
    """
    CREATE FUNCTION conversations_vector(owner uuid, words text, weight "char") RETURNS tsvector LANGUAGE plpgsql AS $body$
    BEGIN
        RETURN array_to_tsvector(ARRAY['@' || replace(owner::text, '-', '')])
            || setweight(to_tsvector('simple', conversations_words(words)), weight);
    EXCEPTION WHEN program_limit_exceeded THEN
        RETURN array_to_tsvector(ARRAY['@' || replace(owner::text, '-', '')])
            || setweight(to_tsvector('simple', conversations_words(left(words, 50000))), weight);
    END
    $body$
    """,
    """
    CREATE FUNCTION conversations_enter_message(message uuid) RETURNS void LANGUAGE sql AS $body$
        DELETE FROM conversations_searchentry WHERE message_id = message;
        INSERT INTO conversations_searchentry (conversation_id, message_id, vector)
        SELECT one.conversation_id, one.id, conversations_vector(conversation.owner_id, one.content, 'D')
        FROM conversations_message one JOIN conversations_conversation conversation ON conversation.id = one.conversation_id
        WHERE one.id = message AND one.content <> '' AND NOT conversation.is_temporary
    $body$
    """,
    f"""
    CREATE FUNCTION conversations_message_found() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM conversations_generation WHERE message_id = NEW.id AND status IN {ACTIVE}) THEN
            PERFORM conversations_enter_message(NEW.id);
        END IF;
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION conversations_generation_over() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        PERFORM conversations_enter_message(NEW.message_id);
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION conversations_title_found() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        DELETE FROM conversations_searchentry WHERE conversation_id = NEW.id AND message_id IS NULL;
        INSERT INTO conversations_searchentry (conversation_id, vector)
        SELECT NEW.id, conversations_vector(NEW.owner_id, NEW.title, 'A')
        WHERE NEW.title <> '' AND NOT NEW.is_temporary;
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION conversations_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        IF TG_TABLE_NAME = 'conversations_message' THEN
            DELETE FROM conversations_searchentry WHERE message_id = OLD.id;
        ELSE
            DELETE FROM conversations_searchentry WHERE conversation_id = OLD.id;
        END IF;
        RETURN NULL;
    END
    $body$
    """,
)
POSTGRESQL_TRIGGERS = {
    "conversations_message_found": """
        AFTER INSERT ON conversations_message FOR EACH ROW WHEN (NEW.content <> '')
        EXECUTE FUNCTION conversations_message_found()
    """,
    "conversations_message_changed": """
        AFTER UPDATE OF content ON conversations_message FOR EACH ROW WHEN (NEW.content <> OLD.content)
        EXECUTE FUNCTION conversations_message_found()
    """,
    "conversations_message_gone": """
        AFTER DELETE ON conversations_message FOR EACH ROW EXECUTE FUNCTION conversations_gone()
    """,
    "conversations_generation_over": f"""
        AFTER UPDATE OF status ON conversations_generation FOR EACH ROW
        WHEN (OLD.status IN {ACTIVE} AND NEW.status NOT IN {ACTIVE})
        EXECUTE FUNCTION conversations_generation_over()
    """,
    "conversations_title_found": """
        AFTER INSERT ON conversations_conversation FOR EACH ROW WHEN (NEW.title <> '')
        EXECUTE FUNCTION conversations_title_found()
    """,
    "conversations_title_changed": """
        AFTER UPDATE OF title ON conversations_conversation FOR EACH ROW WHEN (NEW.title <> OLD.title)
        EXECUTE FUNCTION conversations_title_found()
    """,
    "conversations_conversation_gone": """
        AFTER DELETE ON conversations_conversation FOR EACH ROW EXECUTE FUNCTION conversations_gone()
    """,
}
POSTGRESQL_FILL = (
    """
    INSERT INTO conversations_searchentry (conversation_id, message_id, vector)
    SELECT message.conversation_id, message.id, conversations_vector(conversation.owner_id, message.content, 'D')
    FROM conversations_message message
    JOIN conversations_conversation conversation ON conversation.id = message.conversation_id
    WHERE message.content <> ''
    """,
    """
    INSERT INTO conversations_searchentry (conversation_id, vector)
    SELECT id, conversations_vector(owner_id, title, 'A') FROM conversations_conversation WHERE title <> ''
    """,
)
POSTGRESQL_NAMES = (
    "conversations_gone", "conversations_title_found", "conversations_generation_over", "conversations_message_found",
    "conversations_enter_message", "conversations_vector", "conversations_term", "conversations_words",
)  # fmt: skip


def create_triggers(_apps, schema_editor):
    triggers = POSTGRESQL_TRIGGERS if schema_editor.connection.vendor == "postgresql" else SQLITE_TRIGGERS
    for name, body in triggers.items():
        schema_editor.execute(f"CREATE TRIGGER {name} {body}", params=None)


def drop_triggers(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name, body in POSTGRESQL_TRIGGERS.items():
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {body.split(' ON ')[1].split()[0]}", params=None)
        return
    for name in SQLITE_TRIGGERS:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}", params=None)


def create_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        _create_postgresql_index(schema_editor)
    else:
        for statement in (SQLITE_TABLE, *SQLITE_FILL):
            schema_editor.execute(statement, params=None)
    create_triggers(apps, schema_editor)


def drop_index(apps, schema_editor):
    drop_triggers(apps, schema_editor)
    if schema_editor.connection.vendor == "postgresql":
        for name in POSTGRESQL_NAMES:
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name} CASCADE", params=None)
    else:
        schema_editor.execute("DROP TABLE IF EXISTS conversations_search", params=None)


def _create_postgresql_index(schema_editor):
    with schema_editor.connection.cursor() as cursor:
        # A database with the collation C lowers ASCII alone; where PostgreSQL was built with ICU it knows better.
        cursor.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'")
        collation = 'COLLATE "und-x-icu"' if cursor.fetchone() else ""
    words, *others = POSTGRESQL_FUNCTIONS
    statements = (
        "ALTER TABLE conversations_searchentry ADD COLUMN vector tsvector NOT NULL",
        words.replace("%(collation)s", collation),
        *others,
        "CREATE INDEX conversations_search ON conversations_searchentry USING gin (vector)",
        *POSTGRESQL_FILL,
    )
    for statement in statements:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0004_shelf"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
            ],
        ),
        migrations.RunPython(create_index, drop_index),
    ]
