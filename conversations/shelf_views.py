"""What is done to a conversation as a whole: rename, pin, archive, delete."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import PersonRequest
from conversations import services
from conversations.models import Conversation
from conversations.pages import find_conversation


@login_required
@require_POST
def rename(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Give it another title."""
    conversation = find_conversation(request, pk)
    try:
        services.rename_conversation(conversation=conversation, title=request.POST.get("title", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("conversations:detail", pk)


@login_required
@require_POST
def pin(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Keep it at the top of the rail, or let it go again."""
    conversation = find_conversation(request, pk)
    Conversation.objects.filter(pk=pk).update(is_pinned=not conversation.is_pinned)
    return redirect("conversations:detail", pk)


@login_required
@require_POST
def archive(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Take it out of the rail, or put it back; search finds it either way."""
    conversation = find_conversation(request, pk)
    Conversation.objects.filter(pk=pk).update(is_archived=not conversation.is_archived)
    if conversation.is_archived:
        return redirect("conversations:detail", pk)
    undo = '{} <button class="link-button" type="submit" form="act" formaction="{}">{}</button>'
    text = _("Archived. Search still finds it.")
    messages.success(request, format_html(undo, text, reverse("conversations:archive", args=[pk]), _("Undo")))
    return redirect("conversations:new")


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Remove it for good, once its title was typed."""
    conversation = find_conversation(request, pk)
    typed = " ".join(request.POST.get("confirm", "").split())
    if typed.casefold() != (conversation.title or _("New conversation")).casefold():
        messages.error(request, _("Nothing was deleted: what you typed is not the title."))
        return redirect("conversations:detail", pk)
    services.delete_conversation(conversation=conversation)
    messages.success(request, _("The conversation was deleted."))
    return redirect("conversations:new")
