"""The page about password and second factors, and about the devices that are logged in."""

import ipaddress
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.factors import has_factor, is_required
from accounts.requests import PersonRequest
from accounts.sessions import devices_of, end_other_sessions, end_session, sessions_of

PasskeyView = Callable[..., HttpResponseBase]


@login_required
@require_safe
def security(request: PersonRequest) -> HttpResponse:
    """Password, authenticator app, passkeys, recovery codes."""
    rows = list(Authenticator.objects.filter(user=request.user).order_by("created_at", "pk"))
    by_type = {row.type: row for row in rows}
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "app": by_type.get(Authenticator.Type.TOTP),
        "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "has_factor": has_factor(request.user),
        "is_required": is_required(request.user),
        "is_numeric_host": _is_numeric(request),
    }
    return render(request, "accounts/security.html", context)


@login_required
def to_security(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view
    """Where allauth's flows end."""
    return redirect("accounts:security")


def own_passkey(view: PasskeyView) -> PasskeyView:
    """A view of one passkey that is 404 for everybody else's before it asks for anything."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, pk: int) -> HttpResponseBase:
        if not Authenticator.objects.filter(pk=pk, user=request.user.pk, type=Authenticator.Type.WEBAUTHN).exists():
            raise Http404
        return view(request, pk=pk)

    return guarded


@login_required
@require_safe
def sessions(request: PersonRequest) -> HttpResponse:
    """The devices that are logged in, this one first."""
    devices = devices_of(request.user, request.session.session_key)
    devices.sort(key=lambda device: not device.is_current)
    return render(request, "accounts/sessions.html", {"devices": devices})


@login_required
@require_POST
def remove_session(request: PersonRequest, pk: int) -> HttpResponse:
    """Log one device out."""
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    is_own = session.session_key == request.session.session_key
    end_session(session=session)
    if is_own:
        return redirect("account_login")
    messages.success(request, _("That device is logged out."))
    return redirect("accounts:sessions")


@login_required
@require_POST
def remove_other_sessions(request: PersonRequest) -> HttpResponse:
    """Log out everywhere else."""
    count = end_other_sessions(user=request.user, current_key=request.session.session_key)
    said = ngettext("%(count)d other device is logged out.", "%(count)d other devices are logged out.", count)
    messages.success(request, said % {"count": count})
    return redirect("accounts:sessions")


def _is_numeric(request: HttpRequest) -> bool:
    """Whether the site is reached by an IP address, for which browsers make no passkeys."""
    try:
        ipaddress.ip_address(urlsplit(f"//{request.get_host()}").hostname or "")
    except ValueError:
        return False
    return True
