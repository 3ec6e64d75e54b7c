/** Stays at the end while the reader is there, and says so when there is more below. */

const NEAR = 48; // pixels from the end that still count as the end

/** Watch a scrolling element whose content grows; returns a function that goes to the end. */
export function wireScroll(scroll, content) {
  let atEnd = true;
  let lastTop = 0;
  const button = () => document.querySelector("[data-to-end]");
  const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
  const toEnd = () => {
    atEnd = true;
    scroll.scrollTop = scroll.scrollHeight;
    if (button()) button().hidden = true;
  };
  scroll.addEventListener("scroll", () => {
    // Growing content fires this too: only the reader's own move upwards leaves the end.
    if (isAtEnd()) atEnd = true;
    else if (scroll.scrollTop < lastTop - 1) atEnd = false;
    lastTop = scroll.scrollTop;
    if (button() && (atEnd || !button().hidden)) button().hidden = atEnd;
  }, { passive: true });
  new ResizeObserver(() => {
    if (atEnd) toEnd();
    else if (button() && !isAtEnd()) button().hidden = false;
  }).observe(content);
  new ResizeObserver(() => atEnd && toEnd()).observe(scroll);
  document.addEventListener("click", (event) => event.target.closest("[data-to-end]") && toEnd());
  document.addEventListener("wiz:sent", toEnd);
  keepPlace(scroll, content, () => { atEnd = isAtEnd(); });
  const wanted = content.querySelector(`#${CSS.escape(location.hash.slice(1)) || "none"}`);
  if (!wanted) {
    toEnd();
    return;
  }
  atEnd = false;
  wanted.scrollIntoView({ block: "start" });
  lastTop = scroll.scrollTop;
}

/** Whatever replaces the content, what has the focus stays where it is on the screen. */
function keepPlace(scroll, content, moved) {
  let place = null;
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const focused = document.activeElement;
    const isInside = detail.target === content && focused.id && content.contains(focused);
    place = isInside ? { id: focused.id, top: focused.getBoundingClientRect().top } : null;
  });
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    const found = detail.target === content && place && document.getElementById(place.id);
    if (!found) return;
    scroll.scrollTop += found.getBoundingClientRect().top - place.top;
    place = null;
    moved();
  });
}
