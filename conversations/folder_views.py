"""The pages of the folders."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import PersonRequest
from conversations import shelf
from conversations.folder_forms import FolderForm
from conversations.models import Conversation, Folder
from conversations.rail import after, next_place, read_place

PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Make a folder."""
    form = FolderForm(request.POST or None)
    if request.method == "POST" and (folder := form.save_for(request.user)):
        return redirect("conversations:folder", folder.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "conversations/folder_new.html", {"form": form}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def folder(request: PersonRequest, pk: UUID) -> HttpResponse:
    """What is in a folder; with POST its name and instructions."""
    found = get_object_or_404(Folder.objects.visible_to(request.user), pk=pk)
    form = FolderForm(request.POST or None, instance=found)
    if request.method == "POST" and form.save_for(request.user):
        messages.success(request, _("The folder was saved."))
        return redirect("conversations:folder", pk)
    return _show(request, pk, form)


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Delete a folder, once its name was typed; its conversations stay."""
    found = get_object_or_404(Folder.objects.visible_to(request.user), pk=pk)
    if " ".join(request.POST.get("confirm", "").split()).casefold() != found.name.casefold():
        problem = _("Nothing was removed: what you typed is not the name.")
        return _show(request, pk, FolderForm(instance=found), problem=problem)
    shelf.delete_folder(folder=found)
    messages.success(request, _("The folder is gone; its conversations are in the list."))
    return redirect("conversations:new")


def _show(request: PersonRequest, pk: UUID, form: FolderForm, *, problem: str = "") -> HttpResponse:
    folder = Folder.objects.get(pk=pk)
    place = read_place(request.GET.get("before", ""))
    listed = (
        Conversation.objects.listed_for(request.user).filter(folder=pk).select_related("agent").prefetch_related("tags")
    )
    rows = list(after(listed, place)[: PAGE + 1])
    older = next_place(rows, PAGE)
    context = {"folder": folder, "name": folder.name, "form": form, "rows": rows, "older": older, "problem": problem}
    return render(request, "conversations/folder.html", context, status=422 if request.method == "POST" else 200)
