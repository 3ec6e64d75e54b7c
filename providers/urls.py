"""Addresses of the providers."""

from django.urls import path

from providers import views

app_name = "providers"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("<uuid:pk>/", views.edit, name="edit"),
    path("<uuid:pk>/test/", views.test, name="test"),
    path("<uuid:pk>/refresh/", views.refresh, name="refresh"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
]
