"""Which keys of a provider rest after they were refused, known to all processes through Valkey.

Without Valkey every process remembers what it saw itself.
"""

import json
import time
from typing import Final, NamedTuple, cast

import redis.asyncio

from providers import valkey
from providers.outage import outage

LONGEST: Final = 3600.0  # seconds


class Rest(NamedTuple):
    """Until when a key is left alone (seconds since the epoch), and the code of the error that sent it to rest."""

    until: float
    code: str


Rests = dict[str, Rest]
"""Rests by key id."""
_seen_here: dict[tuple[str, str], Rest] = {}


def ring_of(provider_id: object, revision: int) -> str:
    """The name of a provider's keys as they are: after a change none of them was refused yet.

    A call that still runs with a key of before so sends nothing else to rest.
    """
    return f"{provider_id}:{revision}"


async def resting(ring: str) -> Rests:
    """The keys that rest now."""

    async def read(client: redis.asyncio.Redis) -> object:
        return await client.hgetall(_name(ring))

    nothing: object = None
    return _current(ring, await outage.aguard(read, nothing))


def list_rests(ring: str) -> Rests:
    """As ``resting``, for synchronous callers."""
    nothing: object = None
    return _current(ring, outage.guard(lambda client: cast("object", client.hgetall(_name(ring))), nothing))


async def put_to_rest(ring: str, key_id: str, seconds: float, code: str) -> None:
    """Leave a key alone for a while, in every process."""
    rest = Rest(time.time() + min(seconds, LONGEST), code)
    _remember(ring, key_id, rest)

    async def write(client: redis.asyncio.Redis) -> None:
        pipeline = client.pipeline(transaction=False)
        pipeline.hset(_name(ring), key_id, json.dumps(rest))
        pipeline.expire(_name(ring), int(LONGEST))
        await pipeline.execute()

    await outage.aguard(write, None)


async def wake(ring: str, key_id: str) -> None:
    """The key was accepted again."""
    _seen_here.pop((ring, key_id), None)
    await outage.aguard(lambda client: client.hdel(_name(ring), key_id), 0)


def _remember(ring: str, key_id: str, rest: Rest) -> None:
    now = time.time()
    for seen, known in list(_seen_here.items()):
        if known.until < now:
            _seen_here.pop(seen, None)
    _seen_here[ring, key_id] = rest


def _current(ring: str, content: object) -> Rests:
    """What Valkey knows, or without it this process, leaving out what is over."""
    found: Rests = {}
    if isinstance(content, dict):
        for field, value in content.items():
            until, code = json.loads(value)
            found[field.decode()] = Rest(float(until), str(code))
    else:
        found = {key_id: rest for (owner, key_id), rest in list(_seen_here.items()) if owner == ring}
    now = time.time()
    return {key_id: rest for key_id, rest in found.items() if rest.until > now}


def _name(ring: str) -> str:
    return valkey.key("registry", "resting", ring)
