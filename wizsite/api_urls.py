"""The addresses below /api/."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from accounts.api import SessionsView, SessionView, TokenViewSet
from agents.api import AgentViewSet, generate
from conversations.api import ConversationViewSet, messages
from conversations.attachment_api import AttachmentContentView, AttachmentViewSet
from conversations.folder_api import FolderViewSet
from conversations.message_api import GenerationViewSet, MessageViewSet
from conversations.preference_api import MeView
from conversations.prompt_api import PromptViewSet
from conversations.share_api import ShareViewSet
from conversations.streams import generation_events
from providers.api import CachedProviderView, ModelsView, ProviderViewSet, RegistryView, UsageView
from providers.budgets.api import BudgetViewSet
from providers.generate_api import generate_object, generate_text
from providers.key_api import KeysView, KeyView
from providers.webhooks.api import WebhookViewSet
from wizsite.rest import not_found

router = SimpleRouter()
router.register("tokens", TokenViewSet, basename="token")
router.register("providers", ProviderViewSet, basename="provider")
router.register("agents", AgentViewSet, basename="agent")
router.register("conversations", ConversationViewSet, basename="conversation")
router.register("folders", FolderViewSet, basename="folder")
router.register("prompts", PromptViewSet, basename="prompt")
router.register("shares", ShareViewSet, basename="share")
router.register("messages", MessageViewSet, basename="message")
router.register("attachments", AttachmentViewSet, basename="attachment")
router.register("generations", GenerationViewSet, basename="generation")
router.register("webhooks", WebhookViewSet, basename="webhook")
router.register("budgets", BudgetViewSet, basename="budget")

v1: list[URLPattern | URLResolver] = [
    path("me/", MeView.as_view(), name="me"),
    path("sessions/", SessionsView.as_view(), name="sessions"),
    path("sessions/<int:pk>/", SessionView.as_view(), name="session"),
    path("models/", ModelsView.as_view(), name="models"),
    path("usage/", UsageView.as_view(), name="usage"),
    path("registry/", RegistryView.as_view(), name="registry"),
    path("registry/<uuid:provider_id>/", CachedProviderView.as_view(), name="registry-provider"),
    path("providers/<uuid:pk>/keys/", KeysView.as_view(), name="provider-keys"),
    path("providers/<uuid:pk>/keys/<uuid:key_id>/", KeyView.as_view(), name="provider-key"),
    path("generate/text/", generate_text, name="generate-text"),
    path("generate/object/", generate_object, name="generate-object"),
    path("agents/<uuid:pk>/generate/", generate, name="agent-generate"),
    path("generations/<uuid:pk>/events/", generation_events, name="generation-events"),
    path("conversations/<uuid:pk>/messages/", messages, name="conversation-messages"),
    path("attachments/<uuid:pk>/content/", AttachmentContentView.as_view(), name="attachment-content"),
    path("", include(router.urls)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(v1)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema", http_method_names=["get", "head"]), name="docs"),
    re_path(r"^(?P<rest>.*)$", not_found),
]
