"""Back to what an agent was."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from agents.models import Agent, AgentVersion
from agents.services import AgentChanges, update_agent
from agents.validation import Fallback, sees_provider
from agents.versions import PLAIN, NamedProvider, Snapshot
from providers.models import Provider


@transaction.atomic
def restore_version(*, version: AgentVersion, author: User | None) -> Agent:
    """The agent as it was at this version, which becomes the newest one. Raises ``ValidationError``.

    Where its provider is gone or withdrawn the present provider and model stay, and fallbacks that are gone are left
    out; the new version's note says so. Who may use the agent stays as it is.
    """
    agent, snapshot = version.agent, version.snapshot
    changes: AgentChanges = {name: snapshot[name] for name in PLAIN if name in snapshot}  # type: ignore[assignment]
    notes: list[str] = []
    provider = _still_there(agent, snapshot["provider"])
    if provider is not None:
        changes["provider"] = provider
    else:
        del changes["model"]
    if provider is None and snapshot["provider"]:
        notes.append(_("%s is gone: the provider and model stayed as they were.") % snapshot["provider"]["name"][:100])
    changes["fallbacks"] = _fallbacks(agent, snapshot)
    if missing := len(snapshot["fallbacks"]) - len(changes["fallbacks"]):
        notes.append(ngettext("%d fallback is gone.", "%d fallbacks are gone.", missing) % missing)
    return update_agent(agent=agent, author=author, note=" ".join(notes)[:200], restored_from=version.number, **changes)


def _fallbacks(agent: Agent, snapshot: Snapshot) -> list[Fallback]:
    found = ((_still_there(agent, row["provider"]), row["model"]) for row in snapshot["fallbacks"])
    return [Fallback(provider=str(provider.pk), model=model) for provider, model in found if provider]


def _still_there(agent: Agent, named: NamedProvider | None) -> Provider | None:
    provider = Provider.objects.filter(pk=named["id"]).first() if named else None
    return provider if provider is not None and sees_provider(agent.owner, provider) else None
