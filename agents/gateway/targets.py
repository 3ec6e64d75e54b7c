"""Names of models: ``agent/<slug>`` or ``<provider's slug>/<model id>``, and whom they ask."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from accounts.models import User
from agents.gateway.failures import Refused, no_model
from agents.hops import Hop, read_hops
from agents.models import Agent
from providers.errors import RequestRefused
from providers.fitting import fit_request_to_row, takes_schema
from providers.metering import Call
from providers.models import Provider, ProviderModel
from providers.requests import MODEL_LENGTH
from providers.types import ChatRequest

AGENT: Final = "agent"
NAME_LENGTH: Final = MODEL_LENGTH + 61


@dataclass(frozen=True, slots=True)
class Place:
    """One model of one provider, with its row of the catalogue if there is one."""

    provider: Provider
    model: str
    row: ProviderModel | None


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a name asks, in order; with an agent also how."""

    name: str
    places: tuple[Place, ...]
    agent: Agent | None = None

    def calls(self, request: ChatRequest) -> list[Call]:
        """The request for each that can take it. Raises ``RequestRefused`` when none can, and ``Refused``."""
        asked = self._as_agent(request)
        calls: list[Call] = []
        refusal: RequestRefused | None = None
        for place in self.places:
            try:
                calls.append(self._call(place, asked))
            except RequestRefused as error:
                refusal = refusal or error
        if not calls and refusal is not None:
            raise refusal
        return calls

    def _call(self, place: Place, asked: ChatRequest) -> Call:
        request = replace(asked, model=place.model)
        loses_schema = self._has_schema and not takes_schema(place.model, place.row)
        if loses_schema:
            request = replace(request, response_schema=None)
        fitted, dropped = fit_request_to_row(place.provider.kind, place.row, request)
        if "json_mode" in dropped:
            detail = f"{place.model} has no JSON mode. Send a JSON schema, or choose another model."
            raise RequestRefused(detail=detail, model=place.model)
        if loses_schema:
            dropped = (*dropped, "response_schema")
        return Call(place.provider, fitted, dropped, self.agent.name if self.agent else "")

    @property
    def _has_schema(self) -> bool:
        """Whether the schema is the agent's own, which is left out where a caller's is refused."""
        return self.agent is not None and bool(self.agent.response_schema)

    def _as_agent(self, request: ChatRequest) -> ChatRequest:
        """The agent's prompt comes first, its parameters and its schema win; of two limits the lower one."""
        agent = self.agent
        if agent is None:
            return request
        limits = [limit for limit in (agent.max_tokens, request.max_tokens) if limit is not None]
        return replace(
            request,
            system_prompt=agent.system_prompt,
            temperature=request.temperature if agent.temperature is None else agent.temperature,
            top_p=request.top_p if agent.top_p is None else agent.top_p,
            max_tokens=min(limits, default=None),
            reasoning_effort=agent.reasoning_effort or request.reasoning_effort,
            response_schema=agent.response_schema or request.response_schema,
            json_mode=request.json_mode and not agent.response_schema,
        )


def find_target(user: User, name: str) -> Target:
    """Whom the name asks, if the person may; else ``Refused``. Reads the database."""
    if len(name) > NAME_LENGTH or any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise no_model("".join(filter(str.isprintable, name)))
    owner, _, rest = name.partition("/")
    if not rest:
        raise no_model(name)
    return _agent(user, rest) if owner == AGENT else _model(user, owner, rest)


def _agent(user: User, slug: str) -> Target:
    rows = Agent.objects.visible_to(user).usable().select_related("provider", "owner")
    agent = rows.filter(slug=slug).first()
    if agent is None:
        raise no_model(f"{AGENT}/{slug}")
    places = tuple(_places(agent))
    if not places:
        raise Refused(404, f"{agent.name} has no model that can be asked now.", param="model", code="model_not_found")
    return Target(f"{AGENT}/{slug}", places, agent)


def _places(agent: Agent) -> Iterator[Place]:
    for hop in read_hops(agent):
        if hop.model and hop.provider.is_active:
            yield _place(hop)


def _place(hop: Hop) -> Place:
    row = ProviderModel.objects.filter(provider=hop.provider, model_id=hop.model).first()
    return Place(hop.provider, hop.model, row)


def _model(user: User, slug: str, model: str) -> Target:
    provider = Provider.objects.visible_to(user).active().filter(slug=slug).first()
    if provider is None or len(model) > MODEL_LENGTH:
        raise no_model(f"{slug}/{model}")
    return Target(f"{slug}/{model}", (_place(Hop(0, provider, model)),))
