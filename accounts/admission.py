"""Who may call, for doors that are not built on REST framework."""

from accounts.authentication import authenticate_token
from accounts.models import User


def admit_token(value: str, *, scope: str) -> User:  # noqa: ARG001 - every token may do everything
    """The person who calls with this token, which has to hold ``scope``: ``read`` or ``chat``.

    Raises an ``APIException`` of REST framework with the reason. Callers remember the answer for less than a second.
    """
    user, _token = authenticate_token(value)
    return user
