"""REST: budgets, for administrators; and the caller with the budgets that hold for them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import MeView
from accounts.scopes import ADMINISTERING
from providers.budgets.serializers import BudgetSerializer, MeWithBudgetsSerializer
from providers.budgets.services import remove_budget, set_budget
from providers.models import Budget


class MeWithBudgetsView(MeView):
    """Who is calling, and what they may still use."""

    serializer_class = MeWithBudgetsSerializer


class BudgetViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Budget]
):
    """Every budget, for administrators."""

    needs = ADMINISTERING
    serializer_class = BudgetSerializer
    queryset = Budget.objects.select_related("person", "group")

    @extend_schema(request=BudgetSerializer, responses={201: BudgetSerializer})
    def create(self, request: Request) -> Response:
        """A new budget; one for the server, one for each group and person, one for everybody else."""
        budget = set_budget(**self._parsed(partial=False))
        return Response(BudgetSerializer(budget).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=BudgetSerializer, responses=BudgetSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change fields; ``null`` takes a limit away."""
        budget = set_budget(budget=self.get_object(), **self._parsed(partial=True))
        return Response(BudgetSerializer(budget).data)

    def perform_destroy(self, instance: Budget) -> None:
        """Without it nothing is limited, as far as it was concerned."""
        remove_budget(budget=instance)

    def _parsed(self, *, partial: bool) -> dict[str, Any]:
        serializer = BudgetSerializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
