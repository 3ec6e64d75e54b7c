"""The pages of an agent's history."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PersonRequest
from agents.differences import LABELS, changed_labels, compare, readable
from agents.lookup import find_agent
from agents.restoring import restore_version
from agents.versions import find_version

TOO_LONG = 10  # digits that no version's number has


@login_required
@require_GET
def versions(request: PersonRequest, pk: UUID) -> HttpResponse:
    """All versions, newest first, each with what changed in it."""
    agent = find_agent(request.user, pk)
    rows = list(agent.versions.select_related("author"))
    older = [*rows[1:], None]
    listed = [
        (row, changed_labels(before.snapshot, row.snapshot) if before else [])
        for row, before in zip(rows, older, strict=True)
    ]
    return render(request, "agents/versions.html", {"agent": agent, "versions": listed})


@login_required
@require_GET
def version(request: PersonRequest, pk: UUID, number: int) -> HttpResponse:
    """What differs between a version and another one, which is the one before unless ``against`` names it."""
    agent = find_agent(request.user, pk)
    found = find_version(agent, number)
    numbers = list(agent.versions.values_list("number", flat=True))
    wanted = request.GET.get("against", "")
    is_named = wanted.isdecimal() and len(wanted) < TOO_LONG
    against = find_version(agent, wanted) if is_named else agent.versions.filter(number__lt=number).first()
    context = {
        "agent": agent,
        "version": found,
        "against": against,
        "changes": compare(against.snapshot, found.snapshot) if against is not None else [],
        "fields": [(label, readable(name, found.snapshot.get(name))) for name, label in LABELS.items()],
        "numbers": [other for other in numbers if other != number],
        "is_newest": number == numbers[0],
    }
    return render(request, "agents/version.html", context)


@login_required
@require_POST
def restore(request: PersonRequest, pk: UUID, number: int) -> HttpResponse:
    """Make the agent what it was, as a new version."""
    agent = find_agent(request.user, pk)
    try:
        restored = restore_version(version=find_version(agent, number), author=request.user)
    except ValidationError as error:
        messages.error(
            request,
            _("Version %(number)d was not brought back. %(why)s")
            % {
                "number": number,
                "why": " ".join(error.messages),
            },
        )
        return redirect("agents:version", pk, number)
    newest = restored.versions.first()
    messages.success(
        request,
        _("%(name)s is as it was in version %(number)d.")
        % {
            "name": restored.name,
            "number": number,
        },
    )
    if newest and newest.note:
        messages.warning(request, newest.note)
    return redirect("agents:edit", pk)
