"""The pages on which agents are copied, taken along and brought here."""

import io
import json
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from rest_framework.exceptions import ParseError

from accounts.models import User
from accounts.requests import PersonRequest
from accounts.rest import BodyTooLarge, parse_json
from agents.copying import ProviderAsked, clone_agent, export_agent, import_agent
from agents.history_serializers import AgentFileSerializer
from agents.lookup import find_agent
from providers.models import Provider

FILE_LIMIT: Final = 1_000_000  # bytes; instructions have at most 100,000 characters


class ImportForm(forms.Form):
    """A file, or the text of one that was read before and lacks a provider."""

    file = forms.FileField(label=gettext_lazy("File"), required=False)
    text = forms.CharField(required=False, widget=forms.HiddenInput, max_length=FILE_LIMIT, strip=False)
    provider = forms.ModelChoiceField(
        label=gettext_lazy("Who answers"),
        queryset=Provider.objects.none(),
        required=False,
        empty_label=gettext_lazy("Choose a provider"),
        help_text=gettext_lazy("Among the providers that you may use."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["provider"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        choice.queryset = Provider.objects.visible_to(user).active()

    def clean(self) -> dict[str, Any]:
        """The described agent as ``agent``, its JSON as ``text``."""
        given = self.cleaned_data
        upload: UploadedFile[Any] | None = given.get("file")
        if upload is None and not given.get("text"):
            raise ValidationError({"file": _("Choose a file.")})
        try:
            raw = upload.read(FILE_LIMIT + 1) if upload else given["text"].encode()
            given["agent"], given["text"] = _read_file(raw), raw.decode()
        except ValidationError as error:
            raise ValidationError({"file": error.messages}) from None
        return given


@login_required
@require_POST
def clone(request: PersonRequest, pk: UUID) -> HttpResponse:
    """A copy of one's own."""
    agent = find_agent(request.user, pk)
    try:
        copy = clone_agent(agent=agent, owner=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("agents:edit", pk)
    messages.success(request, _("This is your copy. Only you can use it until you open it to others."))
    return redirect("agents:edit", copy.pk)


@login_required
@require_GET
def export(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The agent as a file."""
    agent = find_agent(request.user, pk)
    text = json.dumps(export_agent(agent=agent), indent=2, ensure_ascii=False)
    headers = {"Content-Disposition": f'attachment; filename="{agent.slug}.agent.json"'}
    return HttpResponse(f"{text}\n", content_type="application/json", headers=headers)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bring(request: PersonRequest) -> HttpResponse:
    """Import an agent; asks for a provider where none fits."""
    if request.method != "POST":
        return render(request, "agents/import.html", {"form": ImportForm(user=request.user)})
    form = ImportForm(request.POST, request.FILES, user=request.user)
    is_asked = False
    if form.is_valid():
        try:
            imported = import_agent(
                owner=request.user, file=form.cleaned_data["agent"], provider=form.cleaned_data["provider"]
            )
        except ProviderAsked as error:
            is_asked = True
            form.add_error("provider", error.messages)
        except ValidationError as error:
            form.add_error("file", list(_sentences(error)))
        else:
            words = _("%s was imported. Only you can use it until you open it to others.")
            messages.success(request, words % imported.agent)
            if imported.left_out:
                words = _("Left out, because nobody here answers for it: %s")
                messages.warning(request, words % ", ".join(imported.left_out))
            return redirect("agents:edit", imported.agent.pk)
    context = {"form": form, "is_asked": is_asked, "text": form.cleaned_data.get("text", "") if is_asked else ""}
    return render(request, "agents/import.html", context, status=422)


def _read_file(raw: bytes) -> Any:
    """The described agent; raises ``ValidationError`` with a sentence for every wrong field."""
    try:
        given = parse_json(io.BytesIO(raw), FILE_LIMIT)
    except BodyTooLarge:
        raise ValidationError(_("The file is larger than 1 MB; an agent is not.")) from None
    except ParseError:
        raise ValidationError(_("The file is not JSON. Choose one that Wiz has exported.")) from None
    if not isinstance(given, dict) or "wiz_agent" not in given:
        raise ValidationError(_("The file holds no agent. Choose one that Wiz has exported."))
    serializer = AgentFileSerializer(data=given)
    if not serializer.is_valid():
        raise ValidationError([f"{name}: {words}" for name, words in _flat(serializer.errors)])
    return serializer.validated_data


def _flat(errors: Any, place: str = "") -> Any:
    """Every message of nested errors with the path to its field."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from _flat(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(errors, list):
        for inner in errors:
            yield from _flat(inner, place)
    else:
        yield place, str(errors)


def _sentences(error: ValidationError) -> Any:
    if not hasattr(error, "error_dict"):
        return error.messages
    return [f"{name}: {' '.join(words)}" for name, words in error.message_dict.items()]
