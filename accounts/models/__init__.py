"""People, their API tokens, and the audit log."""

from accounts.models.audit import AuditEvent, LoginAttempt
from accounts.models.people import Installation, User, UserManager
from accounts.models.tokens import ApiToken, ApiTokenQuerySet, MakingKey

__all__ = [
    "ApiToken",
    "ApiTokenQuerySet",
    "AuditEvent",
    "Installation",
    "LoginAttempt",
    "MakingKey",
    "User",
    "UserManager",
]
