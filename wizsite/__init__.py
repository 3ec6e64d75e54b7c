"""The composition root: settings, URLs, ASGI, Celery, health and the commands that run Wiz."""

from wizsite.celery import app as celery_app

__all__ = ["celery_app"]
