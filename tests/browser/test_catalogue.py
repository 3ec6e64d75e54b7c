"""The models of a new provider in a browser: they come by themselves, are filtered, hidden and fetched again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_first_answer import log_in
from tests.providers.listing import Listing, serving_a_list
from tests.stack import Stack

SLOW = 40_000  # milliseconds; a worker has to get round to it


@pytest.fixture
def listing() -> Iterator[Listing]:
    with serving_a_list() as listing:
        yield listing


def test_the_models_of_a_new_provider_come_and_are_filtered_hidden_and_fetched_again(
    page: Page, stack: Stack, listing: Listing
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    listing.lists(*[f"maker/model-{number:03}" for number in range(400)], "text-embedding-x")
    log_in(page)
    page.goto("/providers/new/")
    page.get_by_text("OpenAI-compatible").click()
    page.get_by_label("Name").fill("Big")
    page.get_by_label("Base URL").fill(listing.url)
    page.get_by_role("button", name="Add the provider").click()

    rows = page.locator("#model-list tbody tr")
    expect(rows).to_have_count(400, timeout=SLOW)
    expect(page.locator("#model-shelves")).to_contain_text("Not for chat 1")
    page.get_by_role("searchbox", name="Filter the models").fill("model-39")
    expect(rows).to_have_count(10)
    expect(page).to_have_url(f"{page.url.partition('?')[0]}?filter=model-39")
    page.reload()
    expect(rows).to_have_count(10)

    button = page.get_by_role("button", name="Do not offer maker/model-391")
    button.click()
    expect(page.locator("#model-shelves")).to_contain_text("Hidden 1")
    expect(page.get_by_role("button", name="Offer maker/model-391 again")).to_be_focused()
    page.get_by_role("link", name="Hidden").click()
    page.get_by_role("searchbox", name="Filter the models").fill("")
    expect(rows).to_have_count(1)

    listing.fails(500)
    page.get_by_role("button", name="Fetch again").click()
    expect(page.locator("#models .care").first).to_contain_text("(500)", timeout=SLOW)
    listing.lists("maker/only")
    page.get_by_role("button", name="Fetch again").click()
    expect(rows).to_have_count(1, timeout=SLOW)
    expect(rows).to_contain_text("maker/only", timeout=SLOW)
    expect(page.locator("#fetching")).to_have_count(0)
    assert problems == []
