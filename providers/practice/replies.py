"""What the practice models say: deterministic, chosen by the last message of the user."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

ECHO = "echo:"
LONG_TOKENS = 2000
TOKEN_LIMIT = 1_000_000
_TOKEN = re.compile(r"\s*\S{1,6}|\s+")
_ASKED_TOKENS = re.compile(r"\btokens\s*=\s*(\d{1,7})")
_CODE = re.compile(r"\b(code|python|function|program|script)\b", re.IGNORECASE)
_TOUR = re.compile(r"\b(markdown|tour|formatting|table)\b", re.IGNORECASE)
_GREETING = re.compile(r"^\W*(hi|hello|hey|good (morning|evening)|what can you do|who are you|help)\b", re.IGNORECASE)
_LONG = re.compile(r"\blong (story|answer|text|essay|reply)\b", re.IGNORECASE)

GREETING = """Hello! I am the **practice model** of Wiz. I run on this server, cost nothing and need no key.

Try one of these:

- `Show me a Markdown tour` to see headings, tables, code and mathematics
- `Write some Python code` for a listing
- `Write a long story` to watch a long answer arrive
- `echo: anything` to get exactly *anything* back
- `fault: stall` to see how Wiz copes when a provider breaks

When you want real answers, add a provider with your own key under **Providers**.
"""

TOUR = """# A Markdown tour

Text can be **bold**, *italic*, ~~struck out~~ or `code`, and it can [link](https://example.com/).

## Lists

1. First
2. Second
   - nested
   - also nested

- [x] a finished task
- [ ] an open task

## A table

| Model | Pace | Good for |
|:--|--:|:-:|
| practice | 60 tokens/s | a first look |
| practice-fast | unpaced | tests |
| practice-slow | 5 tokens/s | patience |

> A quotation, which may
> run over several lines.

## Mathematics

Inline $e^{i\\pi} + 1 = 0$ and in a block:

$$
\\int_0^1 x^2 \\, dx = \\frac{1}{3}
$$

---

That is all.
"""

CODE = """Here is a small program:

```python
from collections.abc import Iterator


def fibonacci(limit: int) -> Iterator[int]:
    \"\"\"Yield the Fibonacci numbers below ``limit``.\"\"\"
    current, following = 0, 1
    while current < limit:
        yield current
        current, following = following, current + following


print(list(fibonacci(100)))
```

It prints `[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]`.
"""

OTHER = """You wrote:

{quotation}

I am a practice model: I answer from a script, so that you can try out Wiz without a key. For real answers open
**Providers**, choose *Add provider*, paste your key and pick a model.
"""

SEEN = "Pictures I was shown: {} ({})."

SENTENCES = (
    "The lighthouse keeper counted the waves until they became a kind of clock.",
    "Every seventh wave carried a letter, folded small and written in a careful hand.",
    "She read them aloud to the gulls, who pretended not to listen.",
    "On the mainland somebody was waiting for an answer that had not been asked for yet.",
    "The lamp turned, and the night stepped back one pace at a time.",
    "By morning the tide had rearranged the beach and left a new page to read.",
)
REASONING = (
    "The question is short, so a short plan will do. First I look at what was asked. "
    "Then I recall what a practice model can say about it. Finally I write it down clearly."
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, piece by piece; a piece stands for one token."""

    text: str
    limit: int | None = None
    """The exact number of tokens wanted, for texts made to measure."""

    def pieces(self) -> list[str]:
        """The tokens; joined they are the text."""
        if self.limit is None:
            return tokens(self.text)
        return list(islice(story(), self.limit))


def reply_to(message: str, pictures: Sequence[str] = ()) -> Reply:
    """The scripted reply to the user's last message, which names the pictures that came with it."""
    if pictures:
        said = message[len(ECHO) :].removeprefix(" ") if message.lower().startswith(ECHO) else message
        return Reply("\n\n".join(part for part in (said, SEEN.format(len(pictures), ", ".join(pictures))) if part))
    if message.lower().startswith(ECHO):
        return Reply(message[len(ECHO) :].removeprefix(" "))
    if asked := _ASKED_TOKENS.search(message):
        return Reply("", limit=min(int(asked[1]), TOKEN_LIMIT))
    if _LONG.search(message):
        return Reply("", limit=LONG_TOKENS)
    for pattern, text in ((_GREETING, GREETING), (_TOUR, TOUR), (_CODE, CODE)):
        if pattern.search(message):
            return Reply(text)
    quotation = "\n".join(f"> {line}" for line in message[:500].splitlines() or [""])
    return Reply(OTHER.format(quotation=quotation))


def tokens(text: str) -> list[str]:
    """The text in pieces of a few characters, none lost."""
    return _TOKEN.findall(text)


def story() -> Iterator[str]:
    """Tokens of a story without end."""
    chapter = 0
    while True:
        chapter += 1
        yield from tokens(f"## Chapter {chapter}\n\n" + " ".join(SENTENCES) + "\n\n")
