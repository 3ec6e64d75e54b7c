"""How much may be used: by a person, by a group together, by everybody together."""

import uuid

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Budget(models.Model):
    """Limits of tokens in a day and of cost in a month, both in UTC. Without a limit of a kind there is none."""

    class Kind(models.TextChoices):
        """For whom it is."""

        SERVER = "server", _("the whole server together")
        GROUP = "group", _("a group together")
        PERSON = "person", _("one person")
        EACH = "each_person", _("every person who has no budget of their own")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("for"), max_length=20, choices=Kind)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="budgets",
        verbose_name=_("person"),
    )
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, null=True, blank=True, related_name="budgets", verbose_name=_("group")
    )
    tokens_per_day = models.PositiveBigIntegerField(
        _("tokens in a day"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    cost_per_month = models.DecimalField(
        _("US dollars in a month"),
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    counts_own_keys = models.BooleanField(
        _("counts people's own providers too"),
        default=False,
        help_text=_("Otherwise only what shared providers are asked counts and is stopped."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("kind", "created_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("person",), name="budget_once_per_person"),
            models.UniqueConstraint(fields=("group",), name="budget_once_per_group"),
            models.UniqueConstraint(
                fields=("kind",), condition=Q(kind__in=("server", "each_person")), name="budget_once_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind="person", person__isnull=False, group=None)
                | Q(kind="group", group__isnull=False, person=None)
                | Q(kind__in=("server", "each_person"), person=None, group=None),
                name="budget_names_whom_it_is_for",
            ),
            models.CheckConstraint(
                condition=Q(tokens_per_day__isnull=False) | Q(cost_per_month__isnull=False),
                name="budget_limits_something",
            ),
        )

    def __str__(self) -> str:
        return str(self.person or self.group or self.get_kind_display())


class BudgetNotice(models.Model):
    """That a limit was nearly or wholly used in a period has been told; nobody is told twice."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="notices")
    person_key = models.CharField(max_length=36, blank=True)
    measure = models.CharField(max_length=10)
    level = models.CharField(max_length=10)
    period = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("budget", "person_key", "measure", "level", "period"), name="budget_notice_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.budget}: {self.level} of {self.measure}"
