"""REST: text and objects straight from a provider, outside any conversation."""

from functools import partial
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.rest import LargeJSONParser, person
from accounts.scopes import CHATTING
from providers.answer_forms import answer_form, object_form
from providers.answering import Answering
from providers.event_stream import stream_answer
from providers.fitting import fit_request
from providers.generate_serializers import (
    ObjectAnswerSerializer,
    ObjectRequestSerializer,
    TextAnswerSerializer,
    TextRequestSerializer,
)
from providers.metering import Call
from providers.requests import make_request
from providers.structured import complete_object
from providers.types import ChatRequest, Completion, JSONSchema
from providers.waiting import AlwaysJSON, Later, awaited

TEXT_RESPONSES: Final = {
    (200, "application/json"): TextAnswerSerializer,
    (200, "text/event-stream"): OpenApiTypes.STR,
}


class GenerateTextView(APIView):
    """Text from a model."""

    needs = CHATTING
    parser_classes = (LargeJSONParser,)
    content_negotiation_class = AlwaysJSON

    @extend_schema(request=TextRequestSerializer, responses=TEXT_RESPONSES, operation_id="generate_text")
    def post(self, request: Request) -> Later:
        """An answer: whole, or with ``stream`` as events.

        The events are text-delta and reasoning-delta ``{offset, text}``, notice, tool-call, and at last generation-end
        ``{status, finish_reason, usage, error, …}``. A failure before the first event is an ordinary error answer.
        """
        given = _parsed(TextRequestSerializer, request)
        is_streamed = given.pop("stream")
        answering = Answering([_call(given)], user=person(request))
        return answer_later(self, request, answering, is_streamed=is_streamed)


class GenerateObjectView(APIView):
    """An object from a model."""

    needs = CHATTING
    parser_classes = (LargeJSONParser,)
    content_negotiation_class = AlwaysJSON

    @extend_schema(request=ObjectRequestSerializer, responses=ObjectAnswerSerializer, operation_id="generate_object")
    def post(self, request: Request) -> Later:
        """An object that is valid under ``schema``; a wrong answer is shown to the model, ``max_repairs`` times."""
        given = _parsed(ObjectRequestSerializer, request)
        schema, max_repairs = given.pop("schema"), given.pop("max_repairs")
        return Later(self, partial(_object, _call(given), schema, max_repairs, person(request)))


def answer_later(view: APIView, request: Request, answering: Answering, *, is_streamed: bool) -> Later:
    """The answer as the caller wants it."""
    if is_streamed:
        return Later(view, partial(stream_answer, answering, request._request))
    return Later(view, partial(_whole, answering))


async def _whole(answering: Answering) -> Response:
    return Response(answer_form(await answering.whole(), answering))


async def _object(call: Call, schema: JSONSchema, max_repairs: int, user: User) -> Response:
    made: list[Answering] = []

    async def ask(request: ChatRequest) -> Completion:
        made.append(Answering([Call(call.provider, request)], user=user, goes_on=bool(made)))
        return await made[-1].whole()

    generated = await complete_object(call.provider, call.request, schema, ask=ask, max_repairs=max_repairs)
    return Response(object_form(generated, call, made))


def _call(given: dict[str, Any]) -> Call:
    provider, model = given.pop("provider"), given.pop("model")
    request, dropped = fit_request(provider, make_request(model, **given))
    return Call(provider, request, dropped)


def _parsed(serializer_class: Any, request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


generate_text = awaited(GenerateTextView.as_view())
generate_object = awaited(GenerateObjectView.as_view())
