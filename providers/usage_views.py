"""The page of what was used, under Settings."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PersonRequest
from providers.budgets.standing import lines_shown_to
from providers.usage_report import CHOICES, make_report


@login_required
@require_GET
def usage(request: PersonRequest) -> HttpResponse:
    """One's own use of the last days; for staff with ``everyone`` the whole server's."""
    is_everyone = bool(request.GET.get("everyone")) and request.user.is_staff
    asked = request.GET.get("days", "")
    days = next((days for days in CHOICES if str(days) == asked), 30)
    report = make_report(request.user, days=days, is_everyone=is_everyone)
    context = {"report": report, "lines": [] if is_everyone else lines_shown_to(request.user)}
    return render(request, "usage/usage.html", context)
