"""People, their API tokens, and the audit log."""

from accounts.models.audit import AuditEvent, LoginAttempt
from accounts.models.people import Installation, User, UserManager
from accounts.models.tokens import ApiToken, ApiTokenQuerySet

__all__ = ["ApiToken", "ApiTokenQuerySet", "AuditEvent", "Installation", "LoginAttempt", "User", "UserManager"]
