"""The agent that greets newcomers: it answers from the practice provider, without any key."""

from typing import Final

from django.db import transaction

from agents.models import Agent
from agents.versions import record_version
from providers.models import Provider
from providers.slugs import free_slug

NAME: Final = "Guide"
MODEL: Final = "practice"
DESCRIPTION: Final = "Shows around. Answers come from the built-in practice provider, not from a language model."
STARTERS: Final = (
    "Show me what Markdown looks like: headings, lists, a quote and some emphasis.",
    "Show me a short Python function with an explanation.",
    "Give me a long answer with a table.",
)


@transaction.atomic
def ensure_practice_agent(*, provider: Provider) -> Agent:
    """The agent "Guide" over the practice provider, open to everyone; an existing one is left as it is."""
    existing = Agent.objects.filter(owner=None, provider=provider, model=MODEL).first()
    if existing is not None:
        return existing
    taken = Agent.objects.filter(owner=None, name=NAME).exists()
    agent = Agent.objects.create(
        owner=None,
        name=f"{NAME} (practice)" if taken else NAME,
        slug=free_slug(Agent.objects.all(), NAME, "guide"),
        description=DESCRIPTION,
        provider=provider,
        model=MODEL,
        visibility=Agent.Visibility.EVERYONE,
        starters=list(STARTERS),
    )
    record_version(agent=agent, author=None)
    return agent
