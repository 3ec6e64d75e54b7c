"""REST: folders."""

from typing import Any

from rest_framework import viewsets

from accounts.rest import person
from accounts.scopes import CHATTING
from conversations import shelf
from conversations.models import Folder
from conversations.serializers import FolderSerializer


class FolderViewSet(viewsets.ModelViewSet[Folder]):
    """One's own folders."""

    needs = CHATTING
    serializer_class = FolderSerializer
    http_method_names = ("get", "post", "patch", "delete", "head", "options")
    queryset = Folder.objects.none()
    ordering = ("position", "id")

    def get_queryset(self) -> Any:
        """In the order in which they are shown."""
        return Folder.objects.visible_to(person(self.request))

    def perform_create(self, serializer: Any) -> None:
        """At the end, unless a position is given."""
        given = dict(serializer.validated_data)
        position = given.pop("position", None)
        serializer.instance = shelf.create_folder(user=person(self.request), **given)
        self._move(serializer.instance, position)

    def perform_update(self, serializer: Any) -> None:
        """Name, instructions, place."""
        given = dict(serializer.validated_data)
        position = given.pop("position", None)
        shelf.change_folder(folder=serializer.instance, **given)
        self._move(serializer.instance, position)

    def perform_destroy(self, instance: Folder) -> None:
        """Its conversations stay."""
        shelf.delete_folder(folder=instance)

    def _move(self, folder: Folder, position: int | None) -> None:
        if position is not None:
            folder.position = position
            folder.save(update_fields=["position"])
