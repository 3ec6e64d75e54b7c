"""The Celery application. Workers run generations; beat runs the reaper and the refreshes."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wizsite.settings")

app = Celery("wiz")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
