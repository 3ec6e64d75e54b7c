"""What the fields of a provider may hold: one place for forms, the API and commands."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypedDict, cast
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from providers import adapters
from providers.addresses import check_base_url
from providers.errors import ProviderError
from providers.models import Provider
from providers.sentences import in_readers_language

KEY_LENGTH: Final = 4000
LINE_LENGTH: Final = 200
URL_LENGTH: Final = 500
NAME_LENGTH: Final = 100
HEADERS: Final = 20
HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)  # a token of RFC 9110, 5.6.2
LONGEST_WAIT: Final = 3000  # seconds; a queued answer is given up after less than the broker's hour
MOST_CALLS: Final = 10_000
MOST_WEIGHT: Final = 100
UNPRINTABLE: Final = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories: controls, lone surrogates, line and paragraph ends


class ProviderFields(TypedDict, total=False):
    """The fields that are checked; an absent one stays as it is.

    An empty ``api_key`` removes the key, empty ``headers`` remove all of them. ``None`` in a limit means the
    installation's own, or none.
    """

    name: str
    kind: str
    base_url: str
    api_key: str
    headers: Mapping[str, str]
    organization: str
    project: str
    key_weight: int
    connect_timeout: int | None
    first_event_timeout: int | None
    idle_timeout: int | None
    total_timeout: int | None
    max_concurrency: int | None


def clean_fields(provider: Provider, fields: ProviderFields) -> ProviderFields:
    """The given fields as they are stored; raises one ``ValidationError`` that names every wrong field."""
    errors: dict[str, list[str]] = {}
    cleaned: dict[str, object] = {}
    for name, value in fields.items():
        if name in CLEANERS:
            with _collecting(errors, name):
                cleaned[name] = CLEANERS[name](provider, value)
    kind = fields.get("kind", provider.kind)
    if kind in adapters.KINDS:
        with _collecting(errors, "base_url"):
            cleaned["kind"] = kind
            cleaned["base_url"] = clean_base_url(kind, fields.get("base_url", provider.base_url))
    else:
        errors["kind"] = [_("Choose one of: %s.") % ", ".join(adapters.KINDS)]
    if errors:
        raise ValidationError(errors)
    return cast("ProviderFields", cleaned)


def clean_line(value: str, length: int) -> str:
    """One printable line without surrounding white space; raises ``ValidationError`` otherwise."""
    if any(unicodedata.category(character) in UNPRINTABLE for character in value.strip()):
        raise ValidationError(_("Control characters are not allowed."))
    if len(value.strip()) > length:
        raise ValidationError(_("At most %d characters.") % length)
    return value.strip()


def clean_base_url(kind: str, base_url: str) -> str:
    """The address as it is stored, or the kind's own when empty; raises ``ValidationError``."""
    url = clean_line(base_url, URL_LENGTH) or adapters.KINDS[kind].base_url
    if not url:
        raise ValidationError(_("This kind needs a base URL, like https://llm.example.org/v1."))
    try:
        return check_base_url(url)
    except ProviderError as error:
        raise ValidationError(in_readers_language(f"{error.message} {error.detail or error.hint}")) from None
    except ValueError as error:
        raise ValidationError(str(error)) from None


def loses_key(provider: Provider, *, kind: str, base_url: str) -> bool:
    """Whether the stored secrets would not survive this change: they are bound to the kind, scheme, host and port."""
    if not (provider.has_api_key or provider.header_names or _has_further_keys(provider)):
        return False
    if kind != provider.kind:
        return True
    default = adapters.KINDS[kind].base_url if kind in adapters.KINDS else ""
    return _origin(base_url or default) != _origin(provider.base_url)


def missing_secrets(provider: Provider, fields: ProviderFields) -> list[str]:
    """The names of the secret fields that have to be given again, because of a change of kind or address."""
    kind = fields.get("kind", provider.kind)
    base_url = fields.get("base_url", provider.base_url if kind == provider.kind else "")
    if not loses_key(provider, kind=kind, base_url=base_url):
        return []
    stored = {"api_key": provider.has_api_key, "headers": bool(provider.header_names)}
    return [name for name, is_stored in stored.items() if is_stored and name not in fields]


def _has_further_keys(provider: Provider) -> bool:
    return not provider._state.adding and provider.further_keys.exists()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", url, None


def _clean_name(provider: Provider, name: str) -> str:
    name = clean_line(name, NAME_LENGTH)
    if not name:
        raise ValidationError(_("A provider needs a name."))
    scope = Q(owner=None) if provider.owner_id is None else Q(owner=provider.owner_id)
    if Provider.objects.filter(scope, name=name).exclude(pk=provider.pk).exists():
        raise ValidationError(_("There is a provider with this name already."))
    return name


def clean_key(key: str) -> str:
    """A key as it is stored; raises ``ValidationError``."""
    key = clean_line(key, KEY_LENGTH)
    if not key.isascii() or " " in key:
        raise ValidationError(_("A key holds no spaces and no characters outside ASCII."))
    return key


def clean_weight(weight: int) -> int:
    """A share of the calls; raises ``ValidationError``."""
    return _clean_count(weight, MOST_WEIGHT)


def _clean_headers(headers: Mapping[str, str]) -> dict[str, str]:
    if len(headers) > HEADERS:
        raise ValidationError(_("At most %d headers.") % HEADERS)
    if len({name.lower() for name in headers}) != len(headers):
        raise ValidationError(_("Every header once."))
    return {name: _clean_header(name, value) for name, value in headers.items()}


def _clean_header(name: str, value: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise ValidationError(_("“%s” is not the name of a header.") % name[:40])
    if name.lower() in adapters.FORBIDDEN_HEADERS:
        raise ValidationError(_("The header %s is set by Wiz and cannot be chosen.") % name)
    value = clean_line(value, KEY_LENGTH)
    if not value or not value.isascii():
        raise ValidationError(_("The header %s needs a value without characters outside ASCII.") % name)
    return value


def _clean_count(value: int | None, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise ValidationError(_("Enter a whole number from 1 to %d.") % most)
    return value


def _clean_wait(_provider: Provider, value: int | None) -> int | None:
    return None if value is None else _clean_count(value, LONGEST_WAIT)


CLEANERS: Final[Mapping[str, Callable[[Provider, Any], object]]] = {
    "name": _clean_name,
    "api_key": lambda _provider, key: clean_key(key),
    "headers": lambda _provider, headers: _clean_headers(headers),
    "organization": lambda _provider, line: clean_line(line, LINE_LENGTH),
    "project": lambda _provider, line: clean_line(line, LINE_LENGTH),
    "key_weight": lambda _provider, weight: clean_weight(weight),
    "connect_timeout": _clean_wait,
    "first_event_timeout": _clean_wait,
    "idle_timeout": _clean_wait,
    "total_timeout": _clean_wait,
    "max_concurrency": lambda _provider, value: None if value is None else _clean_count(value, MOST_CALLS),
}


@contextmanager
def naming(field: str) -> Iterator[None]:
    """Whatever is found wrong inside is about ``field``."""
    try:
        yield
    except ValidationError as error:
        raise ValidationError({field: error.messages}) from None


@contextmanager
def _collecting(errors: dict[str, list[str]], field: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        errors[field] = error.messages
