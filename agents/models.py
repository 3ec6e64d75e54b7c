"""Agents: named ways to use a model."""

import contextlib
import uuid
from copy import copy

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.models import Provider


class AgentQuerySet(models.QuerySet["Agent"]):
    """Reads of agents."""

    def visible_to(self, user: User) -> "AgentQuerySet":
        """One's own, those for everyone, and those for one of the person's groups."""
        grouped = Q(visibility=Agent.Visibility.GROUPS, groups__in=user.groups.values("pk"))
        return self.filter(Q(owner=user) | Q(visibility=Agent.Visibility.EVERYONE) | grouped).distinct()

    def editable_by(self, user: User) -> "AgentQuerySet":
        """One's own; staff also those without an owner."""
        return self.filter(Q(owner=user) | (Q(owner=None) if user.is_staff else Q(pk__in=[])))

    def that_use(self, provider: Provider) -> "AgentQuerySet":
        """Those that answer with a model of this provider, be it as a fallback."""
        # As text, because SQLite cannot look into JSON for a part of it.
        as_text = Cast("fallbacks", models.TextField())
        named = self.alias(fallbacks_as_text=as_text)
        return named.filter(Q(provider=provider) | Q(fallbacks_as_text__contains=str(provider.pk)))

    def usable(self) -> "AgentQuerySet":
        """Switched on."""
        return self.filter(is_active=True)


class Agent(models.Model):
    """Provider + model + system prompt + parameters. ``None`` leaves a parameter to the provider; 0 is a value."""

    class Visibility(models.TextChoices):
        """Who may use it."""

        PRIVATE = "private", _("Only me")
        GROUPS = "groups", _("Chosen groups")
        EVERYONE = "everyone", _("Everyone")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="agents"
    )
    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(max_length=60, unique=True, editable=False)
    description = models.CharField(_("description"), max_length=300, blank=True)
    icon = models.CharField(_("icon"), max_length=20, blank=True)
    colour = models.CharField(_("colour"), max_length=20, blank=True)
    provider = models.ForeignKey(
        Provider, on_delete=models.SET_NULL, null=True, blank=True, related_name="agents", verbose_name=_("provider")
    )
    model = models.CharField(_("model"), max_length=200, blank=True)
    system_prompt = models.TextField(_("system prompt"), max_length=100_000, blank=True)
    temperature = models.FloatField(
        _("temperature"), null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(2)]
    )
    max_tokens = models.PositiveIntegerField(
        _("longest answer"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(10_000_000)]
    )
    top_p = models.FloatField(
        _("top p"), null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    reasoning_effort = models.CharField(_("reasoning effort"), max_length=20, blank=True)
    response_schema = models.JSONField(_("response schema"), null=True, blank=True)
    starters = models.JSONField(default=list, blank=True)
    fallbacks = models.JSONField(default=list, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    groups = models.ManyToManyField(Group, blank=True, related_name="agents")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AgentQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="agent_name_per_owner"),)

    def __str__(self) -> str:
        return self.name

    def is_editable_by(self, user: User) -> bool:
        """As ``AgentQuerySet.editable_by``. To others the instructions, and what may repeat them, are not shown."""
        return self.owner_id == user.pk or (self.owner_id is None and user.is_staff)

    def named_models(self) -> list[tuple[uuid.UUID | None, str]]:
        """The provider's id and the model: the agent's own first, whatever it is, then its fallbacks'."""
        named: list[tuple[uuid.UUID | None, str]] = [(self.provider_id, self.model)]
        for fallback in self.fallbacks:
            # The admin lets everything into this column, and no list may break over it.
            with contextlib.suppress(KeyError, TypeError, ValueError):
                named.append((uuid.UUID(str(fallback["provider"])), str(fallback["model"])))
        return named

    @classmethod
    def bare(cls, owner: User, provider: Provider | None, model: str) -> "Agent":
        """A model alone, without instructions, as if it were an agent of ``owner``: never saved."""
        return cls(owner=owner, name=model[:100], provider=provider, model=model)

    @property
    def is_bare(self) -> bool:
        """Whether it stands for a model alone."""
        return bool(self._state.adding)

    def over(self, provider: Provider | None, model: str) -> "Agent":
        """The agent as it is, but over another model: a copy that is never saved."""
        other = copy(self)
        other.provider, other.model = provider, model
        return other


class AgentVersion(models.Model):
    """What the agent did from one save to the next: who saved it, when, and everything that shapes its answers.

    ``snapshot`` has the form of ``agents.versions.Snapshot``. Who may use the agent is not part of it.
    """

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    snapshot = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    restored_from = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("agent", "number"), name="agent_version_number"),)

    def __str__(self) -> str:
        return f"{self.agent_id} {self.number}"
