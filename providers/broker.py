"""Hands tasks to the workers without ever making the caller wait for a broker that is away."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from providers.outage import BRIEFLY, outage

logger = logging.getLogger(__name__)


def send_task(name: str, *args: str) -> bool:
    """Publish a task; false when the broker did not take it, as far as can be known.

    Celery's own publisher would try to connect for minutes, so Valkey is asked first with our short time-outs, and
    while it hangs once a second at most. A task that matters has a row from which it is published again; an error
    does not say that it was not sent.
    """
    if not outage.guard(lambda client: client.ping(), False, pause=BRIEFLY):
        logger.warning("The broker did not take %s.", name)
        return False
    try:
        current_app.send_task(name, args=list(args))
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("The broker did not take %s (%s).", name, type(error).__name__)
        return False
    return True
