"""The one place that turns what went wrong on the wire into ``providers.errors``.

Order of judgement: a typed error that is already there, the exception's class, the words of the error body, the HTTP
status. The words win over the status because a spent quota also arrives as 429 and a long prompt as plain 400.
"""

import email.utils
import math
import re
import time
from collections.abc import Iterator, Mapping

import anthropic
import httpx2
import openai

from providers import errors
from providers.adapters.complaints import Complaint, read_complaint
from providers.adapters.scrubbing import scrub, secrets_of
from providers.adapters.verdicts import (
    EXCEPTIONS,
    MODEL_PHRASES,
    MODEL_WORDS,
    PHRASES,
    QUOTA_PHRASES,
    SPECIFIC_WORDS,
    STATUSES,
    WORDS,
    ErrorClass,
)
from providers.types import ClientConfig

MAX_RETRY_AFTER = 3600.0  # seconds; a server that asks for more is not waited for any longer
MODEL = re.compile(r"(?<![/\w])models?\b", re.IGNORECASE)  # but not as the end of a path
WRONG_PATH = "There is nothing at this address: check the base URL and the kind of the provider."
REDIRECTED = "The server redirects to another address, which Wiz never follows: enter the final address as base URL."


def from_exception(error: BaseException, *, config: ClientConfig, model: str = "") -> errors.ProviderError:
    """The typed form of whatever an SDK, the HTTP client or a decoder raised; keeps no request and no cause."""
    failure = _convert(error)
    failure.detail = scrub(failure.detail, secrets_of(config))
    failure.provider = failure.provider or config.provider_name
    failure.model = failure.model or model
    failure.__cause__ = failure.__context__ = None
    return failure


def from_body(body: object, *, status: int | None = None) -> errors.ProviderError:
    """The typed form of an error body that came with ``status``, or inside a stream without one; not yet scrubbed."""
    return _judge(read_complaint(body), status)


def from_success_body(body: bytes) -> errors.ProviderError:
    """The typed form of a body that came with status 200 but is not what was asked for; not yet scrubbed."""
    complaint = read_complaint(body)
    if b'"error"' in body and (complaint.message or complaint.words):
        return _judge(complaint, complaint.status)
    return errors.BadResponse(detail=complaint.message or "JSON of another kind than the dialect's stream.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or a date); ``None`` for nonsense."""
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, MAX_RETRY_AFTER)
    value = headers.get("retry-after", "")
    seconds = _seconds(value)
    if seconds is None:
        seconds = _until(value)
    return None if seconds is None else min(seconds, MAX_RETRY_AFTER)


def _convert(error: BaseException) -> errors.ProviderError:
    for link in _chain(error):
        if isinstance(link, errors.ProviderError):
            return link
        if isinstance(link, openai.APIStatusError | anthropic.APIStatusError):
            failure = _judge(read_complaint(link.body), link.status_code)
            asked = retry_after(link.response.headers)
            failure.retry_after = failure.retry_after if asked is None else asked
            return failure
    return _from_root(next(link for link in reversed(list(_chain(error))) if _listed(link) or link is error))


def _from_root(root: BaseException) -> errors.ProviderError:
    kind = _listed(root)
    text = str(root)
    if isinstance(root, openai.APIError | anthropic.APIError) and root.body is not None:
        return _judge(read_complaint(root.body), None)
    if isinstance(root, httpx2.RemoteProtocolError):
        return _broken_protocol(text)
    if kind is errors.ProviderTimeout:
        return errors.ProviderTimeout(phase="connect" if isinstance(root, httpx2.ConnectTimeout) else "", detail=text)
    return kind(detail=text) if kind else errors.UnknownError(detail=type(root).__name__)


def _broken_protocol(text: str) -> errors.ProviderError:
    if "disconnected" in text:
        return errors.ConnectionFailed(detail=text)
    if "peer closed" in text:
        return errors.Incomplete(detail=text)
    return errors.BadResponse(detail=text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes; the SDKs wrap the transport's own error, which says more."""
    link: BaseException | None = error
    for _ in range(8):
        if link is None:
            return
        yield link
        link = link.__cause__


def _listed(error: BaseException) -> ErrorClass | None:
    return next((EXCEPTIONS[base] for base in type(error).__mro__ if base in EXCEPTIONS), None)


def _judge(complaint: Complaint, status: int | None) -> errors.ProviderError:
    kind = _kind(complaint, status or complaint.status)
    return kind(
        detail=_detail(complaint, status, kind),
        status=status or complaint.status,
        retry_after=complaint.retry_after if kind is errors.RateLimited else None,
    )


def _detail(complaint: Complaint, status: int | None, kind: ErrorClass) -> str:
    if status is not None and 300 <= status < 400:
        return REDIRECTED
    if status == 404 and kind is errors.InvalidRequest:
        return f"{WRONG_PATH} {complaint.message}".strip()
    return complaint.message


def _kind(complaint: Complaint, status: int | None) -> ErrorClass:
    kind = _first(SPECIFIC_WORDS, complaint) or _by_phrase(complaint, status)
    if kind:
        return kind
    if status is None:
        return _first(WORDS, complaint) or errors.ServerError
    return _by_status(complaint, status)


def _by_phrase(complaint: Complaint, status: int | None) -> ErrorClass | None:
    """For servers that put everything into the message."""
    if complaint.says(*QUOTA_PHRASES):
        return errors.RateLimited if complaint.is_per_minute else errors.QuotaExceeded
    return next((row.kind for row in PHRASES if status in row.statuses and complaint.says(*row.phrases)), None)


def _first(table: Mapping[str, ErrorClass], complaint: Complaint) -> ErrorClass | None:
    return next((table[word] for word in sorted(complaint.words) if word in table), None)


def _by_status(complaint: Complaint, status: int) -> ErrorClass:
    if status in {400, 404, 422} and _names_no_model(complaint, status):
        return errors.ModelNotFound
    if status == 404:
        return errors.InvalidRequest
    if status < 300:
        return errors.BadResponse
    return STATUSES.get(status) or (errors.ServerError if status >= 500 else errors.InvalidRequest)


def _names_no_model(complaint: Complaint, status: int) -> bool:
    """Whether the refusal is about the model; a 404 that speaks of models is, a 400 may be about anything of it."""
    if complaint.words & MODEL_WORDS or complaint.says(*MODEL_PHRASES):
        return True
    return status == 404 and MODEL.search(complaint.message) is not None


def _seconds(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(date: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return moment - time.time() if moment > time.time() else None
