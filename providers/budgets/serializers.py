"""The JSON forms of budgets."""

from typing import Any

from django.contrib.auth.models import Group
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from accounts.rest import StrictSerializer
from accounts.serializers import MeSerializer
from providers.budgets.standing import lines_of_budget, lines_shown_to
from providers.budgets.watch import budget_form
from providers.models import Budget


class BudgetLineSerializer(serializers.Serializer[Any]):
    """A limit that holds for a person."""

    budget = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Budget.Kind.choices)
    group = serializers.CharField(allow_null=True)
    measure = serializers.ChoiceField(choices=["tokens", "cost"])
    period = serializers.ChoiceField(choices=["day", "month"])
    limit = serializers.CharField(help_text="A number of tokens, or US dollars as a string.")
    used = serializers.CharField(help_text="As limit.")
    level = serializers.ChoiceField(choices=["ok", "warning", "exceeded"])
    counts_own_keys = serializers.BooleanField()
    resets_at = serializers.DateTimeField()


class BudgetSerializer(StrictSerializer, serializers.ModelSerializer[Budget]):
    """A budget. ``person`` is an e-mail address, ``group`` a name; no limit is ``null``."""

    person = serializers.SlugRelatedField[Any](
        slug_field="email", queryset=User.objects.all(), required=False, allow_null=True
    )
    group = serializers.SlugRelatedField[Any](
        slug_field="name", queryset=Group.objects.all(), required=False, allow_null=True
    )
    tokens_per_day = serializers.IntegerField(min_value=1, max_value=10**15, required=False, allow_null=True)
    cost_per_month = serializers.DecimalField(
        max_digits=12, decimal_places=4, min_value=0, required=False, allow_null=True, help_text="US dollars"
    )
    standing = serializers.SerializerMethodField()

    class Meta:
        model = Budget
        fields = (
            "id",
            "kind",
            "person",
            "group",
            "tokens_per_day",
            "cost_per_month",
            "counts_own_keys",
            "standing",
            "created_at",
        )
        read_only_fields = ("id", "created_at")
        validators: tuple[Any, ...] = ()

    @extend_schema_field(BudgetLineSerializer(many=True))
    def get_standing(self, budget: Budget) -> list[dict[str, object]]:
        """How its limits stand now; nothing where each person's is their own."""
        return [budget_form(line) for line in lines_of_budget(budget)]


class MeWithBudgetsSerializer(MeSerializer):
    """The caller, with the budgets that hold for them."""

    budgets = serializers.SerializerMethodField()

    class Meta(MeSerializer.Meta):
        fields = (*MeSerializer.Meta.fields, "budgets")  # type: ignore[assignment]

    @extend_schema_field(BudgetLineSerializer(many=True))
    def get_budgets(self, user: User) -> list[dict[str, object]]:
        """How they stand, as known within the last seconds."""
        return [budget_form(line) for line in lines_shown_to(user)]
