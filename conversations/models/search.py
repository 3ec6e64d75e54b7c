"""The search index: one entry per title and per message, kept by triggers of the database."""

import re
from functools import cached_property
from typing import Any, Final, NamedTuple, cast

from django.db import connections, models

from accounts.models import User
from conversations.models.conversation import Conversation
from conversations.models.message import Message
from conversations.words import words_of

LONGEST_QUERY = 400  # characters
MOST_TERMS = 16
_TERM = re.compile(r'"([^"]*)"?|(\S+)')


class Term(NamedTuple):
    """One thing that is looked for: as it was typed, and its words, which stand one after the other."""

    text: str
    words: list[str]
    is_prefix: bool


class Query:
    """What somebody looks for: every word, each as the beginning of one; what stands in quotation marks, exactly."""

    def __init__(self, text: str) -> None:
        typed = _TERM.findall(text[:LONGEST_QUERY])
        terms = [Term(quoted or plain, words_of(quoted or plain), not quoted) for quoted, plain in typed]
        self.terms: Final = [term for term in terms if term.words][:MOST_TERMS]

    def __bool__(self) -> bool:
        return bool(self.terms)

    @cached_property
    def fts5(self) -> str:
        """In the language of SQLite's FTS5."""
        return " AND ".join(f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}' for term in self.terms)


class SearchEntryQuerySet(models.QuerySet["SearchEntry"]):
    """Reads of the index."""

    def matching(self, user: User, query: Query) -> "SearchEntryQuerySet":
        """The person's entries that hold every term, the best first by ``score``; titles weigh more."""
        match = _on_postgresql if connections[self.db].vendor == "postgresql" else _on_sqlite
        return cast(SearchEntryQuerySet, self.extra(order_by=["score", "-id"], **match(user, query)))


class SearchEntry(models.Model):
    """A title (without ``message``) or a message that can be found.

    Written by the triggers of the migration ``0005_search`` alone, which also keep the words: on SQLite in the FTS5
    table ``conversations_search``, whose row ids are these ids, on PostgreSQL in the column ``vector``.
    """

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.DO_NOTHING, related_name="+")
    message = models.OneToOneField(Message, on_delete=models.DO_NOTHING, null=True, related_name="+")

    objects = SearchEntryQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{'message' if self.message_id else 'title'} in {self.conversation_id}"


def _on_sqlite(user: User, query: Query) -> dict[str, Any]:
    match = f'{{title body}} : ({query.fts5}) AND owner : "{user.pk.hex}"'
    return {
        "tables": ["conversations_search"],
        "where": ["conversations_search.rowid = conversations_searchentry.id", "conversations_search MATCH %s"],
        "params": [match],
        "select": {"score": "bm25(conversations_search, 0.0, 4.0, 1.0)"},
    }


def _on_postgresql(user: User, query: Query) -> dict[str, Any]:
    terms = " && ".join(["conversations_term(%s, %s)"] * len(query.terms))
    values = [value for term in query.terms for value in (term.text, term.is_prefix)]
    return {
        "where": [f"conversations_searchentry.vector @@ ({terms} && %s::tsquery)"],
        "params": [*values, f"'@{user.pk.hex}'"],
        "select": {"score": f"-ts_rank_cd(conversations_searchentry.vector, {terms})"},
        "select_params": values,
    }
