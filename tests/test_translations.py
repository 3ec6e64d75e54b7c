"""Every language is complete: the catalogues on disk, and the pages that are made with them."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import polib
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from accounts.models import User
from conversations.models import Conversation, Generation
from providers.errors import AuthFailed, Overloaded, ProviderTimeout
from providers.models import Provider
from providers.sentences import in_readers_language
from tests.factories import make_agent, make_answer, make_provider, make_user
from wizsite.management.commands.translate import IGNORED, catalogue_path, unfinished

LOCALES: Final = ["pt_BR"]
SOURCES: Final = ("accounts", "agents", "conversations", "providers", "templates", "wizsite")
PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|</?\w+[^>]*>")
PAGES: Final = (
    "/c/", "/c/prompts/", "/c/prompts/new/", "/c/archive/", "/c/trash/", "/c/import/", "/c/folders/new/", "/agents/",
    "/agents/new/", "/agents/import/", "/providers/", "/providers/new/", "/settings/", "/settings/appearance/",
    "/settings/language/", "/settings/security/", "/settings/sessions/", "/settings/tokens/", "/settings/data/",
    "/settings/defaults/", "/settings/usage/", "/settings/webhooks/", "/settings/webhooks/new/",
)  # fmt: skip


@pytest.fixture(params=LOCALES)
def catalogue(request: pytest.FixtureRequest) -> polib.POFile:
    return polib.pofile(str(catalogue_path(request.param)), wrapwidth=0)


def forms(entry: polib.POEntry) -> list[str]:
    """All translations of an entry, one for each plural form."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_language_but_english_has_a_catalogue() -> None:
    assert [path.parent.parent.name for path in Path(settings.LOCALE_PATHS[0]).glob("*/*/django.po")] == LOCALES
    assert len(settings.LANGUAGES) == len(LOCALES) + 1


def test_every_string_is_translated_and_none_is_a_guess(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in unfinished(catalogue)] == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def test_every_placeholder_and_tag_is_in_the_translation(catalogue: polib.POFile) -> None:
    wrong = [entry.msgid for entry in catalogue if not all(agrees(entry, form) for form in forms(entry))]
    assert wrong == []


def agrees(entry: polib.POEntry, form: str) -> bool:
    """A plural form has what one of the two English ones has."""
    held = sorted(PLACEHOLDER.findall(form))
    return held in [sorted(PLACEHOLDER.findall(text)) for text in (entry.msgid, entry.msgid_plural or entry.msgid)]


def test_the_compiled_catalogue_is_that_of_the_source(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(catalogue.fpath.removesuffix("po") + "mo")
    assert {(entry.msgctxt, entry.msgid): forms(entry) for entry in compiled} == {
        (entry.msgctxt, entry.msgid): forms(entry) for entry in catalogue
    }


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed (apt install gettext)")
@pytest.mark.parametrize("locale", LOCALES)
def test_the_catalogue_holds_what_the_sources_hold(
    locale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SOURCES:
        (tmp_path / name).symlink_to(settings.BASE_DIR / name)
    (tmp_path / "locale").mkdir()
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=[locale], ignore_patterns=list(IGNORED), symlinks=True, verbosity=0)
    found = polib.pofile(str(tmp_path / "locale" / locale / "LC_MESSAGES" / "django.po"))
    kept = polib.pofile(str(catalogue_path(locale)))
    assert {entry.msgid for entry in found} ^ {entry.msgid for entry in kept} == set(), "run manage.py translate"


class _Words(HTMLParser):
    """The texts and the spoken attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._silence = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silence += tag in {"script", "style", "pre"}
        spoken = {"aria-label", "title", "placeholder", "alt"}
        self.texts |= {value.strip() for name, value in attrs if value and (name in spoken or name.startswith("data-"))}

    def handle_endtag(self, tag: str) -> None:
        self._silence -= tag in {"script", "style", "pre"}

    def handle_data(self, data: str) -> None:
        if not self._silence:
            self.texts.add(" ".join(data.split()))


@pytest.fixture
def english() -> set[str]:
    """Whole English sentences that read differently in Portuguese."""
    return set(_sentences(polib.pofile(str(catalogue_path("pt_BR")))))


def _sentences(catalogue: polib.POFile) -> Iterator[str]:
    for entry in catalogue:
        if len(entry.msgid.split()) > 2 and not PLACEHOLDER.search(entry.msgid) and entry.msgid not in forms(entry):
            yield entry.msgid


@pytest.fixture
def ada(db: None) -> User:
    return make_user(email="ada@example.org", is_staff=True)


def english_of(client: Client, path: str, english: set[str]) -> set[str]:
    answer = client.get(path, headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    assert answer.status_code == 200, path
    assert '<html lang="pt-br"' in answer.text, path
    words = _Words()
    words.feed(answer.text)
    return words.texts & english


def test_who_is_not_logged_in_reads_the_language_of_the_browser(db: None, client: Client, english: set[str]) -> None:
    make_user(email="eve@example.org", is_superuser=True)
    found = {path: english_of(client, path, english) for path in ("/accounts/login/", "/accounts/password/reset/")}
    assert not any(found.values()), found


def test_no_page_says_an_english_sentence_to_a_portuguese_reader(ada: User, client: Client, english: set[str]) -> None:
    provider = make_provider(ada, name="Mine")
    refusal = AuthFailed(provider="Mine", status=401).message
    Provider.objects.filter(pk=provider.pk).update(
        health="failing", health_code="auth_failed", health_message=refusal, models_error=refusal
    )
    agent = make_agent(ada, provider)
    client.force_login(ada)
    paths = [*PAGES, f"/providers/{provider.pk}/", f"/agents/{agent.pk}/"]
    found = {path: english_of(client, path, english) for path in paths}
    assert not any(found.values()), found
    assert "Mine recusou a chave (401)." in client.get(paths[-2], headers={"Accept-Language": "pt-BR"}).text


def test_a_failed_answer_and_its_receipt_are_read_in_portuguese(ada: User, client: Client, english: set[str]) -> None:
    conversation = Conversation.objects.create(owner=ada, title="Ozônio")
    message = make_answer(conversation)
    Conversation.objects.update(head=message)
    failure = Overloaded(provider="Mine")
    hop = {"provider": "Other", "model": "m", "code": "timeout", "message": ProviderTimeout(provider="Other").message}
    Generation.objects.create(
        conversation=conversation,
        message=message,
        status="failed",
        attempt=1,
        error=failure.record(),
        receipt={"hops": [hop]},
    )
    client.force_login(ada)
    page = f"/c/{conversation.pk}/"
    receipt = reverse("conversations:receipt", args=[conversation.pk, message.pk])
    assert english_of(client, page, english) == set()
    assert "Mine está sobrecarregado." in client.get(page, headers={"Accept-Language": "pt-BR"}).text
    assert "Other não respondeu a tempo." in client.get(receipt, headers={"Accept-Language": "pt-BR"}).text


def test_what_a_person_chose_goes_before_what_the_browser_asks_for(ada: User, client: Client) -> None:
    User.objects.filter(pk=ada.pk).update(language="pt-br")
    client.force_login(ada)
    assert "Agentes" in client.get("/agents/", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (ProviderTimeout(phase="idle", provider="Mine").message, "Mine parou de enviar no meio da resposta."),
        (
            "Mine is overloaded. Trying again in 4 s (2 of 5).",
            "Mine está sobrecarregado. Nova tentativa em 4 s (2 de 5).",
        ),
        ("You have used your 1,000 tokens for today.", "Você usou os seus 1,000 tokens de hoje."),
        ("The model is on fire.", "The model is on fire."),
        ("", ""),
    ],
)
def test_stored_sentences_are_said_in_the_readers_language(stored: str, said: str) -> None:
    with override("pt-br"):
        assert in_readers_language(stored) == said
    with override("en"):
        assert in_readers_language(stored) == stored
