"""What the Wiz on the pictures holds: people's everyday conversations, as a file that the import takes."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple


class Talk(NamedTuple):
    """A conversation of one question and one answer."""

    title: str
    agent: str
    days: int
    """How long ago."""
    is_pinned: bool
    question: str
    answer: str


AGENTS: Final = (
    (
        "Writer",
        "Edits what you write and says why.",
        ["Shorten a paragraph without losing its point.", "Find a better title."],
    ),
    ("Code reviewer", "Reads a change and names what may break.", ["Review a function.", "Explain a stack trace."]),
    ("Kitchen", "Recipes from what is there, in grams.", ["Something with lentils and lemon."]),
)
FAILING: Final = "fault: 401"

GENERATOR = '''A generator is the right tool here: it reads one line at a time, so memory stays flat however long it is.

```python
from collections.abc import Iterator
from pathlib import Path


def long_lines(path: Path, limit: int = 120) -> Iterator[tuple[int, str]]:
    """Lines of a file that are longer than `limit`, with their numbers."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if len(line.rstrip("\\n")) > limit:
                yield number, line
```

Two details matter:

1. `path.open()` is iterated directly; `readlines()` would hold the whole file.
2. The file closes when the generator ends, or when the caller stops early.

| approach | memory for 2 GB | first result |
|---|--:|--:|
| `readlines()` | 2.4 GB | 9.1 s |
| generator | 0.1 MB | 2 ms |

To stop after the first ten, use `itertools.islice(long_lines(path), 10)`.'''

PLAN = """Here is a plan for three days that keeps walking short and leaves the afternoons free.

## Friday
- **Morning.** Arrive, leave the bags, coffee by the river.
- **Evening.** A small place in the old town; book for seven.

## Saturday
- **Morning.** The museum opens at ten. Two hours are enough.
- **Afternoon.** Nothing. That is the point.

> If it rains on Saturday, swap it with Sunday: the market hall is covered.

Shall I turn this into a packing list?"""

LENTILS = """For two people, about 35 minutes.

- 180 g brown lentils
- 1 lemon, 30 g butter, a bunch of parsley
- 1 small onion, 2 cloves of garlic

Cook the lentils in salted water for 25 minutes. Meanwhile, soften the onion and garlic in half of the
butter. Add the lentils, the juice and the rest of the butter, and let it stand for five minutes. Parsley last."""

TALKS: Final = (
    Talk(
        "Long lines in a large file",
        "Code reviewer",
        0,
        True,
        "How do I find lines over 120 characters in a 2 GB file?",
        GENERATOR,
    ),
    Talk("Three days in Basel", "Guide", 0, False, "Plan three quiet days in Basel for two.", PLAN),
    Talk("Lentils with lemon", "Kitchen", 1, False, "Lentils, a lemon, parsley. What can I cook?", LENTILS),
    Talk(
        "Title for the annual report",
        "Writer",
        1,
        False,
        "A title for a report about slow software?",
        "**Fast enough is a feature.**",
    ),
    Talk(
        "Why does the cache miss?",
        "Code reviewer",
        3,
        True,
        "Why does this cache always miss?",
        "The key holds a time stamp.",
    ),
    Talk(
        "Notes from the design review",
        "Writer",
        4,
        False,
        "Shorten these notes.",
        "Three decisions, one open question.",
    ),
    Talk("Reading list for the autumn", "Guide", 6, False, "Five books about cities?", "Start with Jane Jacobs."),
    Talk(
        "Move the database to the new host",
        "Guide",
        12,
        False,
        "In which order?",
        "Copy, check, switch, keep the old one a week.",
    ),
    Talk(
        "Birthday for a six-year-old",
        "Guide",
        30,
        False,
        "A treasure hunt for six children?",
        "Ten notes, one map, a cake.",
    ),
)


def archive() -> dict[str, Any]:
    """The conversations in the format that Wiz exports."""
    now = datetime.now(UTC)
    return {
        "format": "wiz-conversations",
        "version": 1,
        "exported_at": now.isoformat(),
        "conversations": [_conversation(now, number, talk) for number, talk in enumerate(TALKS)],
    }


def _conversation(now: datetime, number: int, talk: Talk) -> dict[str, Any]:
    at = (now - timedelta(days=talk.days, minutes=7 * number)).isoformat()
    question = {"id": "question", "role": "user", "content": talk.question, "created_at": at}
    answer = {"id": "answer", "parent": "question", "role": "assistant", "content": talk.answer, "created_at": at}
    return {
        "title": talk.title,
        "agent": talk.agent,
        "head": "answer",
        "is_pinned": talk.is_pinned,
        "created_at": at,
        "updated_at": at,
        "messages": [question, answer | {"agent_name": talk.agent, "runs": [_run(at)]}],
    }


def _run(at: str) -> dict[str, Any]:
    return {
        "status": "completed",
        "attempt": 1,
        "provider_name": "OpenAI",
        "model": "gpt-5-mini",
        "finish_reason": "stop",
        "usage": {"input_tokens": 412, "output_tokens": 389, "cost": "0.0009", "certain": True},
        "queued_at": at,
        "started_at": at,
        "first_token_at": at,
        "finished_at": at,
    }
