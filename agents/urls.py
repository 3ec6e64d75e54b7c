"""Addresses of the agents."""

from django.urls import path

from agents import copy_views, history_views, views
from agents.trial import trial

app_name = "agents"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("new/try/", trial, name="try-new"),
    path("import/", copy_views.bring, name="import"),
    path("models/", views.models, name="models"),
    path("parameters/", views.parameters, name="parameters"),
    path("<uuid:pk>/", views.edit, name="edit"),
    path("<uuid:pk>/try/", trial, name="try"),
    path("<uuid:pk>/test/", views.test, name="test"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
    path("<uuid:pk>/clone/", copy_views.clone, name="clone"),
    path("<uuid:pk>/export/", copy_views.export, name="export"),
    path("<uuid:pk>/versions/", history_views.versions, name="versions"),
    path("<uuid:pk>/versions/<int:number>/", history_views.version, name="version"),
    path("<uuid:pk>/versions/<int:number>/restore/", history_views.restore, name="restore"),
]
