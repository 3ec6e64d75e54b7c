"""Who is calling, and whom they may ask: looked up once, remembered for less than a second."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from rest_framework.exceptions import APIException, Throttled

from accounts.admission import admit_token
from accounts.models import ApiToken, User
from accounts.services import digest_token
from agents.gateway.failures import Refused, from_admission
from agents.gateway.memory import Memory
from agents.gateway.targets import Target, find_target
from providers.throttling import acount_gateway_request

READ: Final = "read"
CHAT: Final = "chat"


@dataclass(frozen=True, slots=True)
class Caller:
    """The token that came with a request. ``repr`` does not show it."""

    token: str
    digest: str

    def __repr__(self) -> str:
        return "Caller()"


_people: Memory[tuple[str, str], tuple[User, ApiToken]] = Memory()
_targets: Memory[tuple[UUID, str], Target] = Memory()


def read_caller(headers: Mapping[bytes, bytes]) -> Caller:
    """The bearer token, from ``Authorization`` or ``x-api-key``; a cookie counts for nothing here.

    Raises ``Refused``.
    """
    scheme, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    token = value.strip() if scheme.lower() == "bearer" else headers.get(b"x-api-key", b"").decode("latin-1").strip()
    if not token:
        message = "Send a Wiz token as Authorization: Bearer wiz_…, or as x-api-key. Create one under Settings."
        raise Refused(401, message, code="invalid_api_key")
    return Caller(token, digest_token(token))


async def admit(caller: Caller, scope: str) -> tuple[User, ApiToken]:
    """The person behind the token, and its row, if it holds the scope; else ``Refused``."""
    return await _people.get((caller.digest, scope), partial(_person, caller, scope))


async def enter(caller: Caller, scope: str) -> User:
    """The person, as ``admit``, for a request, which counts; ``Refused`` beyond the person's or token's limit too."""
    user, token = await admit(caller, scope)
    wait = await acount_gateway_request(user_id=user.pk, token_id=token.pk)
    if wait is not None:
        raise from_admission(Throttled(wait=wait))
    return user


async def find(user: User, model: str) -> Target:
    """Whom the model's name asks, if the person may; else ``Refused``."""
    return await _targets.get((user.pk, model), partial(find_target, user, model))


async def is_still_admitted(caller: Caller, model: str) -> bool:
    """Whether the token still holds and still may use the model."""
    try:
        user, _token = await admit(caller, CHAT)
        await find(user, model)
    except Refused:
        return False
    return True


def _person(caller: Caller, scope: str) -> tuple[User, ApiToken]:
    try:
        return admit_token(caller.token, scope=scope)
    except APIException as error:
        refusal = from_admission(error)
    raise refusal
