"""The pages of share links: making and ending them, and what their readers see."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.requests import PersonRequest
from conversations import sharing
from conversations.branch import branch_to
from conversations.models import Conversation, Share
from conversations.pages import find_conversation


class ShareForm(forms.Form):
    """Whom a new link is for, and for how long."""

    LIFETIMES: ClassVar = (("1", _("One day")), ("7", _("7 days")), ("30", _("30 days")), ("", _("Until it is ended")))

    audience = forms.ChoiceField(label=_("Who can read it"), widget=forms.RadioSelect)
    days = forms.ChoiceField(label=_("How long"), choices=LIFETIMES, required=False, initial="30")

    def __init__(self, *args: object, conversation: Conversation, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.conversation = conversation
        audience = self.fields["audience"]
        assert isinstance(audience, forms.ChoiceField)  # noqa: S101 - tells the type checker
        audience.choices = [(choice.value, choice.label) for choice in sharing.allowed_audiences()]
        audience.initial = Share.Audience.MEMBERS

    def save(self) -> bool:
        """Make the link; false when something is wrong, which the form then says."""
        if not self.is_valid():
            return False
        days = self.cleaned_data["days"]
        expires_at = timezone.now() + timedelta(days=int(days)) if days else None
        try:
            sharing.share_conversation(
                conversation=self.conversation, audience=self.cleaned_data["audience"], expires_at=expires_at
            )
        except ValidationError as error:
            self.add_error(None, error.messages)
            return False
        return True


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The links of a conversation; with POST one more."""
    conversation = find_conversation(request, pk)
    form = ShareForm(request.POST or None, conversation=conversation)
    if request.method == "POST" and form.save():
        return redirect("conversations:share", pk)
    context = {
        "conversation": conversation,
        "form": form if sharing.allowed_audiences() else None,
        "shares": Share.objects.visible_to(request.user).open().filter(conversation=conversation),
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "conversations/share.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def end(request: PersonRequest, pk: UUID, share_pk: UUID) -> HttpResponse:
    """Make a link lead nowhere."""
    found = get_object_or_404(Share.objects.visible_to(request.user), pk=share_pk, conversation=pk)
    sharing.end_share(share=found)
    return redirect("conversations:share", pk)


@require_GET
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """What a link leads to. Whose it is, is not said; search engines are asked to stay away."""
    reader = request.user if isinstance(request.user, User) else None
    found = sharing.find_share(token, reader)
    if found is None:
        raise Http404
    context = {"conversation": found.conversation, "branch": branch_to(found.head), "share": found}
    response = render(request, "conversations/shared.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
