"""Budgets in the Django admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from providers.budgets.services import check_fields, remove_budget, set_budget
from providers.budgets.standing import lines_of_budget
from providers.budgets.words import used_words
from providers.models import Budget

FIELDS = ("kind", "person", "group", "tokens_per_day", "cost_per_month", "counts_own_keys")


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A budget, by the same rules as everywhere else."""

    class Meta:
        model = Budget
        fields = FIELDS

    def clean(self) -> dict[str, Any]:
        """For whom it is has to fit what it names."""
        given = super().clean() or self.cleaned_data
        if not self.errors:
            check_fields(Budget(**{name: given[name] for name in FIELDS}))
        return given


@admin.register(Budget)
class BudgetAdmin(ModelAdmin):  # type: ignore[misc]
    """Everything goes through the services, so that it is recorded and every process hears of it."""

    form = BudgetForm
    list_display = ("__str__", "kind", "tokens_per_day", "cost_per_month", "counts_own_keys", "used")
    list_filter = ("kind",)
    list_select_related = ("person", "group")
    search_fields = ("person__email", "group__name")
    autocomplete_fields = ("person", "group")

    @admin.display(description=_("used"))
    def used(self, budget: Budget) -> str:
        """How its limits stand; each person's own are on their own page."""
        return ", ".join(map(used_words, lines_of_budget(budget)))

    def save_model(self, request: HttpRequest, obj: Budget, form: BudgetForm, change: bool) -> None:
        """Write through the service."""
        set_budget(budget=obj, **{name: form.cleaned_data[name] for name in FIELDS})

    def delete_model(self, request: HttpRequest, obj: Budget) -> None:
        """Through the service."""
        remove_budget(budget=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Budget]) -> None:
        """Through the service, one by one."""
        for budget in queryset:
            remove_budget(budget=budget)
