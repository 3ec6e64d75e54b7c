"""REST endpoints in two halves: rows are read in a thread, a provider is waited for on the event loop."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import update_wrapper
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.views import APIView

from providers.database import in_thread

AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
Work = Callable[[], Awaitable[HttpResponseBase]]


class Later(HttpResponse):
    """What such an endpoint's first half returns: the work that makes the response."""

    def __init__(self, view: APIView, work: Work) -> None:
        super().__init__()
        self.view = view
        self.work = work


class AlwaysJSON(DefaultContentNegotiation):
    """Whoever asks for text/event-stream is served, too, and gets errors as JSON."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002
        """The first renderer."""
        return renderers[0], renderers[0].media_type


def awaited(view: Callable[..., HttpResponseBase]) -> AsyncView:
    """The asynchronous form of a REST framework view whose handlers return ``Later``.

    No thread and no database connection is held while the work is awaited. When the caller leaves, the work is
    cancelled. What it raises becomes the same answer as if the view had raised it.
    """

    async def waiting_view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        response = await in_thread(_first_half, view, request, kwargs)
        if not isinstance(response, Later):
            return response
        try:
            made = await response.work()
        except Exception as error:
            made = await in_thread(response.view.handle_exception, error)
        view_of: Any = response.view  # the stubs know of REST framework's own responses only
        return _rendered(view_of.finalize_response(view_of.request, made))

    return update_wrapper(waiting_view, view)


def _first_half(
    view: Callable[..., HttpResponseBase], request: HttpRequest, kwargs: dict[str, Any]
) -> HttpResponseBase:
    return _rendered(view(request, **kwargs))


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    return response.render() if isinstance(response, SimpleTemplateResponse) else response
