"""ORM code from async code: in a thread of its own, which gives its connections back when it is done."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def in_thread(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call ``function`` beside the loop. Whoever waits for it holds no connection."""

    def call() -> Result:
        try:
            return function(*args, **kwargs)
        finally:
            _give_back()

    return await sync_to_async(call, thread_sensitive=False)()


def _give_back() -> None:
    """Close this thread's connections, unless a test has wrapped one in a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
