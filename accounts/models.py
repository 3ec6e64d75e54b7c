"""People, their API tokens, and the mark that says that the first administrator exists."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scopes import Scope, every_scope, opened_by


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """A user whose address is stored in lower case; raises ``ValueError`` without an address."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """An administrator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Look a person up as the log-in form does: without regard to case."""
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person, known by e-mail address."""

    class Theme(models.TextChoices):
        """How the pages look."""

        SYSTEM = "system", _("System")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    username = None  # type: ignore[assignment]
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    theme = models.CharField(_("theme"), max_length=10, choices=Theme, default=Theme.SYSTEM)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        ordering = ("email",)
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_any_case"),)

    def __str__(self) -> str:
        return self.email

    @property
    def label(self) -> str:
        """What others see: the name, else the part of the address before the @."""
        return self.name or self.email.split("@")[0]

    def lay_down_rights(self) -> None:
        """Go on as a person who is no administrator. Such an object cannot be saved."""
        self.is_staff = self.is_superuser = False
        self._has_laid_down_rights = True

    def save(self, *args: Any, **options: Any) -> None:
        """Raises ``ValueError`` for an object that stands for fewer rights than its person has."""
        if getattr(self, "_has_laid_down_rights", False):
            raise ValueError("This user acts without an administrator's rights, which saving would take away for ever.")
        super().save(*args, **options)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reads of API tokens."""

    def visible_to(self, user: User) -> "ApiTokenQuerySet":
        """Only one's own."""
        return self.filter(user=user)

    def usable(self) -> "ApiTokenQuerySet":
        """Not expired, and of a person who may log in."""
        alive = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(alive, user__is_active=True)


class ApiToken(models.Model):
    """A bearer token. Only the SHA-256 of its value is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=every_scope)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.name

    def opens(self, scope: str) -> bool:
        """Whether the token may be used for this."""
        return scope in opened_by(self.scopes)

    @property
    def scope_labels(self) -> list[str]:
        """The scopes' names for people."""
        return [str(Scope(name).label) for name in self.scopes]


class Installation(models.Model):
    """One row, written with the first administrator: the database itself refuses a second one."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    set_up_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_installation"),)

    def __str__(self) -> str:
        return f"set up at {self.set_up_at:%Y-%m-%d}"
