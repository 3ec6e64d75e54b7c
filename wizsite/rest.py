"""One shape for every error of the REST API: ``{"error": {"code", "message", "detail"}}``."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler
from rest_framework.views import set_rollback

from conversations.admission import NothingToContinue, RunActive, TooManyRuns
from conversations.idempotency import KeyReused
from conversations.pictures import NotAPicture, PictureRefused, PictureTooLarge, QuotaReached
from providers.errors import ObjectInvalid, ProviderError, ProviderUnavailable
from providers.sentences import in_readers_language

logger = logging.getLogger(__name__)

PROVIDER_STATUS = {
    "rate_limit": status.HTTP_429_TOO_MANY_REQUESTS,
    "budget_exceeded": status.HTTP_429_TOO_MANY_REQUESTS,
    "quota_exceeded": status.HTTP_402_PAYMENT_REQUIRED,
    "model_not_found": status.HTTP_404_NOT_FOUND,
    "invalid_request": status.HTTP_400_BAD_REQUEST,
    "invalid_schema": status.HTTP_400_BAD_REQUEST,
    "context_length": status.HTTP_400_BAD_REQUEST,
    "content_filtered": status.HTTP_400_BAD_REQUEST,
    "timeout": status.HTTP_504_GATEWAY_TIMEOUT,
    "overloaded": status.HTTP_503_SERVICE_UNAVAILABLE,
    "provider_busy": status.HTTP_503_SERVICE_UNAVAILABLE,
}


SENDING = {
    RunActive: (status.HTTP_409_CONFLICT, "run_active"),
    KeyReused: (status.HTTP_422_UNPROCESSABLE_ENTITY, "key_reused"),
    NothingToContinue: (status.HTTP_422_UNPROCESSABLE_ENTITY, "nothing_to_continue"),
    TooManyRuns: (status.HTTP_429_TOO_MANY_REQUESTS, "too_many_runs"),
    NotAPicture: (status.HTTP_422_UNPROCESSABLE_ENTITY, "not_a_picture"),
    PictureTooLarge: (status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large"),
    QuotaReached: (status.HTTP_422_UNPROCESSABLE_ENTITY, "upload_quota_reached"),
}

# What Django raises; the first that fits wins.
REFUSALS: dict[type[Exception], tuple[int, str, Promise]] = {
    Http404: (status.HTTP_404_NOT_FOUND, "not_found", gettext_lazy("There is no such object.")),
    PermissionDenied: (status.HTTP_403_FORBIDDEN, "permission_denied", gettext_lazy("You may not do this.")),
    RequestDataTooBig: (status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large", gettext_lazy("The body is too large.")),
    SuspiciousOperation: (
        status.HTTP_400_BAD_REQUEST,
        "bad_request",
        gettext_lazy("The request cannot be understood."),
    ),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every exception in the contract's shape; what nobody expected is a 500 that says nothing more."""
    match error:
        case ModelValidationError():
            return _validation(_messages(error))
        case exceptions.ValidationError():
            return _validation(error.detail)
        case ProviderError():
            return _provider(error)
        case RunActive() | KeyReused() | NothingToContinue() | TooManyRuns() | PictureRefused():
            return _sending(error)
        case exceptions.APIException():
            return _api_error(error, context)
    for kind, (status_code, code, message) in REFUSALS.items():
        if isinstance(error, kind):
            return _answer(status_code, code, str(message))
    return None if settings.DEBUG else _unexpected(error, context)


def _api_error(error: exceptions.APIException, context: dict[str, Any]) -> Response | None:
    response = rest_exception_handler(error, context)
    if response is None:
        return None
    code = error.get_codes()
    response.data = _body(code if isinstance(code, str) else error.default_code, _sentence(error.detail), None)
    return response


def _unexpected(error: Exception, context: dict[str, Any]) -> Response:
    """As Django does it: roll back, log, tell the listeners; but the body is JSON."""
    request = getattr(context.get("request"), "_request", None)
    set_rollback()
    logger.error("Internal Server Error: %s", getattr(request, "path", ""), exc_info=error)
    got_request_exception.send(sender=None, request=request)
    message = _("Something went wrong on our side. The log of the server says what.")
    return _answer(status.HTTP_500_INTERNAL_SERVER_ERROR, "internal_error", message)


@csrf_exempt
def not_found(_request: HttpRequest, **_kwargs: str) -> JsonResponse:
    """For every path below /api/ that does not exist."""
    body = _body("not_found", _("There is nothing at this address. See /api/docs/."), None)
    return JsonResponse(body, status=status.HTTP_404_NOT_FOUND)


def _messages(error: ModelValidationError) -> dict[str, list[str]]:
    if hasattr(error, "error_dict"):
        return {name.replace("__all__", "non_field_errors"): texts for name, texts in error.message_dict.items()}
    return {"non_field_errors": list(error.messages)}


def _validation(detail: Any) -> Response:
    return _answer(status.HTTP_400_BAD_REQUEST, "validation_error", _("Some fields are not right; see detail."), detail)


def _provider(error: ProviderError) -> Response:
    fallback = status.HTTP_409_CONFLICT if isinstance(error, ProviderUnavailable) else status.HTTP_502_BAD_GATEWAY
    detail = {"hint": in_readers_language(error.hint), "provider_message": error.detail}
    if isinstance(error, ObjectInvalid):
        detail |= {"path": error.path, "problem": error.problem}
    status_code = PROVIDER_STATUS.get(error.code, fallback)
    response = _answer(status_code, error.code, in_readers_language(error.message), detail)
    if error.retry_after is not None or status_code == status.HTTP_429_TOO_MANY_REQUESTS:
        response["Retry-After"] = str(max(1, round(error.retry_after or 0)))
    return response


def _sending(error: Exception) -> Response:
    response = _answer(*SENDING[type(error)], str(error))
    if isinstance(error, TooManyRuns):
        response["Retry-After"] = str(error.retry_after)
    return response


def _sentence(detail: Any) -> str:
    return " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)


def _answer(status_code: int, code: str, message: str, detail: Any = None) -> Response:
    return Response(_body(code, message, detail), status=status_code)


def _body(code: str, message: str, detail: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "detail": detail}}
