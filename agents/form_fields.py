"""The parts of an agent's form that Django has no field for: rows of text, and a JSON schema."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class RowsInput(forms.Widget):
    """Several values of one name, in the order of the page; the template draws them."""

    def value_from_datadict(self, data: Mapping[str, Any], files: object, name: str) -> list[str]:  # noqa: ARG002
        """All values that came under the name."""
        return list(data.getlist(name) if hasattr(data, "getlist") else data.get(name, ()))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: object, name: str) -> bool:  # noqa: ARG002
        """Whether nothing was said about them."""
        return name not in data


class RowsField(forms.Field):
    """Texts, one per row; empty rows do not count."""

    widget = RowsInput

    def clean(self, value: list[str] | None) -> list[str]:
        """The rows that say something."""
        return [text for row in value or () if (text := row.strip())]


class SchemaField(forms.CharField):
    """A JSON object as text; what is wrong is said with its line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> str:
        """Stored schemas with line breaks, typed ones as they were typed."""
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def clean(self, value: Any) -> dict[str, Any] | None:
        """The object, or ``None`` for an empty field."""
        text = super().clean(value)
        if not text:
            return None
        try:
            schema = json.loads(text)
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno, "reason": error.msg}
            raise ValidationError(_("Line %(line)d, column %(column)d is not JSON: %(reason)s.") % place) from None
        except RecursionError:
            raise ValidationError(_("The schema is nested too deeply.")) from None
        if not isinstance(schema, dict):
            raise ValidationError(_("A response schema is a JSON object: it begins with { and ends with }."))
        return schema
