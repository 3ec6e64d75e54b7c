"""Entries of the ledger that are written together."""

import asyncio

import pytest

from providers import bookings, ledger
from providers.bookings import book
from providers.ledger import Entry
from providers.models import UsageRecord
from providers.types import Usage
from tests.factories import make_provider, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_many_entries_take_few_writes_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    user, provider = make_user(), make_provider()
    writes: list[int] = []
    record = ledger.record_entries

    def counted(entries: list[Entry]) -> list[UsageRecord]:
        writes.append(len(entries))
        return record(entries)

    monkeypatch.setattr(bookings, "record_entries", counted)

    async def work() -> None:
        for number in range(200):
            book(Entry(user, provider, "m", Usage(input=number)))
            if number % 20 == 0:
                await asyncio.sleep(0)
        await bookings.drain()

    asyncio.run(work())
    assert sorted(UsageRecord.objects.values_list("input_tokens", flat=True)) == list(range(200))
    assert sum(writes) == 200
    assert len(writes) < 20


def test_who_waits_for_an_entry_does_not_wait_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookings, "GATHER", 60.0)
    user, provider = make_user(), make_provider()

    async def work() -> list[UsageRecord | None]:
        book(Entry(user, provider, "m", Usage()))
        urgent = [await book(Entry(user, provider, "m", Usage(output=n)), is_urgent=True) for n in (1, 2)]
        await bookings.drain()
        return urgent

    records = asyncio.run(asyncio.wait_for(work(), 30))
    assert [record.output_tokens for record in records if record] == [1, 2]


def test_one_that_cannot_be_written_does_not_keep_the_others_out() -> None:
    user, provider = make_user(), make_provider()
    gone = make_user("gone@example.org")
    entries = [Entry(user, provider, "m", Usage()), Entry(gone, provider, "m", Usage())]
    type(gone).objects.filter(pk=gone.pk).delete()

    async def work() -> list[UsageRecord | None]:
        made = await asyncio.gather(*(book(entry, is_urgent=True) for entry in entries))
        await bookings.drain()
        return made

    first, second = asyncio.run(work())
    assert first is not None
    assert second is None
    assert UsageRecord.objects.count() == 1
