"""Every address of the site with the verbs it takes, read from the resolver; and addresses filled with real ids."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

VERBS = ("get", "post", "put", "patch", "delete")
PARAMETER = re.compile(r"<(?:[a-z_]+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True)
class Route:
    """One pattern, such as ``api/v1/providers/{pk}/test/``, and what answers there."""

    pattern: str
    view: Any

    @property
    def shape(self) -> Any:
        """The class of a class-based view, else the function."""
        return getattr(self.view, "cls", None) or getattr(self.view, "view_class", None) or self.view

    @property
    def parameters(self) -> list[str]:
        """The names in braces."""
        return re.findall(r"{(\w+)}", self.pattern)

    @property
    def verbs(self) -> set[str]:
        """The verbs that do something here; every verb for a function, which may look at them in any way."""
        if not isinstance(self.shape, type):
            return set(VERBS)
        known = getattr(self.view, "actions", None) or {verb for verb in VERBS if hasattr(self.shape, verb)}
        return set(VERBS) & set(known) & set(getattr(self.shape, "http_method_names", VERBS))

    def path(self, **ids: object) -> str:
        """The address with its parameters filled in; raises ``KeyError`` for one that is missing."""
        return "/" + re.sub(r"{(\w+)}", lambda match: str(ids[match[1]]), self.pattern)


def all_routes() -> list[Route]:
    """Every address but those of the admin, which has one door for all."""
    return [route for route in _walk(get_resolver(), "") if not route.pattern.startswith("admin/")]


def rest_routes() -> list[Route]:
    """The addresses of the REST API."""
    return [route for route in all_routes() if route.pattern.startswith("api/v1/")]


def _walk(resolver: Any, prefix: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + _plain(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from _walk(entry, pattern)
        elif isinstance(entry, URLPattern):
            yield Route(pattern, entry.callback)


def _plain(pattern: str) -> str:
    """Converters and regular expressions as names in braces."""
    named = PARAMETER.sub(lambda match: "{" + (match[1] or match[2]) + "}", pattern)
    return named.removeprefix("^").removesuffix(r"\Z").removesuffix("$").replace(r"\.", ".")
