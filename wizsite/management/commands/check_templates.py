"""``manage.py check_templates``: every template of the project compiles."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template


class Command(BaseCommand):
    """Compile all templates and name those that do not."""

    help = "Compiles every template of the project; exit status 1 if one does not compile."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each broken template."""
        problems = [problem for name in template_names() if (problem := template_problem(name))]
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            sys.exit(1)


def template_names() -> Iterator[str]:
    """The templates in our own folders, by the names they are loaded with."""
    for folder in template_folders():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in {".html", ".txt", ".xml"}:
                yield str(path.relative_to(folder))


def template_folders() -> Iterator[Path]:
    """The project's own template folders, without those of libraries."""
    yield settings.BASE_DIR / "templates"
    for config in apps.get_app_configs():
        folder = Path(config.path) / "templates"
        if folder.is_dir() and Path(config.path).parent == settings.BASE_DIR:
            yield folder


def template_problem(name: str) -> str:
    """Why ``name`` does not compile, or nothing."""
    try:
        get_template(name)
    except (TemplateSyntaxError, TemplateDoesNotExist) as error:
        return f"{name}: {error}"
    return ""
