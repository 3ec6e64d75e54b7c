"""Whether a socket or a stream may go on; and the signals after which that is asked at once."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.signals import sessions_ended
from conversations.publication import publish_to_group, user_group

REVOKED = "user.revoked"


def is_still_signed_in(scope: Mapping[str, Any]) -> bool:
    """Whether the session of an ASGI scope is still that of its person, who may still log in."""
    request = HttpRequest()
    request.session = SessionStore(scope["session"].session_key)
    user = get_user(request)
    return user.is_authenticated and user.is_active and user.pk == scope["user"].pk


@receiver(user_logged_out)
@receiver(sessions_ended)
def close_after_logout(user: User | None, **_: object) -> None:
    """Ask all sockets of the person to look at their session."""
    if user is not None:
        publish_to_group(user_group(user.pk), {"type": REVOKED})


@receiver(post_delete, sender=User)
def close_after_deletion(instance: User, **_: object) -> None:
    """Nobody is there any more."""
    publish_to_group(user_group(instance.pk), {"type": REVOKED})


@receiver(post_save, sender=User)
def close_after_change(instance: User, *, created: bool, **_: object) -> None:
    """A person's rights or password may have changed."""
    if not created:
        publish_to_group(user_group(instance.pk), {"type": REVOKED})
