"""What a long answer costs the page that reads along: main-thread time per token in a real Chromium.

Run with ``make bench``. Everything is real: a whole Wiz, its socket and pages, and the fast model of the practice
provider. Absolute figures depend on the machine; what to watch:

- growth: main-thread time per token of the last tenth of the answer over that of the first (1.0 is flat);
- longest task: no task of the main thread may be felt, so 100 ms is too much;
- shift: layout shifts while the text streams and the reader does nothing (0 is perfect).

The fast model says all in a few seconds, in so few frames that nothing could be told from them. So the page takes the
text in small pieces, one for every frame that it draws, and each block with the piece that ends it.

Time is what Chromium itself counts (``Performance.getMetrics``: tasks, and in them script, style and layout), of the
thread and not of the wall; a long task is one of the wall's, so a busy machine makes it longer. Texts of
different makes are measured, because each grows in a way of its own: chapters, code, a list, one paragraph.
Without Chromium this says so and does nothing.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.people import Person, the_administrator
from tests.stack import furnished_stack

TOKENS: Final = 50_000
UNITS: Final = 5.3  # characters of a token of the practice provider, about
LIMIT: Final = 240.0  # seconds for one answer
EVERY: Final = 0.1  # seconds between two looks
METRICS: Final = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")

PIECE: Final = 160  # characters that the page is given per frame

# Hands out the text piece by piece, counts its characters, long tasks and shifts; the same small cost for every frame.
WATCH: Final = (
    """
window.bench = { units: 0, tasks: [], shift: 0 };
const queue = [];
const blocks = [];
let next = 0;
let ready = 0;
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  addEventListener(name, listener, ...given) {
    if (name !== "message") super.addEventListener(name, listener, ...given);
    else super.addEventListener(name, ({ data }) => cut(data).forEach((piece) => {
      (piece.event === "block" ? blocks : queue).push([listener, piece]);
    }));
  }
};
function cut(text) {
  const frame = JSON.parse(text);
  if (frame.event !== "text-delta" || frame.data.text.length <= PIECE) return [frame];
  const pieces = [];
  for (let start = 0; start < frame.data.text.length; start += PIECE) {
    const data = { offset: frame.data.offset + start, text: frame.data.text.slice(start, start + PIECE) };
    pieces.push({ ...frame, id: start ? undefined : frame.id, data });
  }
  return pieces;
}
function pump() {
  let isText = false;
  while (next < queue.length && !isText) {
    const [listener, frame] = queue[next];
    next += 1;
    isText = frame.event === "text-delta";
    if (isText && !window.bench.units) window.bench.tasks.length = 0;  // what is echoed is a long message in itself
    if (isText) window.bench.units = frame.data.offset + frame.data.text.length;
    listener({ data: JSON.stringify(frame) });
    for (; blocks[ready]?.[1].data.end <= window.bench.units; ready += 1) {
      const [reader, block] = blocks[ready];
      reader({ data: JSON.stringify(block) });
    }
  }
  setTimeout(pump, 16);
}
pump();
""".replace("PIECE", str(PIECE))
    + """
new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.bench.tasks.push(entry.duration)))
  .observe({ type: "longtask" });
new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.bench.shift += entry.value; }))
  .observe({ type: "layout-shift" });
"""
)


@dataclass(frozen=True)
class Look:
    """How much text had arrived, and the seconds that the main thread had spent by then."""

    units: int
    spent: dict[str, float]


def chapters(tokens: int) -> str:
    """Headings and paragraphs, as the practice provider tells them."""
    return f"tokens={tokens}"


def listing(tokens: int) -> str:
    """One block of code."""
    line = "    total = total + values[index] * weights[index]  # the sum so far\n"
    return "echo: ```python\n" + line * int(tokens * UNITS / len(line)) + "```\n"


def listings(tokens: int) -> str:
    """Blocks of code that are short enough for colours."""
    line = "    total = total + values[index] * weights[index]  # the sum so far\n"
    block = "Some words.\n\n```python\n" + line * 500 + "```\n\n"
    return "echo: " + block * int(tokens * UNITS / len(block))


def items(tokens: int) -> str:
    """One list."""
    return "echo: " + "- a point that says something about a thing\n" * int(tokens * UNITS / 44)


def paragraph(tokens: int) -> str:
    """One paragraph without an end."""
    return "echo: " + "words that go on and on and on " * int(tokens * UNITS / 31)


# A message may have 200,000 characters: what is echoed is shorter.
TEXTS: Final = (
    ("chapters", chapters(TOKENS)),
    ("code", listing(30_000)),
    ("colours", listings(30_000)),
    ("list", items(30_000)),
    ("paragraph", paragraph(30_000)),
)


def look(page: Page, session: CDPSession) -> Look:
    """The figures of this moment."""
    units = int(page.evaluate("window.bench.units"))
    found = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    return Look(units, {name: float(found[name]) for name in METRICS})


def stream(page: Page, session: CDPSession, person: Person, agent: str, text: str) -> list[Look]:
    """Let an answer arrive on an open page, and look at it until it has."""
    conversation = person.caller.post("conversations/", {"agent": agent})["id"]
    page.goto(f"/c/{conversation}/")
    page.wait_for_timeout(500)
    page.evaluate("window.bench.tasks.length = 0; window.bench.shift = 0")
    looks = [look(page, session)]
    person.caller.post(f"conversations/{conversation}/messages/", {"content": text})
    end = time.monotonic() + LIMIT
    while page.locator(".message.agent[data-status=completed]").count() == 0:
        if time.monotonic() > end:
            sys.exit("The answer did not arrive in time.")
        page.wait_for_timeout(1000 * EVERY)
        looks.append(look(page, session))
    return [*looks, look(page, session)]


def per_unit(looks: list[Look], name: str, first: float, last: float) -> float:
    """Microseconds per character between two shares of the text."""
    total = looks[-1].units
    begin = next(one for one in looks if one.units >= first * total)
    end = next((one for one in looks if one.units >= last * total and one.units > begin.units), looks[-1])
    return 1e6 * (end.spent[name] - begin.spent[name]) / max(1, end.units - begin.units)


def tenths(looks: list[Look], name: str) -> Iterator[float]:
    """What each tenth of the text costs per token; the first begins where text is there at all."""
    started = looks[[one.units > 0 for one in looks].index(True) :]
    return (UNITS * per_unit(started, name, n / 10, (n + 1) / 10) for n in range(10))


def report(page: Page, looks: list[Look], label: str) -> None:
    """Print the figures of one answer."""
    found = page.evaluate("window.bench")
    costs = list(tenths(looks, "TaskDuration"))
    spent = looks[-1].spent["TaskDuration"] - looks[0].spent["TaskDuration"]
    long = sum(task > 100 for task in found["tasks"])
    tasks = f"longest task {max(found['tasks'], default=0):.0f} ms ({long} over 100 ms)"
    print(f"{label}: {looks[-1].units:,} characters, {spent:.1f} s of the main thread, "
          f"growth {costs[-1] / costs[0]:.2f}, {tasks}, shift {found['shift']:.4f}")  # fmt: skip
    print("  µs per token by tenths: " + " ".join(f"{cost:.0f}" for cost in costs))
    for name in METRICS[1:]:
        print(f"  {name}: " + " ".join(f"{cost:.0f}" for cost in tenths(looks, name)))


def measure(chromium: str) -> None:
    """Start a Wiz and a browser, and let every text arrive."""
    with furnished_stack() as stack, the_administrator(stack) as person, sync_playwright() as playwright:
        provider = person.caller.get("providers/")["results"][0]["id"]
        agent = person.caller.add_agent(name="fast", provider=provider, model="practice-fast")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        chosen = [(label, text) for label, text in TEXTS if label in sys.argv[1:] or not sys.argv[1:]]
        for label, text in chosen:
            context = browser.new_context(base_url=stack.base_url, viewport={"width": 1280, "height": 800})
            context.add_cookies(person.cookies)
            context.add_init_script(WATCH)
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            report(page, stream(page, session, person, agent, text), label)
            context.close()
        browser.close()


def main() -> None:
    """Measure where there is a Chromium."""
    chromium = "/usr/bin/chromium" if Path("/usr/bin/chromium").exists() else shutil.which("chromium")
    if not chromium:
        print("bench_browser: skipped, there is no Chromium here.")
        return
    with tempfile.TemporaryDirectory(prefix="wiz-bench-", dir="/tmp") as folder:
        os.environ["WIZ_DATA_DIR"] = folder  # static files are collected here
        (Path(folder) / "static").mkdir()
        measure(chromium)


if __name__ == "__main__":
    main()
