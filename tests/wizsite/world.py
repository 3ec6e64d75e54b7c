"""One person's belongings of every kind, addresses filled with their ids, and bodies that the API takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import ApiToken, AuditEvent, User
from accounts.services import create_token
from agents.models import Agent
from conversations.attachments import upload_picture
from conversations.models import Attachment, Conversation, Folder, Generation, Message, Prompt, Share
from conversations.shelf import create_folder
from providers.keys import add_key
from providers.models import Provider, ProviderKey, ProviderModel, WebhookDelivery, WebhookEndpoint
from providers.webhooks.services import create_endpoint
from tests.factories import make_agent, make_answer, make_provider, make_user, png
from tests.passkeys import make_credential
from tests.wizsite.routes import Route

# Addresses whose parameters name nobody's belongings.
OWNERLESS = (
    "setup/{token}/",
    "accounts/confirm-email/{key}/",
    "accounts/password/reset/key/{uidb36}-{key}/",
    "api/{rest}",
    "api/v1/registry/{provider_id}/",  # for administrators
    "api/v1/budgets/{pk}/",  # for administrators
    "s/{token}/attachments/{pk}/",  # the same: tests/conversations/test_attachments.py
    "s/{token}/",  # whoever knows the token may read: tests/conversations/test_sharing.py
)
NOT_COUNTED: tuple[Any, ...] = (Session, AuditEvent)


@dataclass
class World:
    """Everything belongs to ``owner``; the agent's provider is at an address where nothing listens."""

    owner: User
    provider: Provider
    key: ProviderKey
    model: ProviderModel
    agent: Agent
    conversation: Conversation
    question: Message
    reply: Message
    generation: Generation
    token: ApiToken
    token_value: str
    folder: Folder
    share: Share
    session: UserSession
    passkey: Authenticator
    prompt: Prompt
    endpoint: WebhookEndpoint
    delivery: WebhookDelivery
    attachment: Attachment

    def ids(self, route: Route) -> dict[str, object]:
        """The ids for the parameters of an address; fails for an address of which nobody has said whose it is."""
        words = [word for word in route.pattern.split("/") if word not in {"api", "v1", "settings"}]
        main = {
            "c": self.conversation,
            "conversations": self.conversation,
            "messages": self.question if "edit" in words else self.reply,
            "generations": self.generation,
            "providers": self.provider,
            "agents": self.agent,
            "tokens": self.token,
            "folders": self.folder,
            "shares": self.share,
            "sessions": self.session,
            "accounts": self.passkey,
            "prompts": self.prompt,
            "attachments": self.attachment,
            "webhooks": self.endpoint,
        }.get(next((word for word in ("folders", "prompts", "attachments") if word in words), words[0]))
        named = {"pk": main, "message_pk": self.question if "edit" in words else self.reply, "key_pk": self.key}
        named |= {"key_id": self.key, "model_pk": self.model, "share_pk": self.share, "delivery_pk": self.delivery}
        numbers = {name: 1 for name in route.parameters if name == "number"}  # every agent has a first version
        missing = [name for name in route.parameters if named.get(name) is None and name not in numbers]
        assert not missing, f"{route.pattern}: tests/wizsite/world.py does not know whose {missing} this is"
        return {name: getattr(named[name], "pk", None) for name in route.parameters if name in named} | numbers

    def path(self, route: Route) -> str:
        """The address of the owner's object."""
        return route.path(**self.ids(route))

    def body(self, route: Route, verb: str) -> dict[str, Any]:
        """What the API takes there; ``{}`` where nothing is needed."""
        bodies: dict[tuple[str, str], dict[str, Any]] = {
            ("post", "tokens/"): {"name": "new"},
            ("patch", "me/"): {"name": "Renamed"},
            ("post", "providers/"): {"name": "New", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"},
            ("patch", "providers/{pk}/"): {"name": "Renamed"},
            ("post", "providers/{pk}/test/"): {"model": "practice"},
            ("post", "providers/{pk}/keys/"): {"api_key": "a-second-key-of-mine"},
            ("patch", "providers/{pk}/keys/{key_id}/"): {"label": "Renamed"},
            ("patch", "providers/{pk}/models/{model_pk}/"): {"is_hidden": True},
            ("post", "agents/"): {"name": "New", "provider": str(self.provider.pk), "model": "practice"},
            ("patch", "agents/{pk}/"): {"name": "Renamed"},
            ("post", "agents/import/"): {"agent": {"wiz_agent": 1, "name": "Brought along", "model": None}},
            ("post", "generate/text/"): self.question_form,
            ("post", "generate/object/"): {**self.question_form, "schema": {"type": "object"}},
            ("post", "conversations/"): {"agent": str(self.agent.pk)},
            ("patch", "conversations/{pk}/"): {"title": "Renamed"},
            ("post", "conversations/{pk}/messages/"): {"content": "Hello"},
            ("post", "conversations/{pk}/fork/"): {"message": str(self.reply.pk)},
            ("post", "messages/{pk}/edit/"): {"content": "Hello"},
            ("post", "prompts/"): {"name": "new", "text": "Text"},
            ("patch", "prompts/{pk}/"): {"name": "renamed"},
            ("post", "folders/"): {"name": "New"},
            ("patch", "folders/{pk}/"): {"name": "Renamed"},
            ("post", "webhooks/"): {"url": "http://127.0.0.1:9/new"},
            ("patch", "webhooks/{pk}/"): {"description": "Renamed"},
        }
        return bodies.get((verb, route.pattern.removeprefix("api/v1/")), {})

    @property
    def question_form(self) -> dict[str, Any]:
        """A direct question."""
        return {"provider": str(self.provider.pk), "model": "practice", "prompt": "Hello"}


def make_world(email: str = "owner@example.org", *, base_url: str = "http://127.0.0.1:9/v1") -> World:
    """A person with one of everything."""
    owner = make_user(email)
    provider = make_provider(owner, name=f"Provider of {email}", api_key="a-first-key-of-mine", base_url=base_url)
    model = ProviderModel.objects.create(provider=provider, model_id="practice")
    agent = make_agent(owner, provider, name=f"Agent of {email}")
    conversation = Conversation.objects.create(owner=owner, agent=agent, title="Private")
    reply = make_answer(conversation, "An answer")
    Message.objects.filter(pk=reply.pk).update(agent=agent)
    Conversation.objects.filter(pk=conversation.pk).update(head=reply)
    generation = Generation.objects.create(
        conversation=conversation, message=reply, status="completed", attempt=1, finished_at=timezone.now()
    )
    token, value = create_token(user=owner, name="mine")
    key = add_key(provider=provider, api_key="a-further-key-of-mine")
    assert reply.parent is not None
    folder = create_folder(user=owner, name="Private folder")
    share = Share.objects.create(conversation=conversation, head=reply)
    session = UserSession.objects.create(user=owner, session_key=owner.pk.hex, ip="192.0.2.1", user_agent="")
    passkey = Authenticator.objects.create(
        user=owner, type="webauthn", data={"name": "Key", "credential": make_credential()}
    )
    prompt = Prompt.objects.create(owner=owner, name="private-prompt", text="A private text")
    endpoint, _secret = create_endpoint(owner=owner, url="http://127.0.0.1:9/hook")
    delivery = WebhookDelivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    attachment = upload_picture(user=owner, content=png(), name="private.png")
    return World(
        *(owner, provider, key, model, agent, conversation, reply.parent, reply, generation, token, value, folder),
        *(share, session, passkey, prompt, endpoint, delivery, attachment),
    )


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of our own tables, but for sessions, the audit log, and when a token was last used."""
    return dict(_rows())


def _rows() -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    for app in ("accounts", "providers", "agents", "conversations"):
        for model in apps.get_app_config(app).get_models():
            if model not in NOT_COUNTED:
                names = [field.attname for field in model._meta.concrete_fields if field.attname != "last_used_at"]
                rows = model._default_manager.order_by("pk").values_list(*names)
                yield model._meta.label, [tuple(map(str, row)) for row in rows]
