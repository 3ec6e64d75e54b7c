"""What every REST endpoint shares: strict bodies, cursor pages."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, TypeVar, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import pagination, parsers, serializers
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User

Row = TypeVar("Row", bound=Model)
MAX_DEPTH = 64
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="An ETag; 304 when it is still right."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag of what is to be changed.")


class BodyTooLarge(APIException):
    """More bytes than the address takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body is too large."


class StrictJSONParser(parsers.JSONParser):
    """JSON without what cannot be stored or would exhaust us: NUL, lone surrogates, NaN, infinity, depth over 64."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - the framework passes it
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - as above
    ) -> Any:
        """The parsed body; raises ``ParseError`` (400) or ``BodyTooLarge`` (413)."""
        return parse_json(stream, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class LargeJSONParser(parsers.BaseParser):
    """As ``StrictJSONParser``, for bodies that may hold images: up to ``IMAGE_BODY_LIMIT`` bytes."""

    # REST framework holds every descendant of its own JSON parser to the ordinary limit.
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - the framework passes it
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - as above
    ) -> Any:
        """The parsed body; raises ``ParseError`` (400) or ``BodyTooLarge`` (413)."""
        return parse_json(stream, settings.IMAGE_BODY_LIMIT)


def parse_json(stream: IO[Any], limit: int) -> Any:
    """The JSON value in at most ``limit`` bytes; raises ``ParseError`` or ``BodyTooLarge``."""
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant, parse_float=_finite)
        _check(value, MAX_DEPTH)
    except RecursionError:
        raise ParseError(_("The JSON is nested too deeply.")) from None
    except ValueError as error:
        raise ParseError(_("The body is not valid JSON: %(reason)s") % {"reason": error}) from None
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is too large")
    return number


def _check(value: object, depth: int) -> None:
    """Refuse depth and characters that cannot be stored."""
    if depth == 0:
        raise RecursionError
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
            raise ValueError("NUL characters and lone surrogates cannot be stored")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)


class CursorPagination(pagination.CursorPagination):
    """``{"next", "previous", "results"}``; ``page_size`` up to 100."""

    page_size = 50
    max_page_size = 100
    page_size_query_param = "page_size"

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:  # noqa: ARG002
        """The model's own order, with the key last so that it is total."""
        ordering = tuple(getattr(view, "ordering", None) or queryset.query.order_by or queryset.model._meta.ordering)
        return ordering if ordering[-1].lstrip("-") in {"id", "pk"} else (*ordering, "id")

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        """The rows of the page; raises ``ParseError`` when the client made the cursor up."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, OverflowError):  # the last ones of a place that is no column's
            if self.cursor_query_param not in request.query_params:
                raise
        raise ParseError(_("The cursor is not one of ours. Follow next and previous as they were given."))

    def decode_cursor(self, request: Any) -> Any:
        """The place to go on from; raises ``ValueError`` for one that no database can be asked about."""
        cursor = super().decode_cursor(request)
        if cursor is not None and "\0" in str(cursor.position):
            raise ValueError("NUL")
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        """The envelope of the contract."""
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})


def person(request: Request) -> User:
    """The caller; only for views that let nobody else in."""
    return cast(User, request.user)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know or that may only be read."""

    def to_internal_value(self, data: Any) -> Any:
        """Raise ``ValidationError`` naming each unknown field."""
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(set(map(str, data)) - writable):
                raise serializers.ValidationError({name: [_("Unknown field.")] for name in unknown})
        return super().to_internal_value(data)


def narrowed(request: Request, rows: QuerySet[Row], filters: type[serializers.Serializer[Any]]) -> QuerySet[Row]:
    """The rows that the query string asks for; raises ``ValidationError``.

    The sources of the filters' fields are lookups.
    """
    asked = filters(data=request.query_params.dict())
    asked.is_valid(raise_exception=True)
    return rows.filter(**asked.validated_data)
