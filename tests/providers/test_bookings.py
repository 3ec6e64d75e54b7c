"""Entries of the ledger that are written together."""

import asyncio

import pytest
from django.db import DatabaseError

from accounts.models import User
from accounts.services import delete_account
from providers import bookings, ledger
from providers.bookings import book
from providers.ledger import Entry
from providers.models import Provider, UsageRecord
from providers.services import delete_provider
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


async def book_all(*entries: Entry) -> list[UsageRecord | None]:
    made = await asyncio.gather(*(book(entry, is_urgent=True) for entry in entries))
    await bookings.drain()
    return made


def test_one_that_cannot_be_written_does_not_keep_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    user, provider = make_user(), make_provider()
    record = ledger.record_entries

    def picky(entries: list[Entry]) -> list[UsageRecord]:
        if any(entry.model == "broken" for entry in entries):
            raise DatabaseError
        return record(entries)

    monkeypatch.setattr(bookings, "record_entries", picky)
    first, second = asyncio.run(book_all(Entry(user, provider, "m", Usage()), Entry(user, provider, "broken", Usage())))
    assert first is not None
    assert second is None
    assert UsageRecord.objects.count() == 1


def test_whoever_was_deleted_during_the_call_is_left_out_of_its_entry() -> None:
    user, shared = make_user(), make_provider(name="Shared")
    gone, left = make_user("gone@example.org"), make_provider(name="Left")
    entries = [Entry(user, left, "m", Usage(input=1)), Entry(gone, shared, "m", Usage(input=2))]
    delete_account(user=User.objects.get(pk=gone.pk))
    delete_provider(provider=Provider.objects.get(pk=left.pk))
    asyncio.run(book_all(*entries))
    kept = UsageRecord.objects.order_by("input_tokens").values_list("user", "provider", "provider_name", "is_shared")
    assert list(kept) == [(user.pk, None, "Left", True), (None, shared.pk, "Shared", True)]
