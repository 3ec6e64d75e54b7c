"""Everything that can go wrong with a provider, as one tree.

    ProviderError                    code               retryable
      QuotaExceeded                  quota_exceeded     no
      RateLimited                    rate_limit         yes
      AuthFailed                     auth_failed        no
      PermissionRefused              permission_denied  no
      ModelNotFound                  model_not_found    no
      InvalidRequest                 invalid_request    no
        ContextTooLong               context_length     no
        SchemaRefused                invalid_schema     no    (refused before any call)
        RequestRefused               invalid_request    no    (refused before any call)
      ContentFiltered                content_filtered   no
      ProviderTimeout                timeout            yes
      ConnectionFailed               connection_failed  yes
      Overloaded                     overloaded         yes
      ProviderBusy                   provider_busy      yes   (refused before any call)
      ServerError                    server_error       yes
      BadResponse                    bad_response       yes   (before output)
      Incomplete                     incomplete         yes   (before output)
      ObjectInvalid                  invalid_object     no
      Cancelled                      cancelled          no
      UnknownError                   unknown            no
      ProviderUnavailable                                     (refused before any call)
        ProviderNotFound             provider_not_found no
        ProviderInactive             provider_inactive  no
        UnsupportedKind              unsupported_kind   no
        KeyMissing                   key_missing        no
        KeyUnreadable                key_unreadable     no
        AddressRefused               address_refused    no

"Before output" is judged by the caller (``retry.py``): once a reader has seen text, nothing is retried.
"""

from dataclasses import dataclass, field
from typing import ClassVar, TypedDict

from providers.types import Usage

DETAIL_LIMIT = 2000  # characters of the provider's own message that are kept


class ErrorRecord(TypedDict):
    """The JSON form that crosses processes: stored in the database, sent to followers and API callers."""

    code: str
    message: str
    hint: str
    detail: str
    retryable: bool
    retry_after: float | None
    status: int | None
    provider: str
    model: str


@dataclass(kw_only=True, eq=False)
class ProviderError(Exception):
    """A typed failure. ``message`` says what happened in a sentence, ``hint`` what to do next.

    ``detail`` is the provider's own text, bounded and without secrets. ``retry_after`` is in seconds.
    """

    detail: str = ""
    status: int | None = None
    retry_after: float | None = None
    provider: str = ""
    model: str = ""

    code: ClassVar[str] = "unknown"
    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "Something unexpected went wrong while talking to {provider}."
    next_step: ClassVar[str] = "Try again. If it keeps happening, look at the details or ask an administrator."

    def __post_init__(self) -> None:
        self.detail = self.detail[:DETAIL_LIMIT]
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What happened, for a reader."""
        sentence = self.sentence.format(provider=self.provider or "The provider", model=self.model or "the model")
        return f"{sentence.removesuffix('.')} ({self.status})." if self.status else sentence

    @property
    def hint(self) -> str:
        """What to do next, for a reader."""
        return self.next_step

    def record(self) -> ErrorRecord:
        """The JSON form."""
        return ErrorRecord(
            code=self.code,
            message=self.message,
            hint=self.hint,
            detail=self.detail,
            retryable=self.retryable,
            retry_after=self.retry_after,
            status=self.status,
            provider=self.provider,
            model=self.model,
        )

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class QuotaExceeded(ProviderError):
    """The account has no credit left, whatever the HTTP status says."""

    code = "quota_exceeded"
    sentence = "The account at {provider} has no credit or quota left."
    next_step = "Add credit at the provider, or choose another model."


class RateLimited(ProviderError):
    """Too many requests or tokens for now."""

    code = "rate_limit"
    retryable = True
    sentence = "{provider} limits how fast it answers and asked us to wait."
    next_step = "Wait a moment and try again."


class AuthFailed(ProviderError):
    """The key is wrong, missing or revoked."""

    code = "auth_failed"
    sentence = "{provider} refused the key."
    next_step = "Paste a new key under Providers, or ask an administrator."


class PermissionRefused(ProviderError):
    """The key is known but may not do this."""

    code = "permission_denied"
    sentence = "The key for {provider} may not use {model}."
    next_step = "Allow it at the provider, or choose another model."


class ModelNotFound(ProviderError):
    """No such model, or it was retired."""

    code = "model_not_found"
    sentence = "{provider} does not know {model}."
    next_step = "Choose another model; the list under Providers shows what exists."


class InvalidRequest(ProviderError):
    """The provider refused the request itself."""

    code = "invalid_request"
    sentence = "{provider} did not accept the request."
    next_step = "Look at the details, then change the agent's parameters or the message."

    @property
    def concerns_question(self) -> bool:
        """Whether the question may be at fault, and not the address: a wrong path is 404, a moved one redirects."""
        return self.status in {None, 400, 422, 501}


class ContextTooLong(InvalidRequest):
    """More text than the model can read."""

    code = "context_length"
    sentence = "The conversation is too long for {model}."
    next_step = "Start a new conversation, or choose a model with a larger context."


class SchemaRefused(InvalidRequest):
    """A JSON schema that Wiz does not use; ``detail`` is a sentence that says why. No call was made."""

    code = "invalid_schema"
    sentence = "This JSON schema cannot be used."
    next_step = "Look at the details, then change the schema."


class RequestRefused(InvalidRequest):
    """A request that Wiz does not send; ``detail`` is a sentence that says why and what to do. No call was made."""

    sentence = "This request cannot be sent."
    next_step = "Look at the details, then change the request."


class ContentFiltered(ProviderError):
    """Refused by the provider's content rules."""

    code = "content_filtered"
    sentence = "{provider} refused to answer because of its content rules."
    next_step = "Say it differently, or choose another model."


@dataclass(kw_only=True, eq=False)
class ProviderTimeout(ProviderError):
    """One of the four time limits ran out; ``phase`` says which."""

    code = "timeout"
    retryable = True
    sentence = "{provider} did not answer in time."
    next_step = "Try again, or choose another model."

    phases: ClassVar[dict[str, str]] = {
        "connect": "{provider} could not be reached in time.",
        "first_event": "{provider} accepted the request but sent nothing in time.",
        "idle": "{provider} stopped sending in the middle of the answer.",
        "total": "{provider} took longer than an answer may take.",
    }
    phase: str = ""

    @property
    def message(self) -> str:
        """What happened, naming the limit that ran out."""
        sentence = self.phases.get(self.phase, self.sentence)
        return sentence.format(provider=self.provider or "The provider", model=self.model or "the model")


class ConnectionFailed(ProviderError):
    """No connection, or one that broke."""

    code = "connection_failed"
    retryable = True
    sentence = "{provider} could not be reached."
    next_step = "Check the base URL and that the server is running, then try again."


class Overloaded(ProviderError):
    """The provider says that it is overloaded."""

    code = "overloaded"
    retryable = True
    sentence = "{provider} is overloaded."
    next_step = "Try again in a minute, or choose another model."


class ProviderBusy(ProviderError):
    """As many calls are running as the provider's settings allow, and none ended in time."""

    code = "provider_busy"
    retryable = True
    sentence = "All calls that {provider} may take at the same time are in use."
    next_step = "Try again in a minute, or raise the limit under Providers."


class ServerError(ProviderError):
    """The provider failed on its side."""

    code = "server_error"
    retryable = True
    sentence = "{provider} had an internal error."
    next_step = "Try again in a minute, or choose another model."


class BadResponse(ProviderError):
    """An answer that does not follow the dialect: HTML, broken JSON, no text at all."""

    code = "bad_response"
    retryable = True
    sentence = "{provider} sent an answer that is not in the expected format."
    next_step = "Check the base URL and the kind of the provider: it may not be an LLM endpoint."


class Incomplete(ProviderError):
    """A stream that ended without saying why."""

    code = "incomplete"
    retryable = True
    sentence = "The answer from {provider} ended too early."
    next_step = "Continue or regenerate the answer."


@dataclass(kw_only=True, eq=False)
class ObjectInvalid(ProviderError):
    """No answer fits the schema, repairs included. ``detail`` is the last answer's raw text, bounded.

    ``path`` is the JSON path of what is wrong, ``problem`` says what; ``usage`` is what all the calls took.
    """

    code = "invalid_object"
    sentence = "{model} did not answer in the form that was asked for."
    next_step = "Try again, make the schema simpler, or choose a model with structured output."
    path: str = "$"
    problem: str = ""
    usage: Usage = field(default_factory=Usage)


class Cancelled(ProviderError):
    """Stopped by a person or a client."""

    code = "cancelled"
    sentence = "Stopped."
    next_step = "Regenerate to get a new answer."


class UnknownError(ProviderError):
    """Anything that no other class describes."""


class ProviderUnavailable(ProviderError):
    """Refused by Wiz before any call was made."""

    code = "provider_unavailable"


class ProviderNotFound(ProviderUnavailable):
    """No such provider, or not visible to the caller."""

    code = "provider_not_found"
    sentence = "This provider does not exist any more."
    next_step = "Choose another provider in the agent's settings."


class ProviderInactive(ProviderUnavailable):
    """Switched off."""

    code = "provider_inactive"
    sentence = "{provider} is switched off."
    next_step = "Switch it on under Providers, or choose another provider."


class UnsupportedKind(ProviderUnavailable):
    """A kind that this version has no adapter for."""

    code = "unsupported_kind"
    sentence = "{provider} is of a kind that Wiz does not know."
    next_step = "Choose one of the offered kinds under Providers."


class KeyMissing(ProviderUnavailable):
    """The kind needs a key and there is none."""

    code = "key_missing"
    sentence = "{provider} has no key yet."
    next_step = "Enter a key under Providers."


class KeyUnreadable(ProviderUnavailable):
    """The stored key cannot be decrypted, or belongs to another address."""

    code = "key_unreadable"
    sentence = "The stored key of {provider} cannot be read."
    next_step = "Enter the key again under Providers."


class AddressRefused(ProviderUnavailable):
    """The base URL points where Wiz must not connect."""

    code = "address_refused"
    sentence = "The address of {provider} is not allowed."
    next_step = "Use a public address, or let the operator allow private ones (WIZ_PRIVATE_PROVIDERS)."
