"""Who may call, for doors that are not built on REST framework."""

from accounts.authentication import authenticate_token
from accounts.models import ApiToken, User
from accounts.permissions import check_scope
from accounts.scopes import Scope


def admit_token(value: str, *, scope: str) -> tuple[User, ApiToken]:
    """The person who calls with this token, and the token, which has to open ``scope``: ``read`` or ``chat``.

    Raises an ``APIException`` of REST framework with the reason. Callers remember the answer for less than a second.
    """
    user, token = authenticate_token(value)
    check_scope(user, token, Scope(scope))
    return user, token
