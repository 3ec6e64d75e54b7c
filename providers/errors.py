"""Everything that can go wrong with a provider, as one tree.

    ProviderError                    code               retryable
      QuotaExceeded                  quota_exceeded     no
      BudgetExceeded                 budget_exceeded    no    (refused before any call)
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

from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Self, TypedDict

from django.utils.translation import gettext_noop as _

from providers.types import Usage

SOME_PROVIDER: Final = _("The provider")
SOME_MODEL: Final = _("the model")
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
    sentence: ClassVar[str] = _("Something unexpected went wrong while talking to {provider}.")
    next_step: ClassVar[str] = _("Try again. If it keeps happening, look at the details or ask an administrator.")

    def __post_init__(self) -> None:
        self.detail = self.detail[:DETAIL_LIMIT]
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What happened, for a reader."""
        sentence = self.sentence.format(provider=self.provider or SOME_PROVIDER, model=self.model or SOME_MODEL)
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

    def without_detail(self) -> Self:
        """The same without the provider's own words: they may repeat what the reader is not shown."""
        return replace(self, detail="")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class QuotaExceeded(ProviderError):
    """The account has no credit left, whatever the HTTP status says."""

    code = "quota_exceeded"
    sentence = _("The account at {provider} has no credit or quota left.")
    next_step = _("Add credit at the provider, or choose another model.")


@dataclass(kw_only=True, eq=False)
class BudgetExceeded(ProviderError):
    """A budget of Wiz's own is used up; ``retry_after`` is until it begins anew. No call was made.

    ``told`` and ``advice`` are the sentences for the reader.
    """

    code = "budget_exceeded"
    told: str = _("A budget is used up.")
    advice: str = _("Wait until it begins anew, or ask an administrator.")

    @property
    def message(self) -> str:
        """Whose budget, and how much it was."""
        return self.told

    @property
    def hint(self) -> str:
        """When it begins anew."""
        return self.advice


class RateLimited(ProviderError):
    """Too many requests or tokens for now."""

    code = "rate_limit"
    retryable = True
    sentence = _("{provider} limits how fast it answers and asked us to wait.")
    next_step = _("Wait a moment and try again.")


class AuthFailed(ProviderError):
    """The key is wrong, missing or revoked."""

    code = "auth_failed"
    sentence = _("{provider} refused the key.")
    next_step = _("Paste a new key under Providers, or ask an administrator.")


class PermissionRefused(ProviderError):
    """The key is known but may not do this."""

    code = "permission_denied"
    sentence = _("The key for {provider} may not use {model}.")
    next_step = _("Allow it at the provider, or choose another model.")


class ModelNotFound(ProviderError):
    """No such model, or it was retired."""

    code = "model_not_found"
    sentence = _("{provider} does not know {model}.")
    next_step = _("Choose another model; the list under Providers shows what exists.")


class InvalidRequest(ProviderError):
    """The provider refused the request itself."""

    code = "invalid_request"
    sentence = _("{provider} did not accept the request.")
    next_step = _("Look at the details, then change the agent's parameters or the message.")

    @property
    def concerns_question(self) -> bool:
        """Whether the question may be at fault, and not the address: a wrong path is 404, a moved one redirects."""
        return self.status in {None, 400, 422, 501}


class ContextTooLong(InvalidRequest):
    """More text than the model can read."""

    code = "context_length"
    sentence = _("The conversation is too long for {model}.")
    next_step = _("Start a new conversation, or choose a model with a larger context.")


class SchemaRefused(InvalidRequest):
    """A JSON schema that Wiz does not use; ``detail`` is a sentence that says why. No call was made."""

    code = "invalid_schema"
    sentence = _("This JSON schema cannot be used.")
    next_step = _("Look at the details, then change the schema.")


class RequestRefused(InvalidRequest):
    """A request that Wiz does not send; ``detail`` is a sentence that says why and what to do. No call was made."""

    sentence = _("This request cannot be sent.")
    next_step = _("Look at the details, then change the request.")

    def without_detail(self) -> Self:
        """Itself: the words are Wiz's."""
        return self


class ContentFiltered(ProviderError):
    """Refused by the provider's content rules."""

    code = "content_filtered"
    sentence = _("{provider} refused to answer because of its content rules.")
    next_step = _("Say it differently, or choose another model.")


@dataclass(kw_only=True, eq=False)
class ProviderTimeout(ProviderError):
    """One of the four time limits ran out, or the reader's; ``phase`` says which."""

    code = "timeout"
    retryable = True
    sentence = _("{provider} did not answer in time.")
    next_step = _("Try again, or choose another model.")

    phases: ClassVar[dict[str, str]] = {
        "connect": _("{provider} could not be reached in time."),
        "first_event": _("{provider} accepted the request but sent nothing in time."),
        "idle": _("{provider} stopped sending in the middle of the answer."),
        "total": _("{provider} took longer than an answer may take."),
        "reader": _("The answer was ended because nobody read on."),
    }
    phase: str = ""

    @property
    def message(self) -> str:
        """What happened, naming the limit that ran out."""
        sentence = self.phases.get(self.phase, self.sentence)
        return sentence.format(provider=self.provider or SOME_PROVIDER, model=self.model or SOME_MODEL)


class ConnectionFailed(ProviderError):
    """No connection, or one that broke."""

    code = "connection_failed"
    retryable = True
    sentence = _("{provider} could not be reached.")
    next_step = _("Check the base URL and that the server is running, then try again.")


class Overloaded(ProviderError):
    """The provider says that it is overloaded."""

    code = "overloaded"
    retryable = True
    sentence = _("{provider} is overloaded.")
    next_step = _("Try again in a minute, or choose another model.")


class ProviderBusy(ProviderError):
    """As many calls are running as the provider's settings allow, and none ended in time."""

    code = "provider_busy"
    retryable = True
    sentence = _("All calls that {provider} may take at the same time are in use.")
    next_step = _("Try again in a minute, or raise the limit under Providers.")


class ServerError(ProviderError):
    """The provider failed on its side."""

    code = "server_error"
    retryable = True
    sentence = _("{provider} had an internal error.")
    next_step = _("Try again in a minute, or choose another model.")


class BadResponse(ProviderError):
    """An answer that does not follow the dialect: HTML, broken JSON, no text at all."""

    code = "bad_response"
    retryable = True
    sentence = _("{provider} sent an answer that is not in the expected format.")
    next_step = _("Check the base URL and the kind of the provider: it may not be an LLM endpoint.")


class Incomplete(ProviderError):
    """A stream that ended without saying why."""

    code = "incomplete"
    retryable = True
    sentence = _("The answer from {provider} ended too early.")
    next_step = _("Continue or regenerate the answer.")


@dataclass(kw_only=True, eq=False)
class ObjectInvalid(ProviderError):
    """No answer fits the schema, repairs included. ``detail`` is the last answer's raw text, bounded.

    ``path`` is the JSON path of what is wrong, ``problem`` says what; ``usage`` is what all the calls took.
    """

    code = "invalid_object"
    sentence = _("{model} did not answer in the form that was asked for.")
    next_step = _("Try again, make the schema simpler, or choose a model with structured output.")
    path: str = "$"
    problem: str = ""
    usage: Usage = field(default_factory=Usage)


class Cancelled(ProviderError):
    """Stopped by a person or a client."""

    code = "cancelled"
    sentence = _("Stopped.")
    next_step = _("Regenerate to get a new answer.")


class UnknownError(ProviderError):
    """Anything that no other class describes."""


class ProviderUnavailable(ProviderError):
    """Refused by Wiz before any call was made."""

    code = "provider_unavailable"


class ProviderNotFound(ProviderUnavailable):
    """No such provider, or not visible to the caller."""

    code = "provider_not_found"
    sentence = _("This provider does not exist any more.")
    next_step = _("Choose another provider in the agent's settings.")


class ProviderInactive(ProviderUnavailable):
    """Switched off."""

    code = "provider_inactive"
    sentence = _("{provider} is switched off.")
    next_step = _("Switch it on under Providers, or choose another provider.")


class UnsupportedKind(ProviderUnavailable):
    """A kind that this version has no adapter for."""

    code = "unsupported_kind"
    sentence = _("{provider} is of a kind that Wiz does not know.")
    next_step = _("Choose one of the offered kinds under Providers.")


class KeyMissing(ProviderUnavailable):
    """The kind needs a key and there is none."""

    code = "key_missing"
    sentence = _("{provider} has no key yet.")
    next_step = _("Enter a key under Providers.")


class KeyUnreadable(ProviderUnavailable):
    """The stored key cannot be decrypted, or belongs to another address."""

    code = "key_unreadable"
    sentence = _("The stored key of {provider} cannot be read.")
    next_step = _("Enter the key again under Providers.")


class AddressRefused(ProviderUnavailable):
    """The base URL points where Wiz must not connect."""

    code = "address_refused"
    sentence = _("The address of {provider} is not allowed.")
    next_step = _("Use a public address, or let the operator allow private ones (WIZ_PRIVATE_PROVIDERS).")
