"""Strange text in Markdown: as code that nothing in it can end."""


def fenced(text: str, language: str = "") -> str:
    """A code block with this text."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
