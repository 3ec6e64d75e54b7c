"""Folders, and where a conversation is kept."""

from typing import ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from conversations import shelf
from conversations.models import Conversation, Folder


class FolderForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """A folder's name and instructions."""

    class Meta:
        model = Folder
        fields = ("name", "instructions")
        labels: ClassVar = {"name": _("Name"), "instructions": _("Instructions")}
        help_texts: ClassVar = {
            "instructions": _("Added to what every agent is told in the conversations of this folder."),
        }
        widgets: ClassVar = {"name": forms.TextInput(attrs={"autocomplete": "off"})}

    def save_for(self, user: User) -> Folder | None:
        """Store it through the services; ``None`` when something is wrong, which the form then says."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        try:
            if self.instance._state.adding:
                return shelf.create_folder(user=user, **given)
            return shelf.change_folder(folder=Folder.objects.visible_to(user).get(pk=self.instance.pk), **given)
        except ValidationError as error:
            self.add_error(None, error)
            return None

    def validate_unique(self) -> None:
        """Left to the service, which knows the owner."""

    def validate_constraints(self) -> None:
        """As above."""


class OrganiseForm(forms.Form):
    """The folder and the tags of a conversation; a name makes a new folder."""

    folder = forms.ModelChoiceField(
        label=_("Folder"), queryset=Folder.objects.none(), required=False, empty_label=_("No folder")
    )
    new_folder = forms.CharField(
        label=_("Or a new folder"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=1000,
        help_text=_("Words with commas between them."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: object, conversation: Conversation, **kwargs: object) -> None:
        self.conversation = conversation
        tags = ", ".join(tag.name for tag in conversation.tags.all())
        initial = {"folder": conversation.folder_id, "tags": tags}
        super().__init__(*args, **{"initial": initial, "auto_id": "organise_%s", **kwargs})  # type: ignore[arg-type]
        folder = self.fields["folder"]
        assert isinstance(folder, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        folder.queryset = Folder.objects.visible_to(conversation.owner)

    def save(self) -> bool:
        """Store it; false when something is wrong, which the form then says."""
        if not self.is_valid():
            return False
        given, conversation = self.cleaned_data, self.conversation
        try:
            with transaction.atomic():
                folder = given["folder"]
                if given["new_folder"].strip():
                    folder = shelf.create_folder(user=conversation.owner, name=given["new_folder"])
                Conversation.objects.filter(pk=conversation.pk).update(folder=folder)
                shelf.tag_conversation(conversation=conversation, tags=given["tags"].split(","))
        except ValidationError as error:
            self.add_error("new_folder" if "name" in error.message_dict else None, error.messages)
            return False
        return True
