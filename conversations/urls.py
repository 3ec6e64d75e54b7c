"""Addresses of the conversations."""

from django.urls import path

from conversations import folder_views, rail_views, share_views, shelf_views, tree_views, views
from conversations.transfer import views as transfer_views

app_name = "conversations"
urlpatterns = [
    path("", views.home, name="home"),
    path("c/", views.new, name="new"),
    path("c/", views.new, name="create"),
    path("c/rail/", rail_views.rail, name="rail"),
    path("c/archive/", rail_views.archive, name="archived"),
    path("c/trash/", rail_views.trash, name="trash"),
    path("c/import/", transfer_views.take, name="import"),
    path("c/export/", transfer_views.export_all, name="export-all"),
    path("c/folders/new/", folder_views.new, name="new-folder"),
    path("c/folders/<uuid:pk>/", folder_views.folder, name="folder"),
    path("c/folders/<uuid:pk>/delete/", folder_views.delete, name="delete-folder"),
    path("c/<uuid:pk>/", views.detail, name="detail"),
    path("c/<uuid:pk>/m/<uuid:message_pk>/", rail_views.jump, name="jump"),
    path("c/<uuid:pk>/messages/", views.send, name="send"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/", tree_views.message, name="message"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/edit/", tree_views.edit, name="edit"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/again/", tree_views.again, name="again"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/regenerate/", tree_views.regenerate, name="regenerate"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/continue/", tree_views.go_on, name="continue"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/select/", tree_views.select, name="select"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/fork/", tree_views.fork, name="fork"),
    path("c/<uuid:pk>/messages/<uuid:message_pk>/receipt/", tree_views.receipt, name="receipt"),
    path("c/<uuid:pk>/transcript/", views.transcript, name="transcript"),
    path("c/<uuid:pk>/stop/", views.stop, name="stop"),
    path("c/<uuid:pk>/menu/", shelf_views.menu, name="menu"),
    path("c/<uuid:pk>/row/", shelf_views.row, name="row"),
    path("c/<uuid:pk>/title/", shelf_views.title, name="title"),
    path("c/<uuid:pk>/organise/", shelf_views.organise, name="organise"),
    path("c/<uuid:pk>/leave/", shelf_views.leave, name="leave"),
    path("c/<uuid:pk>/draft/", shelf_views.draft, name="draft"),
    path("c/<uuid:pk>/share/", share_views.share, name="share"),
    path("c/<uuid:pk>/share/<uuid:share_pk>/end/", share_views.end, name="end-share"),
    path("s/<str:token>/", share_views.shared, name="shared"),
    path("c/<uuid:pk>/export/", transfer_views.export, name="export"),
    path("c/<uuid:pk>/print/", transfer_views.printed, name="print"),
    path("c/<uuid:pk>/restore/", shelf_views.restore, name="restore"),
    path("c/<uuid:pk>/rename/", shelf_views.rename, name="rename"),
    path("c/<uuid:pk>/pin/", shelf_views.pin, name="pin"),
    path("c/<uuid:pk>/archive/", shelf_views.archive, name="archive"),
    path("c/<uuid:pk>/delete/", shelf_views.delete, name="delete"),
]
