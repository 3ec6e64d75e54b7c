import pytest

from conversations.events import STEP, Event, EventId, EventType, utf16_length, utf16_prefix


@pytest.mark.parametrize("text", ["0-0", "1700000000000-4", "999999999999999999-999999999999999999"])
def test_an_id_survives_printing_and_parsing(text: str) -> None:
    assert str(EventId.parse(text)) == text


NONSENSE = ["", "-", "+", "$", "0", "1-", "1-2-3", "1-2\r\n", "\u0663-\u0661", "-1-2", "x" * 10_000, "1" * 30 + "-1"]


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_no_id_is_refused(text: str) -> None:
    """R19: nonsense in ``Last-Event-ID`` is an error of the client's, never one of ours."""
    with pytest.raises(ValueError, match="event id"):
        EventId.parse(text)


def test_an_event_follows_its_predecessor_and_what_was_rebuilt_just_before_it() -> None:
    event = Event(EventId(7, 5 * STEP), EventType.TEXT_DELTA, b"{}")
    assert event.follows(EventId(7, 4 * STEP))
    assert event.follows(EventId(7, 5 * STEP - 1))
    assert not event.follows(EventId(7, 3 * STEP))
    assert not event.follows(EventId(6, 4 * STEP))


def test_offsets_count_as_javascript_counts() -> None:
    text = "a😀é漢\U0001f469\u200d\U0001f680"
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2
    assert utf16_prefix(text, 3) == "a😀"
    assert utf16_prefix("plain", 2) == "pl"
