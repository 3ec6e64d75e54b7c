"""``manage.py translate``: extract what is to be translated, compile what has been."""

from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import to_locale

IGNORED = ("var/*", ".venv/*", ".clients/*", "tests/*", "benchmarks/*", "node_modules/*")
HEADER = ("Project-Id-Version", "Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms")


class Command(BaseCommand):
    """Run after marked strings changed, then fill what is listed, then run again."""

    help = "Brings locale/*/LC_MESSAGES/django.po and django.mo up to date; lists what is not translated yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each string that has no translation."""
        locales = [to_locale(code) for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
        extract(locales)
        for locale in locales:
            catalogue = tidy(catalogue_path(locale))
            for entry in unfinished(catalogue):
                self.stdout.write(f"{locale}: {entry.msgid}")
            catalogue.save_as_mofile(str(catalogue_path(locale).with_suffix(".mo")))


def catalogue_path(locale: str) -> Path:
    """The file that holds a language's translations."""
    return Path(settings.LOCALE_PATHS[0]) / locale / "LC_MESSAGES" / "django.po"


def extract(locales: list[str]) -> None:
    """Add new strings to the catalogues and drop those that nobody uses; needs gettext's ``xgettext``."""
    if Path.cwd() != settings.BASE_DIR:
        raise CommandError(f"Run this in {settings.BASE_DIR}.")
    call_command(
        "makemessages",
        locale=locales,
        ignore_patterns=list(IGNORED),
        no_location=True,
        no_wrap=True,
        no_obsolete=True,
        verbosity=0,
    )


def tidy(path: Path) -> polib.POFile:
    """The catalogue without what changes at every run or depends on the machine, in one fixed order, as saved."""
    catalogue = polib.pofile(str(path), wrapwidth=0)
    catalogue.header = ""
    catalogue.metadata = {name: catalogue.metadata[name] for name in HEADER if name in catalogue.metadata}
    catalogue.metadata["Project-Id-Version"] = "Wiz"
    catalogue.metadata["Language"] = path.parts[-3]
    catalogue.metadata_is_fuzzy = False
    for entry in catalogue:
        _tidy_entry(entry)
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
    catalogue.save(str(path))
    return catalogue


def unfinished(catalogue: polib.POFile) -> list[polib.POEntry]:
    """What still needs a translator."""
    return [entry for entry in catalogue if not entry.obsolete and (entry.fuzzy or not entry.translated())]


def _tidy_entry(entry: polib.POEntry) -> None:
    """A guess from a similar string is no translation: it is dropped, and the string listed as unfinished."""
    entry.occurrences = []
    if entry.fuzzy:
        entry.flags.remove("fuzzy")
        entry.msgstr = ""
        entry.msgstr_plural = dict.fromkeys(entry.msgstr_plural, "")
    entry.previous_msgid = entry.previous_msgid_plural = entry.previous_msgctxt = None
