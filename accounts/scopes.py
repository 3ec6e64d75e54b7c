"""What a token opens. The table of docs/api.md, as code.

| scope | opens |
|---|---|
| ``read`` | whatever only looks: every GET, event streams included |
| ``chat`` | ``read``, and conversations, messages, runs, direct questions to agents and models, the gateway |
| ``manage`` | ``read``, and providers, their keys and models, agents, webhooks, own tokens, sessions and preferences |
| ``admin`` | ``read``, the registry, budgets, and everywhere else the rights of an administrator |

Only administrators' tokens can have ``admin``; without it such a token has the rights of a person like any other. A
log-in with the browser has all four.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Scope(models.TextChoices):
    """One kind of thing that a token may do."""

    READ = "read", _("Read")
    CHAT = "chat", _("Chat")
    MANAGE = "manage", _("Manage")
    ADMIN = "admin", _("Administer")


def every_scope() -> list[str]:
    """What a token has that was not limited."""
    return list(Scope.values)


def opened_by(scopes: Iterable[str]) -> set[str]:
    """The scopes with what they bring along: whoever may change may look."""
    given = set(scopes)
    return given | {Scope.READ.value} if given else given


@dataclass(frozen=True, slots=True)
class Needs:
    """The scopes that an address asks for: to look, and for every other method, of which there may be none."""

    read: Scope = Scope.READ
    write: Scope | None = None

    def of(self, method: str | None) -> Scope | None:
        """The scope for an HTTP method; ``None`` when it is open to nobody."""
        return self.read if method in SAFE_METHODS else self.write


READING = Needs()
CHATTING = Needs(write=Scope.CHAT)
MANAGING = Needs(write=Scope.MANAGE)
ADMINISTERING = Needs(read=Scope.ADMIN, write=Scope.ADMIN)
