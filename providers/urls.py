"""Addresses of the providers."""

from django.urls import path

from providers import catalogue_views, key_views, views

app_name = "providers"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("local/", views.local, name="local"),
    path("<uuid:pk>/", views.edit, name="edit"),
    path("<uuid:pk>/test/", views.test, name="test"),
    path("<uuid:pk>/keys/", key_views.add, name="add_key"),
    path("<uuid:pk>/keys/<uuid:key_pk>/remove/", key_views.remove, name="remove_key"),
    path("<uuid:pk>/refresh/", catalogue_views.refresh, name="refresh"),
    path("<uuid:pk>/models/", catalogue_views.models, name="models"),
    path("<uuid:pk>/models/<int:model_pk>/hide/", catalogue_views.hide, name="hide-model"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
]
