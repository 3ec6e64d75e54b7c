"""Signals that become entries of the audit log: whatever door a log-in or a change of rights came through."""

from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.audit import Action, record_event
from accounts.models import User
from accounts.sessions import remember_session

RIGHTS = ("is_active", "is_staff", "is_superuser")
LINKS = {"post_add": "added", "post_remove": "removed", "post_clear": "cleared"}


@receiver(user_logged_in)
def record_login(user: User, request: HttpRequest | None = None, **_: object) -> None:
    """Somebody came in."""
    record_event(action=Action.LOGGED_IN, target=user, actor=user, request=request)
    if request is not None:
        remember_session(request, user)


@receiver(user_login_failed)
def record_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: object) -> None:
    """Somebody did not come in. What was typed is not kept: people type passwords into the wrong field."""
    login = str(credentials.get("email") or credentials.get("username") or "")
    record_event(action=Action.LOGIN_FAILED, target=User.objects.filter(email__iexact=login).first(), request=request)


@receiver(user_logged_out)
def record_logout(user: User | None, request: HttpRequest | None = None, **_: object) -> None:
    """Somebody left."""
    if user is not None:
        record_event(action=Action.LOGGED_OUT, target=user, actor=user, request=request)


@receiver(pre_save, sender=User)
def notice_rights(instance: User, update_fields: Any = None, **_: object) -> None:
    """Remember which rights a save is going to change."""
    names = [name for name in RIGHTS if update_fields is None or name in update_fields]
    stored = User.objects.filter(pk=instance.pk).values(*names).first() if names else None
    changes = [
        f"{name}: {stored[name]} to {getattr(instance, name)}"
        for name in names
        if stored and stored[name] != getattr(instance, name)
    ]
    instance.__dict__["changed_rights"] = changes


@receiver(post_save, sender=User)
def record_change(instance: User, *, created: bool, **_: object) -> None:
    """A new person, other rights, another password."""
    if created:
        rights = [name for name in RIGHTS[1:] if getattr(instance, name)]
        record_event(action=Action.USER_CREATED, target=instance, detail=", ".join(rights))
        return
    if changes := instance.changed_rights:
        record_event(action=Action.RIGHTS_CHANGED, target=instance, detail=", ".join(changes))
    if getattr(instance, "_password", None) is not None:
        record_event(action=Action.PASSWORD_CHANGED, target=instance)


@receiver(post_delete, sender=User)
def record_deletion(instance: User, **_: object) -> None:
    """A person is gone."""
    record_event(action=Action.USER_DELETED, target=instance)


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def record_links(instance: Any, action: str, model: Any, pk_set: set[Any] | None, **_: object) -> None:
    """Groups of a person, people of a group, permissions of either."""
    if action not in LINKS or pk_set == set():
        return
    names = sorted(str(row) for row in model._default_manager.filter(pk__in=pk_set or ()))
    detail = f"{model._meta.verbose_name_plural} {LINKS[action]}: {', '.join(names)}"
    record_event(action=Action.RIGHTS_CHANGED, target=instance, detail=detail)
