"""What every response needs."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class NoStoreMiddleware(MiddlewareMixin):
    """Nothing that somebody saw while logged in stays in a cache, the browser's included."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Only whoever sends a session cookie or a token sees anything private."""
        is_private = settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers
        if is_private and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response
