"""The library of prompts: texts that are asked for again and again, by a name that is typed after a slash."""

import uuid

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class PromptQuerySet(models.QuerySet["Prompt"]):
    """Reads of prompts."""

    def visible_to(self, user: User) -> "PromptQuerySet":
        """One's own, those for everyone, and those for one of the person's groups."""
        grouped = Q(visibility=Prompt.Visibility.GROUPS, groups__in=user.groups.values("pk"))
        return self.filter(Q(owner=user) | Q(visibility=Prompt.Visibility.EVERYONE) | grouped).distinct()

    def editable_by(self, user: User) -> "PromptQuerySet":
        """Only one's own."""
        return self.filter(owner=user)


class Prompt(models.Model):
    """A text with a name. ``{{variables}}`` in it are asked for when it is used: see ``conversations/prompts.py``."""

    class Visibility(models.TextChoices):
        """Who may use it."""

        PRIVATE = "private", _("Only me")
        GROUPS = "groups", _("My groups")
        EVERYONE = "everyone", _("Everyone")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="prompts")
    name = models.CharField(
        _("name"),
        max_length=40,
        validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", _("Lower-case letters, digits and single hyphens."))],
    )
    description = models.CharField(_("description"), max_length=300, blank=True)
    text = models.TextField(_("text"), max_length=20_000)
    visibility = models.CharField(_("visibility"), max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    groups = models.ManyToManyField(Group, blank=True, related_name="prompts")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PromptQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="prompt_name_per_owner"),)

    def __str__(self) -> str:
        return self.name
