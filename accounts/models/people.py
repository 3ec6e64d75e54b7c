"""People, and the mark that says that the first administrator exists."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


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
    language = models.CharField(_("language"), max_length=10, blank=True)
    """One of ``settings.LANGUAGES``; blank for what the browser asks for."""
    default_agent = models.UUIDField(null=True, blank=True, editable=False)
    """Whom new conversations are with: an id only, as agents belong to a package further up. It may be gone."""
    temporary_by_default = models.BooleanField(default=False)
    high_contrast = models.BooleanField(_("high contrast"), default=False)
    single_keys = models.BooleanField(_("shortcuts of a single key"), default=True)

    changed_rights: ClassVar[list[str]] = []
    """What the save that is going on changes, for the audit log."""

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


class Installation(models.Model):
    """One row, written with the first administrator: the database itself refuses a second one."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    set_up_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_installation"),)

    def __str__(self) -> str:
        return f"set up at {self.set_up_at:%Y-%m-%d}"
