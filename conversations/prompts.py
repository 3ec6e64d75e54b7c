"""Writes on the library of prompts, and the variables in their texts."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from agents.validation import clean_text
from conversations.models import Prompt
from providers.validation import clean_line

VARIABLE: Final = re.compile(r"\{\{\s*([\w-]{1,40})\s*(?::([^{}\n]{0,200}))?\}\}")
AUTOMATIC: Final = {"date"}
"""Variables that nobody is asked for: the page fills them in."""
MOST_VARIABLES: Final = 20
TEXT_LENGTH: Final = 20_000


class Variable(NamedTuple):
    """What is asked for when the prompt is used, and what stands there if nothing else is said."""

    name: str
    default: str


class PromptChanges(TypedDict, total=False):
    """What ``change_prompt`` changes; an absent field stays as it is."""

    name: str
    description: str
    text: str
    visibility: str


def variables_of(text: str) -> list[Variable]:
    """The variables in the order of their first appearance; the first default that is given holds."""
    found: dict[str, str] = {}
    for name, default in _named(text):
        found[name] = found.get(name) or default
    return [Variable(name, default) for name, default in found.items()]


def create_prompt(*, owner: User, **given: Unpack[PromptChanges]) -> Prompt:
    """A new prompt of this person's; raises ``ValidationError`` that names the wrong fields."""
    return _store(Prompt(owner=owner), given)


def change_prompt(*, prompt: Prompt, **changes: Unpack[PromptChanges]) -> Prompt:
    """Change the given fields; raises as ``create_prompt``."""
    return _store(prompt, changes)


def delete_prompt(*, prompt: Prompt) -> None:
    """Remove it from the library; what was sent with it stays."""
    prompt.delete()


def _named(text: str) -> Iterator[tuple[str, str]]:
    for match in VARIABLE.finditer(text):
        if match[1].lower() not in AUTOMATIC:
            yield match[1], (match[2] or "").strip()


def _store(prompt: Prompt, given: PromptChanges) -> Prompt:
    for name, value in given.items():
        setattr(prompt, name, value)
    _clean(prompt)
    try:
        with transaction.atomic():
            prompt.save()
            prompt.groups.set(prompt.owner.groups.all() if prompt.visibility == Prompt.Visibility.GROUPS else [])
    except IntegrityError:
        taken = _("You have a prompt called “%(name)s” already.") % {"name": prompt.name}
        raise ValidationError({"name": taken}) from None
    return prompt


def _clean(prompt: Prompt) -> None:
    errors: dict[str, list[str]] = {}
    prompt.name = prompt.name.strip().removeprefix("/")
    for name, clean in {"description": _clean_description, "text": _clean_prompt_text}.items():
        try:
            setattr(prompt, name, clean(getattr(prompt, name)))
        except ValidationError as error:
            errors[name] = error.messages
    try:
        prompt.clean_fields(exclude=["id", "owner", *errors])
    except ValidationError as error:
        errors |= error.message_dict
    if errors:
        raise ValidationError(errors)


def _clean_description(description: str) -> str:
    return clean_line(description, 300)


def _clean_prompt_text(text: str) -> str:
    text = clean_text(text).strip()
    if len(text) > TEXT_LENGTH:
        raise ValidationError(_("At most %d characters.") % TEXT_LENGTH)
    if len(variables_of(text)) > MOST_VARIABLES:
        raise ValidationError(_("At most %d variables.") % MOST_VARIABLES)
    return text
