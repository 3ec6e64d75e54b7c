"""Which keys of a provider rest after they were refused, known to all processes through Valkey.

Without Valkey every process remembers what it saw itself.
"""

import json
import time
from typing import Final, NamedTuple, cast

import redis

from providers import valkey
from providers.shared_configs import outage

LONGEST: Final = 3600.0  # seconds


class Rest(NamedTuple):
    """Until when a key is left alone (seconds since the epoch), and the code of the error that sent it to rest."""

    until: float
    code: str


Rests = dict[str, Rest]
"""Rests by key id."""
_seen_here: dict[tuple[str, str], Rest] = {}


async def resting(provider_id: str) -> Rests:
    """The keys that rest now."""
    content: object = {}
    if not outage.is_on():
        try:
            content = await valkey.async_client().hgetall(_name(provider_id))
        except (redis.RedisError, OSError) as error:
            outage.begin(error)
    return _merge(provider_id, content)


def list_rests(provider_id: str) -> Rests:
    """As ``resting``, for synchronous callers."""
    nothing: object = None
    content = outage.guard(lambda client: cast("object", client.hgetall(_name(provider_id))), nothing)
    return _merge(provider_id, content)


async def put_to_rest(provider_id: str, key_id: str, seconds: float, code: str) -> None:
    """Leave a key alone for a while, in every process."""
    rest = Rest(time.time() + min(seconds, LONGEST), code)
    _seen_here[provider_id, key_id] = rest
    if outage.is_on():
        return
    pipeline = valkey.async_client().pipeline(transaction=False)
    pipeline.hset(_name(provider_id), key_id, json.dumps(rest))
    pipeline.expire(_name(provider_id), int(LONGEST))
    try:
        await pipeline.execute()
    except (redis.RedisError, OSError) as error:
        outage.begin(error)


async def wake(provider_id: str, key_id: str) -> None:
    """The key was accepted again."""
    _seen_here.pop((provider_id, key_id), None)
    if outage.is_on():
        return
    try:
        await valkey.async_client().hdel(_name(provider_id), key_id)
    except (redis.RedisError, OSError) as error:
        outage.begin(error)


def forget_rests(provider_id: str) -> None:
    """The keys have changed: none of them was refused yet."""
    for seen in [seen for seen in list(_seen_here) if seen[0] == provider_id]:
        _seen_here.pop(seen, None)
    outage.guard(lambda client: client.delete(_name(provider_id)), None)


def _merge(provider_id: str, content: object) -> Rests:
    """What Valkey and this process know, without what is over."""
    found: Rests = {key_id: rest for (owner, key_id), rest in list(_seen_here.items()) if owner == provider_id}
    for field, value in content.items() if isinstance(content, dict) else ():
        until, code = json.loads(value)
        rest = Rest(float(until), str(code))
        found[field.decode()] = max(rest, found.get(field.decode(), rest))
    now = time.time()
    return {key_id: rest for key_id, rest in found.items() if rest.until > now}


def _name(provider_id: str) -> str:
    return valkey.key("registry", "resting", provider_id)
