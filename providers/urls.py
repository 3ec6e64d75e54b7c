"""Addresses of the providers."""

from django.urls import path

from providers import key_views, views

app_name = "providers"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("<uuid:pk>/", views.edit, name="edit"),
    path("<uuid:pk>/test/", views.test, name="test"),
    path("<uuid:pk>/refresh/", views.refresh, name="refresh"),
    path("<uuid:pk>/keys/", key_views.add, name="add_key"),
    path("<uuid:pk>/keys/<uuid:key_pk>/remove/", key_views.remove, name="remove_key"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
]
