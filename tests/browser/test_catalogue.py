"""The models of a new provider in a browser: they come by themselves, are filtered, hidden and fetched again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.providers.listing import Listing, serving_a_list

SLOW = 40_000  # milliseconds; a worker has to get round to it


@pytest.fixture
def listing() -> Iterator[Listing]:
    with serving_a_list() as listing:
        yield listing


def test_the_models_of_a_new_provider_come_and_are_filtered_hidden_and_fetched_again(
    tab: Page, listing: Listing
) -> None:
    listing.lists(*[f"maker/model-{number:03}" for number in range(400)], "text-embedding-x")
    tab.goto("/providers/new/")
    tab.get_by_text("OpenAI-compatible").click()
    tab.get_by_label("Name").fill("Big")
    tab.get_by_label("Base URL").fill(listing.url)
    tab.get_by_role("button", name="Add the provider").click()

    rows = tab.locator("#model-list tbody tr")
    expect(rows).to_have_count(400, timeout=SLOW)
    expect(tab.locator("#model-shelves")).to_contain_text("Not for chat 1")
    tab.get_by_role("searchbox", name="Filter the models").fill("model-39")
    expect(rows).to_have_count(10)
    expect(tab).to_have_url(f"{tab.url.partition('?')[0]}?filter=model-39")
    tab.reload()
    expect(rows).to_have_count(10)

    button = tab.get_by_role("button", name="Do not offer maker/model-391")
    button.click()
    expect(tab.locator("#model-shelves")).to_contain_text("Hidden 1")
    expect(tab.get_by_role("button", name="Offer maker/model-391 again")).to_be_focused()
    tab.get_by_role("link", name="Hidden").click()
    tab.get_by_role("searchbox", name="Filter the models").fill("")
    expect(rows).to_have_count(1)

    listing.fails(500)
    tab.get_by_role("button", name="Fetch again").click()
    expect(tab.locator("#models .care").first).to_contain_text("(500)", timeout=SLOW)
    listing.lists("maker/only")
    tab.get_by_role("button", name="Fetch again").click()
    expect(rows).to_have_count(1, timeout=SLOW)
    expect(rows).to_contain_text("maker/only", timeout=SLOW)
    expect(tab.locator("#fetching")).to_have_count(0)
