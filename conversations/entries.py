"""One line of the command palette."""

from dataclasses import dataclass

from conversations.finding import Piece


@dataclass(frozen=True, slots=True)
class Entry:
    """A place to go to (``url``), a form to send (``post``), or something that the page itself does (``act``)."""

    label: str
    icon: str
    url: str = ""
    post: str = ""
    act: str = ""
    also: str = ""
    """Other words for it, which are looked for and not shown."""
    about: str = ""
    """What stands at the end of the line."""
    keys: tuple[str, ...] = ()
    """The shortcut that does the same."""
    snippet: tuple[Piece, ...] = ()
    is_on: bool = False
    is_rename: bool = False

    @property
    def words(self) -> list[str]:
        """What a search compares."""
        return f"{self.label} {self.also}".casefold().split()

    def is_called(self, words: str) -> bool:
        """Whether the label itself begins like this."""
        return self.label.casefold().startswith(words.casefold())
