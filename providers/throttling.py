"""How many requests a person and a token may make in a minute, counted in Valkey over all processes.

A minute begins with the first request after the last one. Looking and counting are one step there, so that parallel
requests cannot slip through together, and a refused request counts for nobody. Without Valkey everybody is let in.
"""

from typing import Any, Final, cast
from uuid import UUID

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.rest import person
from providers import valkey
from providers.outage import outage

WINDOW: Final = 60_000  # milliseconds
# Keys and, in the same order, their limits. Answers the milliseconds that the caller has to wait, 0 for none.
COUNT: Final = """
for number, name in ipairs(KEYS) do
    if tonumber(redis.call('GET', name) or 0) >= tonumber(ARGV[number + 1]) then return redis.call('PTTL', name) end
end
for _, name in ipairs(KEYS) do
    if redis.call('INCR', name) == 1 then redis.call('PEXPIRE', name, ARGV[1]) end
end
return 0
"""


def count_request(*, user_id: UUID, token_id: UUID | None = None) -> float | None:
    """Count a request. ``None``, or the seconds after which the caller may come back."""
    people, tokens = valkey.key("rate", "user", user_id), valkey.key("rate", "token", token_id)
    limits = _limits({people: settings.API_RATE} | ({tokens: settings.TOKEN_RATE} if token_id else {}))
    if not limits:
        return None
    wait: Any = outage.guard(lambda client: client.eval(COUNT, len(limits), *limits, WINDOW, *limits.values()), 0)
    return _seconds(wait)


async def acount_gateway_request(*, user_id: UUID, token_id: UUID) -> float | None:
    """As ``count_request``, for the gateway and on its event loop: what is counted there leaves room for the API."""
    people, tokens = valkey.key("rate", "gateway", user_id), valkey.key("rate", "gateway-token", token_id)
    limits = _limits({people: settings.GATEWAY_RATE, tokens: settings.GATEWAY_TOKEN_RATE})
    if not limits:
        return None
    nothing: Any = 0
    wait = await outage.aguard(
        lambda client: cast("Any", client.eval(COUNT, len(limits), *limits, WINDOW, *limits.values())), nothing
    )
    return _seconds(wait)


def _limits(limits: dict[str, int]) -> dict[str, int]:
    """Without those that are switched off."""
    return {name: limit for name, limit in limits.items() if limit}


def _seconds(wait: int) -> float | None:
    return max(1.0, wait / 1000) if wait else None


def check_rate(user: Any, token: Any = None) -> None:
    """Count a request of somebody who has logged in; raises ``Throttled`` (429 with ``Retry-After``)."""
    wait = count_request(user_id=user.pk, token_id=getattr(token, "pk", None))
    if wait is not None:
        raise Throttled(wait=wait)


class RequestRate(BaseThrottle):
    """REST framework's door to ``count_request``."""

    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - the framework passes the view
        """Strangers are refused before they come here."""
        self._wait = count_request(user_id=person(request).pk, token_id=getattr(request.auth, "pk", None))
        return self._wait is None

    def wait(self) -> float | None:
        """Seconds."""
        return self._wait
