"""Addresses of the pages of webhooks."""

from django.urls import path

from providers.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("<uuid:pk>/", views.edit, name="edit"),
    path("<uuid:pk>/test/", views.test, name="test"),
    path("<uuid:pk>/secret/", views.rotate, name="rotate"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
    path("<uuid:pk>/deliveries/", views.deliveries, name="deliveries"),
    path("<uuid:pk>/deliveries/<uuid:delivery_pk>/retry/", views.retry, name="retry"),
]
