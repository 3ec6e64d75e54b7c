"""The pages of the library of prompts, and the list that opens at a slash in the composer."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PersonRequest
from conversations.models import Prompt
from conversations.prompt_forms import PromptForm
from conversations.prompts import delete_prompt

OFFERED = 20
LISTED = 500


@login_required
@require_GET
def library(request: PersonRequest) -> HttpResponse:
    """One's own prompts and those of others that may be used."""
    rows = Prompt.objects.visible_to(request.user).select_related("owner")[:LISTED]
    return render(request, "conversations/prompts.html", {"prompts": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Add a prompt."""
    form = PromptForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and (prompt := form.store()):
        messages.success(request, _("Saved. Type /%(name)s in a conversation to use it.") % {"name": prompt.name})
        return redirect("conversations:prompts")
    return _show(request, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Change one's own prompt."""
    prompt = _own(request, pk)
    form = PromptForm(request.POST if request.method == "POST" else None, user=request.user, instance=prompt)
    if form.is_bound and form.store():
        messages.success(request, _("The prompt was saved."))
        return redirect("conversations:prompts")
    return _show(request, form, _own(request, pk))


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Remove one's own prompt, once its name was typed."""
    prompt = _own(request, pk)
    if request.POST.get("confirm", "").strip().removeprefix("/") != prompt.name:
        problem = _("Nothing was removed: what you typed is not the name.")
        return _show(request, PromptForm(user=request.user, instance=prompt), prompt, problem)
    delete_prompt(prompt=prompt)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": prompt.name})
    return redirect("conversations:prompts")


@login_required
@require_GET
def offer(request: PersonRequest) -> HttpResponse:
    """What a slash offers: the prompts whose name or description hold the words, names that begin so first."""
    words = request.GET.get("q", "").replace("\0", " ").strip()[:100]
    rows = Prompt.objects.visible_to(request.user).select_related("owner")
    rows = rows.filter(Q(name__icontains=words) | Q(description__icontains=words)) if words else rows
    ranked = sorted(rows[:LISTED], key=lambda prompt: not prompt.name.startswith(words.casefold()))
    context = {"prompts": ranked[:OFFERED], "words": words}
    return render(request, "conversations/_prompt_options.html", context)


def _own(request: PersonRequest, pk: UUID) -> Prompt:
    return get_object_or_404(Prompt.objects.editable_by(request.user), pk=pk)


def _show(request: PersonRequest, form: PromptForm, prompt: Prompt | None = None, problem: str = "") -> HttpResponse:
    context = {"form": form, "prompt": prompt, "problem": problem}
    is_refused = bool(problem) or (form.is_bound and bool(form.errors))
    return render(request, "conversations/prompt.html", context, status=422 if is_refused else 200)
