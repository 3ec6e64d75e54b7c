"""Stored sentences in pages."""

from django import template

from providers.sentences import in_readers_language

register = template.Library()


@register.filter
def spoken(text: str | None) -> str:
    """The sentence of an error or a notice, in the language of the page."""
    return in_readers_language(text or "")
