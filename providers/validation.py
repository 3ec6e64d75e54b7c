"""What the fields of a provider may hold: one place for forms, the API and commands."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from providers import adapters
from providers.addresses import check_base_url
from providers.errors import ProviderError
from providers.models import Provider

KEY_LENGTH = 4000
LINE_LENGTH = 200
URL_LENGTH = 500
NAME_LENGTH = 100
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories: controls, lone surrogates, line and paragraph ends


class ProviderFields(TypedDict):
    """The fields that are checked together. ``api_key`` is ``None`` when none was given."""

    name: str
    kind: str
    base_url: str
    api_key: str | None
    organization: str
    project: str


def clean_fields(provider: Provider, fields: ProviderFields) -> ProviderFields:
    """The fields as they are stored; raises one ``ValidationError`` that names every wrong field."""
    errors: dict[str, list[str]] = {}
    cleaned = fields.copy()
    with _collecting(errors, "name"):
        cleaned["name"] = _clean_name(provider, fields["name"])
    with _collecting(errors, "api_key"):
        cleaned["api_key"] = _clean_key(fields["api_key"])
    with _collecting(errors, "organization"):
        cleaned["organization"] = clean_line(fields["organization"], LINE_LENGTH)
    with _collecting(errors, "project"):
        cleaned["project"] = clean_line(fields["project"], LINE_LENGTH)
    if fields["kind"] in adapters.KINDS:
        with _collecting(errors, "base_url"):
            cleaned["base_url"] = clean_base_url(fields["kind"], fields["base_url"])
    else:
        errors["kind"] = [_("Choose one of: %s.") % ", ".join(adapters.KINDS)]
    if errors:
        raise ValidationError(errors)
    return cleaned


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
        raise ValidationError(f"{error.message} {error.detail or error.hint}") from None
    except ValueError as error:
        raise ValidationError(str(error)) from None


def loses_key(provider: Provider, *, kind: str, base_url: str) -> bool:
    """Whether the stored key would not survive this change: it is bound to the kind, scheme, host and port."""
    if not provider.has_api_key:
        return False
    if kind != provider.kind:
        return True
    default = adapters.KINDS[kind].base_url if kind in adapters.KINDS else ""
    return _origin(base_url or default) != _origin(provider.base_url)


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


def _clean_key(key: str | None) -> str | None:
    if key is None:
        return None
    key = clean_line(key, KEY_LENGTH)
    if not key.isascii() or " " in key:
        raise ValidationError(_("A key holds no spaces and no characters outside ASCII."))
    return key


@contextmanager
def _collecting(errors: dict[str, list[str]], field: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        errors[field] = error.messages
