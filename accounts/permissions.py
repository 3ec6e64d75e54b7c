"""Whether a caller may use an address: by the scopes of the token, and by being an administrator."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.scopes import Needs, Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which reads the settings, which name this module


def check_scope(user: User | AnonymousUser, token: object, scope: Scope) -> None:
    """Raise ``PermissionDenied`` unless the token, if any, opens ``scope``; ``admin`` is for administrators only."""
    if isinstance(token, ApiToken) and not token.opens(scope):
        message = _("This token does not have the scope %(name)s. Create one that has it under Settings.")
        raise PermissionDenied(message % {"name": scope}, code="scope_missing")
    if scope == Scope.ADMIN and not user.is_staff:
        raise PermissionDenied(_("Only administrators may do this."))


class HasScope(BasePermission):
    """Every view says in ``needs`` which scopes it asks for. What says nothing is closed to everybody."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises ``PermissionDenied`` with the scope that is missing."""
        if not hasattr(view, str(request.method).lower()):
            return True  # there is nothing to be refused: the answer is 405
        needs = getattr(view, "needs", None)
        scope = needs.of(request.method) if isinstance(needs, Needs) else None
        if scope is None:
            return False
        check_scope(request.user, request.auth, scope)
        return True
