"""The Celery application. Workers run generations; beat runs the reaper and the refreshes."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wizsite.settings")

app = Celery("wiz")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """With a receiver here Celery leaves the root logger as Django's settings made it."""
