"""The audit log: who did what to whom, when, from where. Never a secret, never what somebody wrote."""

import ipaddress

from allauth.core import context
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import ApiToken, AuditEvent, User

Action = AuditEvent.Action


def record_event(
    *,
    action: AuditEvent.Action,
    target: Model | None = None,
    detail: str = "",
    actor: User | None = None,
    request: HttpRequest | None = None,
) -> AuditEvent:
    """Write down what happens, within the caller's transaction: what is rolled back did not happen.

    Who, by way of what and from where come from the request that is being answered; without one it was a command, or
    Wiz itself. ``detail`` names fields and scopes, never values that are secret.
    """
    request = request or context.request
    actor = actor or _caller(request)
    return AuditEvent.objects.create(
        action=action,
        actor=actor,
        actor_name=str(actor or "")[:254],
        target=_name(target),
        target_id=str(target.pk or "")[:40] if target is not None else "",
        detail=detail[:300],
        via=_door(request)[:120],
        address=address_of(request),
    )


def address_of(request: HttpRequest | None) -> str | None:
    """The caller's address as the web server knows it, which believes no header but a trusted proxy's."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))) if request is not None else None
    except ValueError:
        return None


def _caller(request: HttpRequest | None) -> User | None:
    """Looked up again: the request's own object may act with fewer rights, or be gone by now."""
    user = getattr(request, "user", None)
    return User.objects.filter(pk=user.pk).first() if user is not None and user.is_authenticated else None


def _name(target: Model | None) -> str:
    if target is None:
        return ""
    return f"{target._meta.verbose_name} {target}"[:254]


def _door(request: HttpRequest | None) -> str:
    if request is None:
        return "command"
    token = getattr(request, "auth", None)
    if isinstance(token, ApiToken):
        return f"token {token.name}"
    return "admin" if request.path.startswith("/admin/") else "browser"
