"""REST: the library of prompts."""

from typing import Any

from rest_framework import serializers, viewsets

from accounts.rest import StrictSerializer, person
from accounts.scopes import CHATTING
from conversations import prompts
from conversations.models import Prompt


class VariableSerializer(serializers.Serializer[Any]):
    """A variable of a prompt's text: ``{{name}}`` or ``{{name:default}}``."""

    name = serializers.CharField()
    default = serializers.CharField()


class PromptSerializer(StrictSerializer, serializers.ModelSerializer[Prompt]):
    """A prompt. ``is_own`` says that the caller may change it; ``groups`` means all groups that its owner is in."""

    variables = serializers.SerializerMethodField()
    is_own = serializers.SerializerMethodField()

    class Meta:
        model = Prompt
        fields = ("id", "name", "description", "text", "visibility", "variables", "is_own", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")

    def get_variables(self, prompt: Prompt) -> list[dict[str, str]]:
        """What is asked for when it is used; ``{{date}}`` is not."""
        return [variable._asdict() for variable in prompts.variables_of(prompt.text)]

    def get_is_own(self, prompt: Prompt) -> bool:
        """Whether it is the caller's."""
        return bool(prompt.owner_id == self.context["request"].user.pk)


class PromptFilters(serializers.Serializer[Any]):
    """Which prompts are listed."""

    q = serializers.CharField(source="name__icontains", required=False, allow_blank=True, help_text="Part of the name.")


class PromptViewSet(viewsets.ModelViewSet[Prompt]):
    """Prompts that the caller may use; one's own may be changed."""

    needs = CHATTING
    serializer_class = PromptSerializer
    http_method_names = ("get", "post", "patch", "delete", "head", "options")
    queryset = Prompt.objects.none()

    def get_queryset(self) -> Any:
        """What may be used to read, what may be changed to change."""
        user, rows = person(self.request), Prompt.objects.all()
        if self.action not in {"list", "retrieve"}:
            return rows.editable_by(user)
        asked = PromptFilters(data=self.request.query_params.dict())
        asked.is_valid(raise_exception=True)
        return rows.visible_to(user).filter(**asked.validated_data)

    def perform_create(self, serializer: Any) -> None:
        """The caller's."""
        serializer.instance = prompts.create_prompt(owner=person(self.request), **serializer.validated_data)

    def perform_update(self, serializer: Any) -> None:
        """By the rules of the library."""
        prompts.change_prompt(prompt=serializer.instance, **serializer.validated_data)

    def perform_destroy(self, instance: Prompt) -> None:
        """What was sent with it stays."""
        prompts.delete_prompt(prompt=instance)
