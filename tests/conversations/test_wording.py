"""What followers on a page are told, in their language."""

import json

from django.utils.translation import override

from accounts.languages import spoken_language
from conversations.events import Event, EventId, EventType
from conversations.log import encode_payload
from conversations.wording import spoken_payload
from providers.errors import Overloaded
from providers.notices import AGAIN_SHORTER
from tests.factories import make_user


def spoken(kind: EventType, payload: object) -> dict[str, object]:
    """The payload as somebody who reads Portuguese gets it."""
    with override("pt-br"):
        said: dict[str, object] = json.loads(spoken_payload(Event(EventId(1, 1), kind, encode_payload(payload))))
    return said


def test_a_notice_is_told_in_the_followers_language_and_keeps_its_facts() -> None:
    notice = {"text": f"Mine is overloaded. {AGAIN_SHORTER}", "code": "overloaded", "retry_in": 0.0}
    told = "Mine está sobrecarregado. Nova tentativa com metade das mensagens."
    assert spoken(EventType.NOTICE, notice) == {**notice, "text": told}


def test_the_error_at_the_end_is_told_in_the_followers_language() -> None:
    record = Overloaded(provider="Mine", detail="busy").record()
    end = spoken(EventType.GENERATION_END, {"status": "failed", "error": record})
    message, hint = "Mine está sobrecarregado.", "Tente de novo em um minuto, ou escolha outro modelo."
    assert end == {"status": "failed", "error": {**record, "message": message, "hint": hint}}


def test_an_end_without_an_error_and_words_of_the_answer_stay_as_they_are() -> None:
    assert spoken(EventType.GENERATION_END, {"status": "completed", "error": None}) == {
        "status": "completed",
        "error": None,
    }
    assert spoken(EventType.TEXT_DELTA, {"text": AGAIN_SHORTER}) == {"text": AGAIN_SHORTER}


def test_a_socket_speaks_the_chosen_language_or_else_the_browsers(db: None) -> None:
    ada = make_user(email="ada@example.org", language="pt-br")
    eve = make_user(email="eve@example.org")
    assert spoken_language(ada, "en") == "pt-br"
    assert [spoken_language(eve, asked) for asked in ("fr, pt-BR;q=0.5", "fr", "")] == ["pt-br", "en", "en"]
