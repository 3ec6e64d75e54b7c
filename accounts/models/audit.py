"""What happened to accounts, tokens, rights and keys; and the attempts to log in that count against a limit."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class AuditEvent(models.Model):
    """What others may have to know about later. Written by ``audit.record_event`` and never changed."""

    class Action(models.TextChoices):
        """What happened."""

        LOGGED_IN = "login", _("Logged in")
        LOGIN_FAILED = "login-failed", _("Log-in failed")
        LOGGED_OUT = "logout", _("Logged out")
        PASSWORD_CHANGED = "password-changed", _("Password changed")
        EMAIL_CHANGED = "email-changed", _("E-mail address changed")
        FACTOR_ADDED = "factor-added", _("Second factor added")
        FACTOR_REMOVED = "factor-removed", _("Second factor removed")
        FACTOR_RESET = "factor-reset", _("Second factor reset")
        FACTOR_FAILED = "factor-failed", _("Second factor refused")
        RECOVERY_CODE_USED = "recovery-code-used", _("Recovery code used")
        SESSION_ENDED = "session-ended", _("Session ended")
        USER_CREATED = "user-created", _("User created")
        USER_DELETED = "user-deleted", _("User deleted")
        RIGHTS_CHANGED = "rights-changed", _("Rights changed")
        TOKEN_CREATED = "token-created", _("API token created")
        TOKEN_REVOKED = "token-revoked", _("API token revoked")
        PROVIDER_CREATED = "provider-created", _("Provider created")
        PROVIDER_CHANGED = "provider-changed", _("Provider changed")
        PROVIDER_DELETED = "provider-deleted", _("Provider deleted")
        KEY_SET = "key-set", _("Provider key set")
        KEY_REMOVED = "key-removed", _("Provider key removed")
        KEYS_ROTATED = "keys-rotated", _("Keys encrypted anew")
        EXPORTED = "exported", _("Exported")
        IMPORTED = "imported", _("Imported")
        WEBHOOK_CREATED = "webhook-created", _("Webhook created")
        WEBHOOK_CHANGED = "webhook-changed", _("Webhook changed")
        WEBHOOK_DELETED = "webhook-deleted", _("Webhook deleted")
        BUDGET_SET = "budget-set", _("Budget set")
        BUDGET_REMOVED = "budget-removed", _("Budget removed")

    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    action = models.CharField(_("what"), max_length=40, choices=Action)
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("who"))
    actor_name = models.CharField(_("who"), max_length=254, blank=True)
    target = models.CharField(_("to whom or what"), max_length=254, blank=True)
    target_id = models.CharField(max_length=40, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    via = models.CharField(_("by way of"), max_length=120, blank=True)
    address = models.GenericIPAddressField(_("from where"), null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at",), name="audit_newest"),)

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.target}".strip()


class LoginAttempt(models.Model):
    """An attempt to log in that has failed, or has not succeeded yet. Kept for minutes."""

    account = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    created_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=("account", "created_at"), name="attempt_account"),
            models.Index(fields=("address", "created_at"), name="attempt_address"),
            models.Index(fields=("created_at",), name="attempt_age"),
        )

    def __str__(self) -> str:
        return f"{self.address} at {self.created_at:%H:%M:%S}"
