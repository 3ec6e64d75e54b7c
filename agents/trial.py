"""Trying an agent while it is written: what the form says answers, and nothing of it is kept."""

import json
from typing import Any, Final
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import person
from accounts.scopes import CHATTING
from agents.forms import OF_NO_MATTER, AgentForm
from agents.models import Agent
from agents.serializers import MESSAGE_LENGTH, read_history
from agents.services import build_calls
from providers.answering import Answering
from providers.generate_api import answer_later
from providers.types import ChatMessage
from providers.waiting import AlwaysJSON, Later, awaited

TURNS: Final = 200


class TrialView(APIView):
    """The editor's test chat: its form's values and the talk so far come along with every question."""

    needs = CHATTING
    parser_classes = (FormParser, MultiPartParser)
    content_negotiation_class = AlwaysJSON

    @extend_schema(exclude=True)
    def post(self, request: Request, pk: UUID | None = None) -> Later | Response:
        """The events of ``/generate/text/``; 422 with sentences when the form is not ready to answer."""
        user = person(request)
        mine = Agent.objects.editable_by(user).select_related("provider", "owner")
        agent = get_object_or_404(mine, pk=pk) if pk else None
        form = AgentForm(request.data, user=user, agent=agent)
        draft = form.draft()
        if draft is None:
            problems = list(_problems(form))
            return Response({"problems": problems}, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
        calls = build_calls(draft, _talk(request.data))
        return answer_later(self, request, Answering(calls, user=user), is_streamed=True)


def _problems(form: AgentForm) -> Any:
    """What keeps the form from answering, each with the name of its field."""
    for name, words in form.errors.items():
        if name in OF_NO_MATTER:
            continue
        field = form.fields.get(name)
        place = form[name].id_for_label if field else ""
        sentence = " ".join(map(str, words))
        yield {"field": place, "text": f"{field.label}: {sentence}" if field else sentence}
    for row in form.fallback_rows:
        for words in row.errors.values() if row.is_bound else ():
            text = _("Fallback %(number)d: %(words)s") % {"number": row.number, "words": " ".join(map(str, words))}
            yield {"field": row["provider"].id_for_label, "text": text}


def _talk(data: Any) -> list[ChatMessage]:
    """The earlier turns and the question; raises ``ValidationError``."""
    question = str(data.get("try-message", "")).strip()
    if not question or len(question) > MESSAGE_LENGTH:
        raise ValidationError({"message": [_("Write a message of at most %d characters.") % MESSAGE_LENGTH]})
    try:
        turns = json.loads(data.get("try-history") or "[]")
    except (ValueError, RecursionError):
        turns = None
    if not isinstance(turns, list) or len(turns) > TURNS or not all(isinstance(turn, dict) for turn in turns):
        raise ValidationError({"history": [_("The talk so far cannot be read. Begin a new one.")]})
    return [*read_history(turns), ChatMessage(role="user", content=question)]


trial = awaited(TrialView.as_view())
