"""The pages of webhooks, under Settings."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PersonRequest
from providers.models import WebhookDelivery, WebhookEndpoint
from providers.webhooks.forms import EndpointForm
from providers.webhooks.services import delete_endpoint, retry_delivery, rotate_secret, send_test

SHOWN = 50  # deliveries on the page


@login_required
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """One's own endpoints, and for staff those of the whole server."""
    context = {"endpoints": WebhookEndpoint.objects.visible_to(request.user)}
    return render(request, "webhooks/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Add an endpoint; its secret is in the answer, this once."""
    form = EndpointForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid() and (made := form.save()):
        endpoint, secret = made
        return _show(request, endpoint, secret=secret)
    return render(request, "webhooks/form.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PersonRequest, pk: UUID) -> HttpResponse:
    """One endpoint with its log."""
    endpoint = _find(request, pk)
    if request.method != "POST":
        return _show(request, endpoint)
    form = EndpointForm(request.POST, user=request.user, endpoint=endpoint)
    if form.is_valid() and form.save():
        messages.success(request, _("The webhook is saved."))
        return redirect("webhooks:edit", pk)
    return _show(request, _find(request, pk), form=form)


@login_required
@require_GET
def deliveries(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The log without the page around it, for a page that waits for an answer."""
    return render(request, "webhooks/_deliveries.html", _log(_find(request, pk)))


@login_required
@require_POST
def test(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Send an event that says nothing."""
    endpoint = _find(request, pk)
    try:
        send_test(endpoint=endpoint)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("webhooks:edit", pk)
    if request.htmx:
        return render(request, "webhooks/_deliveries.html", _log(endpoint))
    return redirect("webhooks:edit", pk)


@login_required
@require_POST
def retry(request: PersonRequest, pk: UUID, delivery_pk: UUID) -> HttpResponse:
    """Send one of them again."""
    endpoint = _find(request, pk)
    delivery = get_object_or_404(endpoint.deliveries.select_related("endpoint"), pk=delivery_pk)
    try:
        retry_delivery(delivery=delivery)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("webhooks:edit", pk)
    if request.htmx:
        return render(request, "webhooks/_deliveries.html", _log(endpoint))
    return redirect("webhooks:edit", pk)


@login_required
@require_POST
def rotate(request: PersonRequest, pk: UUID) -> HttpResponse:
    """A new secret, shown this once."""
    endpoint = _find(request, pk)
    return _show(request, endpoint, secret=rotate_secret(endpoint=endpoint))


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Gone with its log."""
    endpoint = _find(request, pk)
    if request.POST.get("confirm", "").strip() != endpoint.host:
        problem = _("Type %s to delete this webhook.") % endpoint.host
        return _show(request, endpoint, delete_problem=problem)
    delete_endpoint(endpoint=endpoint)
    messages.success(request, _("The webhook to %s is deleted.") % endpoint)
    return redirect("webhooks:list")


def _find(request: PersonRequest, pk: UUID) -> WebhookEndpoint:
    endpoint: WebhookEndpoint = get_object_or_404(WebhookEndpoint.objects.visible_to(request.user), pk=pk)
    return endpoint


def _show(
    request: PersonRequest,
    endpoint: WebhookEndpoint,
    *,
    form: EndpointForm | None = None,
    secret: str = "",
    delete_problem: str = "",
) -> HttpResponse:
    context = {
        "form": form or EndpointForm(user=request.user, endpoint=endpoint),
        "secret": secret,
        "delete_problem": delete_problem,
        **_log(endpoint),
    }
    status = 422 if form or delete_problem else 200
    response = render(request, "webhooks/form.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def _log(endpoint: WebhookEndpoint) -> dict[str, object]:
    rows = list(endpoint.deliveries.all()[:SHOWN])
    is_waiting = any(_is_under_way(row) for row in rows) and endpoint.is_active
    return {"endpoint": endpoint, "deliveries": rows, "is_waiting": is_waiting}


def _is_under_way(row: WebhookDelivery) -> bool:
    """Whether something will come of it within seconds."""
    soon = timezone.now() + timedelta(seconds=10)
    return row.status == row.Status.PENDING and (row.next_attempt_at is None or row.next_attempt_at < soon)
