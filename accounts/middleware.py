"""What happens around every request of a person: the language, the sign of life, the second factor that is due."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from accounts.authentication import bearer_value
from accounts.factors import owes_factor
from accounts.languages import chosen_language
from accounts.sessions import note_activity

# What somebody who owes a second factor still needs: the door, setting one up, and going.
OPEN_TO_DEBTORS = ("/accounts/", "/settings/security/", "/static/", "/healthz/", "/metrics")


class LanguageMiddleware(LocaleMiddleware):
    """The language that the person chose, else the one that the browser or program asks for."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate it. Only who sends a session cookie is looked up."""
        chosen = _chosen_language(request)
        if not chosen:
            super().process_request(request)
            return
        translation.activate(chosen)
        request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE


class SessionActivityMiddleware(MiddlewareMixin):
    """When and from where a session was last seen, noted once a minute at most."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Afterwards, so that only requests that looked at their session anyway cost anything."""
        note_activity(request)
        return response


class SecondFactorMiddleware(MiddlewareMixin):
    """Leads people whom ``WIZ_REQUIRE_MFA`` means to setting up a second factor, until they have one."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., Any],  # noqa: ARG002 - Django's signature
        view_args: tuple[Any, ...],  # noqa: ARG002 - as above
        view_kwargs: dict[str, Any],  # noqa: ARG002 - as above
    ) -> HttpResponse | None:
        """Pages lead there, calls with the session's cookie are 403; tokens go on working."""
        if settings.REQUIRE_MFA == "off" or request.path.startswith(OPEN_TO_DEBTORS) or not _has_session(request):
            return None
        if not request.user.is_authenticated or not owes_factor(request.user):
            return None
        if request.path.startswith(("/api/", "/v1/")):
            message = _("This server asks for a second factor. Set one up under Settings, Security.")
            error = {"code": "second_factor_required", "message": message, "detail": None}
            return JsonResponse({"error": error}, status=403)
        query = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
        return redirect(f"/settings/security/?{query}".rstrip("?"))


def _chosen_language(request: HttpRequest) -> str:
    return chosen_language(request.user) if _has_session(request) else ""


def _has_session(request: HttpRequest) -> bool:
    """Whether the cookie may count: only REST looks at a token, and then at nothing else."""
    has_token = request.path.startswith("/api/") and bearer_value(request) is not None
    return settings.SESSION_COOKIE_NAME in request.COOKIES and not has_token
