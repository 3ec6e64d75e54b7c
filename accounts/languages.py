"""Which language a person is spoken to in."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts.models import User


def chosen_language(user: User | AnonymousUser) -> str:
    """The one that the person chose under Settings; empty for what the browser asks for."""
    language = user.language if isinstance(user, User) else ""
    return language if language in dict(settings.LANGUAGES) else ""


def spoken_language(user: User, asked: str) -> str:
    """As the middleware decides it for a page, where there is none: ``asked`` is the header ``Accept-Language``."""
    if chosen := chosen_language(user):
        return chosen
    for code, _ in parse_accept_lang_header(asked):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
